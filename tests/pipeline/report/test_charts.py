import math
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex

from headstart.pipeline.report import cell_charts, charts, palette
from headstart.pipeline.report.slicing import weakest
from headstart.pipeline.verdict.findings import REFERENCES, SCRATCH, TRANSFER

STRATEGIES = (SCRATCH, *TRANSFER, *REFERENCES)


def parsed(figure):
    return ElementTree.fromstring(charts.svg(figure))


def words(figure):
    return [text.text for text in parsed(figure).iter("text")]


def channel(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour):
    red, green, blue = (channel(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, two):
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_every_strategy_has_a_colour_of_its_own_in_both_themes():
    assert len({palette.variable(strategy) for strategy in STRATEGIES}) == len(STRATEGIES)
    for dark in (False, True):
        values = dict(pair.split(": ") for pair in palette.css(dark=dark).rstrip(";").split("; "))
        colours = [values[palette.variable(strategy)] for strategy in STRATEGIES]
        assert len(set(colours)) == len(STRATEGIES)
        assert all(contrast(colour, values["--paper"]) >= 3 for colour in colours)
        assert all(contrast(values[text], values["--paper"]) >= 4.5 for text in ("--ink", "--muted"))


def test_a_strategy_that_nobody_knows_has_a_colour_too():
    assert (
        palette.variable("invented") == "--strategy-other"
        and palette.light("invented") in palette.variables()
    )


def test_a_strategy_has_the_same_colour_in_every_picture(make_study):
    study = make_study()
    (axes,) = charts.learning_curves(study.verdict).axes
    (other,) = charts.accuracy_against_seconds(study.verdict).axes
    for one in (axes, other):
        colours = {line.get_label(): to_hex(line.get_color()) for line in one.lines}
        assert colours["scratch"] == palette.light(SCRATCH)
        assert colours["fine-tune"] == palette.light("fine_tune")


def test_learning_curves_show_every_row(make_study):
    verdict = make_study().verdict
    (axes,) = charts.learning_curves(verdict).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) >= {"scratch", "frozen", "fine-tune", "gradual", "SVM, pixels"}
    assert list(lines["scratch"].get_ydata()) == [0.41, 0.72, 0.957]
    assert list(lines["SVM, pixels"].get_xdata()) == [63, 126, 1257]
    assert lines["SVM, pixels"].get_linewidth() < lines["scratch"].get_linewidth()
    assert axes.get_xscale() == "log"


def test_ticks_of_subsets_do_not_run_into_each_other(make_study):
    verdict = make_study().verdict
    rows = [replace(verdict.rows[0], images=images) for images in (10, 990, 995, 1000)]
    (axes,) = charts.learning_curves(replace(verdict, rows=tuple(rows))).axes
    assert sorted(axes.get_xticks()) == [10, 1000]


def test_one_row_makes_pictures(make_study):
    verdict = make_study().verdict
    verdict = replace(
        verdict, rows=(replace(verdict.rows[0], seconds=0.0, seconds_min=0.0, seconds_max=0.0),)
    )
    assert "scratch" in words(charts.learning_curves(verdict))
    found = words(charts.accuracy_against_seconds(verdict))
    assert "scratch" in found and found.count("5\N{NO-BREAK SPACE}%") == 1


def test_no_rows_make_empty_pictures(make_study):
    verdict = replace(make_study().verdict, rows=())
    assert parsed(charts.learning_curves(verdict)).tag == "svg"
    assert parsed(charts.accuracy_against_seconds(verdict)).tag == "svg"


def test_a_picture_is_described_and_scales_with_the_page(make_study):
    study = make_study()
    left, right = study.compared()
    found = weakest(left.predictions, right.predictions, study.slices, 10)
    for figure in (
        charts.learning_curves(study.verdict),
        charts.accuracy_against_seconds(study.verdict),
        charts.confusions([left, right], study.classes),
        charts.slices(found, left.strategy),
        charts.training_curves([left, right]),
    ):
        root = parsed(figure)
        assert root.tag == "svg" and root.get("role") == "img" and len(root.get("aria-label")) > 40
        assert root.get("viewBox") and root.get("width") is None and root.get("height") is None
        assert (
            root.find(".//image") is None
            and root.find(".//style") is None
            and root.find(".//metadata") is None
        )
        assert charts.png(figure, dpi=40).startswith(b"\x89PNG")


def test_text_stays_text_in_the_pages_font(make_study):
    root = parsed(charts.learning_curves(make_study().verdict))
    assert all("font-family" not in text.get("style") for text in root.iter("text"))
    assert "labelled images (log scale)" in [text.text for text in root.iter("text")]


def test_drawing_leaves_the_style_of_the_process_alone(make_study):
    before = dict(mpl.rcParams)
    charts.svg(charts.learning_curves(make_study().verdict))
    assert dict(mpl.rcParams) == before


def test_a_confusion_matrix_counts_images(make_study):
    study = make_study(classes=2)
    _, scratch = study.compared()
    rows = [
        {"path": str(i), "label": label, "predicted": predicted}
        for i, (label, predicted) in enumerate([("a", "a")] * 7 + [("a", "b")] * 3 + [("b", "b")] * 5)
    ]
    found = words(charts.confusion(replace(scratch, predictions=rows), ["a", "b"]))
    assert {"7", "3", "5"} <= set(found) and "0" not in found
    assert any("80.0 %" in word for word in found)


def test_confusion_has_the_classes_in_the_order_of_their_names(make_study):
    study = make_study(names=["c", "a", "b"])
    cell, _ = study.compared()
    (axes,) = charts.confusion(cell, study.classes).axes
    for axis in (axes.xaxis, axes.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == ["a", "b", "c"]
    right = {row["label"]: 0 for row in cell.predictions}
    for row in cell.predictions:
        right[row["label"]] += row["label"] == row["predicted"]
    diagonal = [text.get_text() for text in axes.texts if len(set(text.get_position())) == 1]
    assert sorted(diagonal) == sorted(str(right[name]) for name in "abc")


@pytest.mark.parametrize(("classes", "named"), [(30, True), (31, False)])
def test_many_classes_have_shades_alone(make_study, classes, named):
    study = make_study(classes=classes)
    cell, _ = study.compared()
    found = words(charts.confusion(cell, study.classes))
    assert any(word.isdigit() for word in found) == named
    assert ("class 5" in found) == named


def test_of_very_many_classes_the_hardest_are_shown(make_study):
    study = make_study(classes=150)
    cell, _ = study.compared()
    wrong = {"path": "p", "label": "class 149", "predicted": "class 7"}
    right = [{**row, "predicted": row["label"]} for row in cell.predictions]
    assert cell_charts.hardest([replace(cell, predictions=[wrong])], study.classes) == [
        "class 7",
        "class 149",
    ]
    assert cell_charts.hardest([replace(cell, predictions=right)], study.classes) == study.classes[:30]
    assert cell_charts.hardest([cell], study.classes[:100]) == study.classes[:100]


def test_confusion_is_told_in_words(make_study):
    cell, _ = make_study().compared()
    pairs = [("a", "b")] * 3 + [("b", "a")] * 3 + [("a", "a")] * 9 + [("c", "a")]
    rows = [{"path": "p", "label": label, "predicted": predicted} for label, predicted in pairs]
    told = cell_charts.confused(replace(cell, predictions=rows))
    assert told == "Most often taken by fine-tune: a as b (3), b as a (3), c as a (1)."
    assert cell_charts.confused(replace(cell, predictions=[])) == "No mistake by fine-tune."


def test_a_dollar_in_a_name_is_no_formula_when_others_save_the_figure(make_study, tmp_path):
    study = make_study(names=["$x^$", "b"])
    left, right = study.compared()
    charts.confusions([left, right], study.classes).savefig(tmp_path / "figure.png")
    found = weakest(left.predictions, right.predictions, {}, 10)
    charts.slices(found, left.strategy).savefig(tmp_path / "figure.png")


def test_training_curves_mark_the_epoch_whose_weights_were_kept(make_study):
    cell, scratch = make_study().compared()
    figure = charts.training_curves([cell])
    assert "weights of epoch 5 kept" in figure.get_label()
    assert {"frozen", "fine-tune", "kept"} <= set(words(figure))
    # Scratch keeps weights by accuracy: its lowest validation loss is long before.
    assert "weights of epoch 60 kept" in charts.training_curves([scratch]).get_label()
    assert min(scratch.history, key=lambda row: float(row["val_loss"]))["epoch"] != "60"


def test_training_curves_bear_what_was_not_measured(make_study):
    cell, _ = make_study().compared()
    gaps = [{**row, "val_loss": "", "val_accuracy": "nan"} for row in cell.history]
    assert "kept" not in words(charts.training_curves([replace(cell, history=gaps, figures={})]))
    assert "kept" in words(charts.training_curves([replace(cell, history=cell.history[:1])]))
    assert parsed(charts.training_curves([replace(cell, history=[])])).tag == "svg"


def test_where_scratch_is_not_there_the_pictures_are_of_the_judged_strategy_alone(make_study):
    study = make_study()
    cell, _ = study.compared()
    assert len(charts.confusions([cell], study.classes).axes) == 1
    assert words(charts.slices([], cell.strategy)) == ["No slice has 10 test images."]


def test_slices_are_the_weakest_first_with_wilson_intervals():
    def rows(hits):
        return [
            {"path": str(i), "label": "ab"[i >= 20], "predicted": "ab"[i >= 20] if hit else "no"}
            for i, hit in enumerate(hits)
        ]

    one, other = rows([True] * 15 + [False] * 5 + [True] * 20), rows([True] * 40)
    columns = {str(i): {"light": "dark" if i % 2 else "-", "all": "x", "few": str(i)} for i in range(40)}
    found = weakest(one, other, columns, 10)
    assert [(s.column, s.value, s.images) for s in found] == [
        ("label", "a", 20),
        ("light", "dark", 20),
        ("label", "b", 20),
    ]
    assert found[0].one.accuracy == 0.75 and found[0].other.accuracy == 1
    # Wilson at 15 of 20, by hand: centre (0.75 + 1.96²/40) / (1 + 1.96²/20), half width beside it.
    assert math.isclose(found[0].one.low, 0.5313, abs_tol=1e-4)
    assert math.isclose(found[0].one.high, 0.8881, abs_tol=1e-4)
    assert len(weakest(one, None, columns, 1)) == 1 and weakest(one, None, columns, 1)[0].other is None
    assert weakest([], None, {}, 5) == []

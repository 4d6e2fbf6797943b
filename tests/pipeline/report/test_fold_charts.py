"""The pictures of cross-validation, and its section of the page."""

from dataclasses import replace

import numpy as np
import pytest

from headstart.components.cross_validation import figures
from headstart.components.cross_validation.out_of_fold import OutOfFold as Predictions
from headstart.components.shared.linear.folds import Folds
from headstart.pipeline.report import fold_charts, page
from headstart.pipeline.results import out_of_fold
from headstart.pipeline.results.cross_validation import CrossValidation


@pytest.fixture
def validated(tmp_path):
    """Writes what cross-validation leaves of so many classes; class 3 is the hardest."""

    def make(classes):
        rng = np.random.default_rng(0)
        labels, fold = np.arange(200) % classes, np.arange(200) // 7 % 5
        logits = rng.normal(size=(200, classes)) + 3 * np.eye(classes)[labels] * (labels != 3)[:, None]
        odds = np.exp(logits)
        held_out = fold == np.arange(5)[:, None]
        found = Predictions(
            fold, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), np.full(5, 0.97)
        )
        told = figures.figures(labels, Folds(~held_out, held_out), found, None)
        told |= {"images": 200, "training_images": 1257, "by_time": False, "seconds": 7.0}
        names, paths = [f"class ${number}" for number in range(classes)], [str(row) for row in range(200)]
        figures.write(tmp_path / "cv", paths, labels, paths, names, found, told)
        return CrossValidation(told, tmp_path / "cv" / figures.FILE)

    return make


def test_every_fold_is_a_point_beside_the_mean(validated):
    told = validated(5).figures
    figure = fold_charts.accuracy_by_fold(told)
    (axes,) = figure.axes
    points = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(points.get_xdata(), [1, 2, 3, 4, 5])
    np.testing.assert_allclose(points.get_ydata(), [one["accuracy"] for one in told["folds"]])
    assert f"mean {100 * told['accuracy']['mean']:.1f}" in figure.get_label()


@pytest.mark.parametrize(("classes", "drawn"), [(5, 5), (20, fold_charts.CLASSES)])
def test_the_classes_with_the_lowest_average_precision_are_drawn_that_one_first(validated, classes, drawn):
    found = out_of_fold.read(validated(classes).predictions.parent)
    figure = fold_charts.precision_recall(found)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    averages = [float(title.rpartition(" ")[2]) for title in titles]
    assert len(titles) == drawn and averages == sorted(averages)
    assert titles[0].startswith("class $3\n")


def test_the_page_has_a_section_where_folds_were_made_and_none_elsewhere(validated, make_study):
    study = make_study()
    assert "<h2>Cross-validation</h2>" not in page.render(study)
    html = page.render(replace(study, cross_validation=validated(10)))
    section = html.partition("<h2>Cross-validation</h2>")[2].partition("</section>")[0]
    assert "Each of 5 folds was predicted" in section and section.count("<svg") == 3
    assert "200 of\n1,257 training images" in section
    nothing = CrossValidation({"folds": []}, validated(10).predictions)
    assert "<h2>Cross-validation</h2>" not in page.render(replace(study, cross_validation=nothing))


def test_the_predictions_are_among_the_reports(validated, write):
    found = validated(10)
    written = write(cross_validation=found)
    copied = written.folder / "out_of_fold.csv"
    assert copied.read_bytes() == found.predictions.read_bytes()

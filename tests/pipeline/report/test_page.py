import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from headstart.pipeline.config.decisions import Bad, Good, Thresholds
from headstart.pipeline.report import measures
from headstart.pipeline.report.page import render
from headstart.pipeline.verdict.findings import SCRATCH, Comparison, Interval, Result
from headstart.pipeline.verdict.judge import judge

NASTY = "<b>\"&'</svg><script>alert(1)</script>"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The page's elements, its text, and whether every element is closed where it should be."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self._open = [], "", []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(tmp_path_factory, study_in):
    """The whole page of a whole study, with pictures."""
    folder = tmp_path_factory.mktemp("data")
    return render(study_in(folder, pictures=True))


def test_the_page_asks_nothing_of_the_network(html):
    page = Page(html)
    assert (
        "http:" not in html
        and "https:" not in html
        and "@import" not in html
        and "//" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    )
    assert not page.all("script") and not page.all("link")
    sources = [attributes["src"] for attributes in page.all("img")]
    assert sources and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    links = [value for _, attributes in page.elements for key, value in attributes.items() if key == "href"]
    assert all(link.startswith("#") for link in links)
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", html))
    assert len(html.encode()) < 1_000_000


def test_everything_that_was_found_is_on_the_page(make_study):
    study = make_study(
        verdict={"negative": ("Scratch is better.",), "findings": ("Control: the head alone.",)},
        failures=["gradual failed."],
        gate_failures=["Recall."],
    )
    text = Page(render(study)).text.replace("\N{NO-BREAK SPACE}", " ")
    verdict = study.verdict
    sentences = [
        verdict.cheapest,
        *verdict.negative,
        *verdict.findings,
        *verdict.notes,
        *study.failures,
        *study.gate_failures,
    ]
    sentences += [study.dataset, study.base, study.made, study.command, study.relatedness["base"]["sentence"]]
    sentences += [text for clause in verdict.clauses for text in (clause.asked, clause.figure)]
    sentences += [sign for cell in verdict.overfitting for sign in cell.signs]
    sentences += [curve.weak for curve in verdict.curves if curve.weak]
    for sentence in sentences:
        assert sentence in text
    ranked = text[text.index("Relatedness of the base") :]
    assert re.search(
        r"letters\s*81\.0 %.*shapes\s*80\.0 %.*no difference shown.*random\s*42\.0 %.*worse", ranked, re.S
    )


def test_intervals_are_called_by_the_confidence_that_was_asked_for(make_study):
    text = Page(render(make_study(verdict={"confidence": 0.8}))).text.replace("\N{NO-BREAK SPACE}", " ")
    assert text.count("80 % interval") == 3


def test_a_row_says_where_the_spread_of_its_draws_is_from_unless_it_is_its_own(make_study):
    rows = make_study().verdict.rows
    html = render(make_study(verdict={"rows": (replace(rows[0], spread="borrowed"), *rows[1:])}))
    assert html.count('<span class="range">borrowed</span>') == 1


def test_draws_count_from_1_as_their_names_do(make_study):
    html = render(make_study())
    told = html[html.index("<h2>Overfitting</h2>") : html.index("Fitted learning curves")]
    assert re.findall(r'<td class="number">(\d)</td>', told) == ["1", "2"]


def test_sections_come_in_the_order_of_what_matters(make_study):
    html = render(make_study(verdict={"negative": ("Scratch is better.",)}))
    assert re.findall("<h2>(.*?)</h2>", html) == [
        "Negative transfer",
        "What was asked, what was found",
        "Learning curves",
        "Accuracy against seconds",
        "All strategies and subsets",
        "Measures",
        "Against scratch on the same images",
        "Overfitting",
        "Fitted learning curves",
        "Confusion",
        "Weakest slices",
        "Where the strategies disagree",
        "Training",
        "Relatedness of the base",
        "Notes",
    ]
    assert html.index('class="rating') < html.index("Negative transfer")


def test_a_state_is_told_by_a_word_and_a_symbol(html):
    assert html.count("✓</span>met") == 2
    assert html.count("?</span>undecided") == 1
    assert html.count("✓</span>does not apply") == 3


def test_the_users_names_are_text_everywhere(make_study):
    names = [NASTY, "$x^$", "a\x01b\ud800", "猫", *(f"class {i}" for i in range(6))]
    study = make_study(
        names=names,
        dataset=NASTY,
        base=NASTY,
        failures=[NASTY],
        relatedness={"base": {"sentence": NASTY}, "ranking": [{"base": NASTY, "ridge": 0.5}]},
    )
    columns = {
        path: {**values, NASTY: NASTY[:20] + values["camera"]} for path, values in study.slices.items()
    }
    html = render(replace(study, slices=columns))
    page = Page(html)
    assert not page.all("script") and not page.all("b")
    assert NASTY in page.text
    assert "\x01" not in html and html.encode()  # no half of a surrogate pair is left
    assert "$x^$" in page.text and "猫" in page.text


def test_a_name_is_safe_in_a_pictures_description(make_study):
    html = render(make_study(names=[NASTY, "other"]))
    pictures = re.findall(r"<svg.*?</svg>", html, re.S)
    assert any(NASTY in ElementTree.fromstring(picture).get("aria-label") for picture in pictures)


def test_ids_are_unique_over_all_pictures_and_all_that_is_referred_to_is_there(html):
    ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]
    assert ids and len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) == set(ids)


def test_pictures_take_their_colours_from_the_page(html):
    pictures = "".join(re.findall(r"<svg.*?</svg>", html, re.S))
    assert not re.findall(r"(?:fill|stroke): #\w+", pictures)
    used = set(re.findall(r"var\((--[a-z-]+)\)", html))
    light, dark = html.split("prefers-color-scheme: dark", 1)
    assert "--strategy-scratch" in used and "--ink" in used
    for variable in used - {"--c"}:
        assert f"{variable}:" in light and f"{variable}:" in dark


def test_without_scratch_transfer_is_shown_alone(make_study):
    study = make_study(verdict={"comparisons": (), "rows": ()})
    study = replace(study, cells=[cell for cell in study.cells if cell.strategy != SCRATCH])
    text = Page(render(study)).text
    assert (
        "Confusion" in text and "Where the strategies disagree" not in text and "Learning curves" not in text
    )


def test_one_cell_makes_a_page(make_study):
    study = make_study()
    (cell,) = [cell for cell in study.cells if cell.strategy == "frozen" and cell.fraction == 1]
    verdict = replace(
        study.verdict,
        strategy="frozen",
        rows=tuple(row for row in study.verdict.rows if row.strategy == "frozen" and row.fraction == 1),
        clauses=(),
        comparisons=(),
        overfitting=(),
        curves=(),
        measures={},
        notes=(),
        cheapest="",
    )
    page = Page(render(replace(study, cells=[cell], verdict=verdict, relatedness=None, slices={})))
    assert (
        len([a for a in page.all("svg") if a["role"] == "img"]) == 5
    )  # curves, seconds, confusion, slices, training
    assert "Relatedness" not in page.text and "Overfitting" not in page.text


def test_no_cell_makes_a_page(make_study):
    verdict = {"strategy": "", "rows": (), "sentence": "Not judged: no transfer strategy has a result."}
    html = render(make_study(cells=[], verdict={**verdict, "rating": "mixed"}))
    assert "Not judged" in html and '<p class="sentence">No transfer strategy has a result.</p>' in html


@pytest.mark.parametrize("classes", [2, 60, 150])
def test_few_and_many_classes_make_a_page(make_study, classes):
    html = render(make_study(classes=classes))
    assert f"of {classes} classes" in html
    assert len(html.encode()) < 1_500_000


def test_images_that_are_not_there_leave_their_captions(make_study):
    page = Page(render(make_study()))
    assert not page.all("img") and "no picture" in page.text and "fine-tune: class 4" in page.text


def test_strategies_that_agree_have_no_pictures(make_study):
    study = make_study(pictures=True)
    same = next(cell for cell in study.cells if cell.strategy == "frozen" and cell.fraction == 1)
    cells = [replace(same, strategy=strategy) for strategy in (SCRATCH, "fine_tune")]
    page = Page(render(replace(study, cells=cells)))
    assert not page.all("img") and "wrong: 0 test images" in page.text


def test_a_thumbnail_says_what_it_shows(html):
    alts = [image["alt"] for image in Page(html).all("img")]
    assert len(alts) == 24 and all(re.search(r"\.png: class \d, taken for class \d by", alt) for alt in alts)


def test_the_largest_subset_that_both_have_is_compared(make_study):
    study = make_study()
    cells = [cell for cell in study.cells if not (cell.strategy == SCRATCH and cell.fraction == 1)]
    judged, scratch = replace(study, cells=cells).compared()
    assert (judged.strategy, judged.fraction, judged.draw) == ("fine_tune", 0.1, 0)
    assert (scratch.strategy, scratch.fraction, scratch.draw) == (SCRATCH, 0.1, 0)


@pytest.mark.parametrize(
    ("sentence", "heading", "lead", "rest"),
    [
        ("Good: with 5 images 90.1 % in 3.1 s.", "Good", "With 5 images 90.1 % in 3.1 s.", ""),
        ("Good, and yet a saving: so. Then: more.", "Good, and yet a saving", "So.", "Then: more."),
        ("It helps: a lot.", "Good", "It helps: a lot.", ""),
    ],
)
def test_the_sentence_is_told_in_parts(make_study, sentence, heading, lead, rest):
    study = make_study(cells=[], verdict={"sentence": sentence, "rows": ()})
    html = render(study).replace("\N{NO-BREAK SPACE}", " ")
    assert f'<p class="rating for">{heading}</p>' in html and f'<p class="sentence">{lead}</p>' in html
    assert (f'<p class="rest">{rest}</p>' if rest else "</h1>") in html


def test_a_worse_strategy_is_said_to_be_worse(make_study):
    worse = Comparison(
        "fine_tune",
        1.0,
        1257,
        Interval(-0.1, -0.14, -0.06),
        1e-5,
        2e-5,
        "worse",
        only_transfer=4,
        only_scratch=34,
    )
    html = render(make_study(cells=[], verdict={"comparisons": (worse,)}))
    assert (
        '<td class="keep against">worse</td>' in html
        and "\N{MINUS SIGN}10.0" in html
        and "&lt; 0.001" in html
    )


def test_the_report_is_the_same_for_the_same_study(make_study):
    study = make_study()
    assert render(study) == render(study)


def test_measures_are_written_in_their_own_units():
    told = {
        "time_saved": 0.5,
        "time_saved_low": 0.25,
        "time_saved_high": 0.75,
        "accuracy_gain": -0.031,
        "amortisation_uses": 4.0,
        "some_seconds": 90.0,
        "error_scratch": 0.1,
        "new": 1.23456,
    }
    lines = {measure.key: (measure.label, measure.figure) for measure in measures.told(told)}
    assert list(lines) == ["time_saved", "accuracy_gain", "amortisation_uses", "some_seconds", "new"]
    assert lines["time_saved"][1] == "50.0 % (25.0 % to 75.0 %)"
    assert lines["accuracy_gain"][1] == "\N{MINUS SIGN}3.1 points"
    assert lines["amortisation_uses"][1] == "4"
    assert lines["some_seconds"] == ("Some seconds", "90 s")
    assert lines["new"] == ("New", "1.23")


def test_what_the_judge_finds_can_be_shown(make_study):
    study = make_study()
    rows = {(row.strategy, row.images): row for row in study.verdict.rows}
    results = []
    for cell in study.cells:
        row = rows[cell.strategy, cell.images]
        correct = np.array([one["label"] == one["predicted"] for one in cell.predictions])
        times = (row.seconds, row.seconds_to_best, row.cpu_seconds)
        results.append(
            Result(cell.strategy, cell.fraction, cell.images, cell.draw, correct, 0.99, row.accuracy, *times)
        )
    thresholds = Thresholds(
        good=Good(min_accuracy=0.85, max_fraction=0.1, min_time_saved=0.5),
        bad=Bad(max_accuracy=0.7, min_fraction=0.9, max_time_saved=0.0),
        margin=0.02,
        confidence=0.95,
        max_overfit_gap=0.1,
        rate_images_needed=True,
    )
    for some in (results, [one for one in results if one.strategy != SCRATCH], results[:1], []):
        verdict = judge(some, thresholds, classes=10)
        text = Page(render(replace(study, verdict=verdict, cells=[]))).text.replace("\N{NO-BREAK SPACE}", " ")
        assert all(clause.asked in text for clause in verdict.clauses)

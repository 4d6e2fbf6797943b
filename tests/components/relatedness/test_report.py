"""Related-ness told: the verdict follows the significance, the ranking the probe."""

import numpy as np
import pytest

from headstart.components.relatedness import report
from headstart.components.relatedness.report import RELATED, UNRELATED, WEAK, Relatedness


def _told(ridge, random_ridge, p_value):
    return Relatedness("letters", -0.1, ridge, 0.8, -0.3, random_ridge, 0.5, 500, 188, p_value)


def _right(first, images=100):
    return np.arange(images) < first


@pytest.mark.parametrize(
    ("ridge", "random_ridge", "p_value", "verdict", "told"),
    [
        (
            0.93,
            0.7,
            1e-9,
            RELATED,
            "93.0% of 188 validation images right, one of random weights' embeddings 70.0%",
        ),
        (0.93, 0.92, 0.6, WEAK, "p = 0.6): either it helps little here"),
        (0.5, 0.7, 1e-9, UNRELATED, "p < 0.001): expect no gain from it"),
    ],
)
def test_the_verdict_says_what_is_significant(ridge, random_ridge, p_value, verdict, told):
    relatedness = _told(ridge, random_ridge, p_value)
    assert relatedness.verdict == verdict
    assert f"is {verdict} to these images" in relatedness.sentence
    assert told in relatedness.sentence
    assert ("the strategy fine_tune" in relatedness.sentence) == (verdict != RELATED)


def test_bases_rank_by_the_probe_then_by_logme_and_ties_are_told():
    ranking = report.rank(
        {
            "worse": (0.9, _right(60)),
            "close": (0.1, _right(88)),
            "best": (0.3, _right(90)),
            "twin": (0.2, _right(90)),
        }
    )
    assert [row["base"] for row in ranking] == ["best", "twin", "close", "worse"]
    assert [row["as_good_as_first"] for row in ranking] == [True, True, True, False]


def test_the_report_reads_back(tmp_path):
    content = {"base": _told(0.93, 0.7, 1e-9).figures(), "ranking": []}
    report.write(tmp_path / "new", content)
    assert report.read(tmp_path / "new") == content
    assert content["base"]["verdict"] == RELATED

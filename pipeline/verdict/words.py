"""Figures and names as people read them."""

from __future__ import annotations

import math

from headstart.components.shared.strategies import STRATEGIES
from headstart.pipeline.verdict import findings

NAMES = {
    **{one.name: one.sentence for one in STRATEGIES},
    findings.PIXELS_LOGISTIC: "logistic regression on the pixels",
    findings.PIXELS_SVM: "an SVM on the pixels",
    findings.EMBEDDINGS_LOGISTIC: "logistic regression on the embeddings",
    findings.RANDOM_LOGISTIC: "logistic regression on a random base's embeddings",
}


def name(strategy: str) -> str:
    """A strategy's name within a sentence."""
    return NAMES.get(strategy, strategy)


# Of a clause, by side and state: a symbol and a word. What speaks against transfer learning has the cross.
STATES = {
    ("good", "held"): ("✓", "met"),
    ("good", "failed"): ("✗", "not met"),
    ("bad", "held"): ("✗", "applies"),
    ("bad", "failed"): ("✓", "does not apply"),
    ("good", "undecided"): ("?", "undecided"),
    ("bad", "undecided"): ("?", "undecided"),
}


def percent(share: float, digits: int = 1) -> str:
    """0.901 as "90.1 %"."""
    return f"{_number(100 * share, digits)} %"


def percents(share: float, low: float, high: float, digits: int = 1) -> str:
    """An estimate between its bounds: "90.1 % (86.2 to 93.0 %)"."""
    return f"{percent(share, digits)} ({_number(100 * low, digits)} to {percent(high, digits)})"


def points(difference: float) -> str:
    """A difference of shares in percentage points: 0.031 as "3.1"."""
    return _number(100 * difference, 1)


def count(images: float) -> str:
    """1259 as "1,259"; no bound is "more than was tried"."""
    return f"{math.ceil(images - 1e-9):,}" if math.isfinite(images) else "more than was tried"


def seconds(duration: float) -> str:
    """A duration in a readable unit."""
    if duration < 10:
        return f"{duration:.1f} s"
    if duration < 600:
        return f"{duration:.0f} s"
    return f"{duration / 60:.0f} min" if duration < 7200 else f"{duration / 3600:.1f} h"


def p_value(probability: float) -> str:
    """A p-value, "p = 0.004" or "p < 0.001"."""
    return f"p = {probability:.3f}" if probability >= 0.001 else "p < 0.001"


def listed(parts: list[str]) -> str:
    """Some parts as "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def capital(sentence: str) -> str:
    """A sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no "-0.0"

"""One colour and one marker a strategy, the same in every picture; each colour has a light and a dark value.

Figures are drawn in the light values, which are all different, so that `svg` can put a CSS variable in the
place of each. After Okabe and Ito, darkened until a line stands out from white (3:1).
"""

from __future__ import annotations

from headstart.components.shared.strategies import STRATEGIES
from headstart.pipeline.verdict import findings as strategies

INK, MUTED, GRID, PAPER = "ink", "muted", "grid", "paper"
OTHER = "strategy-other"

_COLOURS = {  # light, dark
    INK: ("#1c1d20", "#e8e8e6"),
    MUTED: ("#5d6167", "#a3a8ae"),
    GRID: ("#dedfdc", "#3a3d42"),
    PAPER: ("#ffffff", "#17181b"),
    **{one.name: one.colour for one in STRATEGIES},
    strategies.PIXELS_LOGISTIC: ("#937216", "#d9ba5c"),
    strategies.PIXELS_SVM: ("#55585e", "#c3c6ca"),
    strategies.EMBEDDINGS_LOGISTIC: ("#2f93cb", "#a5dcfb"),
    strategies.RANDOM_LOGISTIC: ("#8b8d91", "#8e9196"),
    OTHER: ("#7d6755", "#bba58f"),
}
_MARKERS = {
    **{one.name: one.marker for one in STRATEGIES},
    strategies.PIXELS_LOGISTIC: "x",
    strategies.PIXELS_SVM: "+",
    strategies.EMBEDDINGS_LOGISTIC: "1",
    strategies.RANDOM_LOGISTIC: "2",
}


def light(role: str) -> str:
    """The colour that figures are drawn in: `#rrggbb`. An unknown role is an unknown strategy."""
    return _COLOURS.get(role, _COLOURS[OTHER])[0]


def marker(strategy: str) -> str:
    """A strategy's marker, as matplotlib names it."""
    return _MARKERS.get(strategy, "v")


def variable(role: str) -> str:
    """The CSS variable of a role or a strategy: `--strategy-fine-tune`."""
    known = role if role in _COLOURS else OTHER
    prefix = "" if known in (INK, MUTED, GRID, PAPER, OTHER) else "strategy-"
    return f"--{prefix}{known.replace('_', '-')}"


def css(*, dark: bool) -> str:
    """The declarations of all variables."""
    return " ".join(f"{variable(role)}: {values[dark]};" for role, values in _COLOURS.items())


def variables() -> dict[str, str]:
    """By the colour that figures are drawn in, what stands for it in the page: `var(--ink)`."""
    return {values[0]: f"var({variable(role)})" for role, values in _COLOURS.items()}

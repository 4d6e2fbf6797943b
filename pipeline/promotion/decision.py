"""Whether a candidate becomes the champion: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CHAMPION = "champion"
CHALLENGER = "challenger"
_NAMED = 3  # reasons that are named; more are counted


@dataclass(frozen=True)
class Decision:
    """`alias` is what the candidate is registered as; the reason is one clause."""

    alias: str
    reason: str

    @property
    def promoted(self) -> bool:
        """Whether the candidate goes to serving."""
        return self.alias == CHAMPION


@dataclass(frozen=True)
class SliceChange:
    """The accuracy of champion and candidate on one slice; column and value are empty for all images."""

    column: str
    value: str
    images: int
    before: float  # the champion's, 0…1
    after: float

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.column} {self.value}"


@dataclass(frozen=True)
class Comparison:
    """A candidate and the champion on the test images that neither has seen, nor any model they grew from."""

    version: str  # of the champion
    images: int  # that are left
    units: int  # of them that are independent: groups, and images without a group
    left_out: int  # test images that one of the two, or a model that it grew from, has seen
    recorded: bool  # whether it is known what the champion has seen
    before: float  # accuracy of the champion on them, 0…1; NaN without images
    after: float
    gain_low: float  # the least gain at the asked confidence, one-sided
    slices: tuple[SliceChange, ...]

    def told(self) -> str:
        """The two accuracies, and on what."""
        images = "test image" if self.images == 1 else "test images"
        out = f" ({self.left_out} more were used to train one of them)" if self.left_out else ""
        if not self.recorded:
            out += " (the champion has no record of its training images)"
        return (
            f"{self.after:.3f} against {self.before:.3f} of the champion, version {self.version}, "
            f"on {self.images:,} {images}{out}"
        )


@dataclass(frozen=True)
class Rules:
    """When a candidate replaces the champion."""

    min_images: int  # fewer independent test images show nothing
    min_gain: float  # the gain in accuracy that is asked, exclusive
    confidence: float  # with which it is shown
    max_slice_drop: float
    min_slice_images: int  # smaller slices block nothing


def decide(failures: Sequence[str], comparison: Comparison | None, rules: Rules) -> Decision:
    """Compare a candidate with the champion.

    Args:
        failures: why the candidate is not fit to be served, whatever the champion is; none means it is.
        comparison: with the champion, or None where there is no champion.
        rules: when it replaces the champion.

    Returns:
        `champion` for a fit candidate that fills the empty place, or whose gain is shown to exceed
        `min_gain` while no slice falls by more than its allowance; `challenger` for any other.
    """
    if failures:
        return Decision(CHALLENGER, _listed("not blessed: ", failures))
    if comparison is None:
        return Decision(CHAMPION, "blessed, and the first")
    if comparison.units < rules.min_images:
        return Decision(
            CHALLENGER,
            f"not comparable: {comparison.units} independent test images are left, and promotion.min_images "
            f"is {rules.min_images}; {comparison.left_out} were used to train the candidate, the champion "
            f"(version {comparison.version}) or a base of theirs; add new images to the test split",
        )
    fallen = [
        f"{one.name} fell from {one.before:.3f} to {one.after:.3f} on {one.images} images"
        for one in comparison.slices
        if one.images >= rules.min_slice_images and one.before - one.after > rules.max_slice_drop + 1e-9
    ]
    if fallen:
        allowed = f"worse on a slice (a fall of {rules.max_slice_drop:g} is allowed): "
        return Decision(CHALLENGER, f"{_listed(allowed, fallen)}; {comparison.told()}")
    if comparison.gain_low > rules.min_gain:
        return Decision(CHAMPION, f"better: {comparison.told()}")
    if comparison.after < comparison.before:
        word = "worse"
    elif rules.min_gain < 0:
        word = f"not shown to be less than {-rules.min_gain:g} worse"
    else:
        word = "not shown to be better" + (f" by {rules.min_gain:g}" if rules.min_gain else "")
    bound = f"at {rules.confidence:.0%} confidence the gain is at least {comparison.gain_low:+.3f}"
    return Decision(CHALLENGER, f"{word}: {comparison.told()}; {bound}")


def _listed(start: str, reasons: Sequence[str]) -> str:
    more = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return start + "; ".join(reasons[:_NAMED]) + more

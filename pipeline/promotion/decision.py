"""Whether a candidate becomes the champion: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True)
class Decision:
    """`alias` is what the candidate is registered as; the reason is one clause."""

    alias: str
    reason: str

    @property
    def promoted(self) -> bool:
        """Whether the candidate goes to serving."""
        return self.alias == CHAMPION


def decide(
    accuracy: float, failures: list[str], champion_accuracy: float | None, min_gain: float
) -> Decision:
    """Compare a candidate with the champion, both judged on the same test images.

    Args:
        accuracy: the candidate's test accuracy, 0…1.
        failures: the thresholds that the candidate missed; none means it is blessed.
        champion_accuracy: the champion's, or None where there is no champion.
        min_gain: what the candidate must gain on the champion, exclusive.

    Returns:
        `champion` for a blessed candidate that fills the empty place or gains more than `min_gain`,
        `challenger` for any other; a tie keeps the champion.
    """
    if failures:
        more = f"; and {len(failures) - 3} more thresholds missed" if len(failures) > 3 else ""
        return Decision(CHALLENGER, "not blessed: " + "; ".join(failures[:3]) + more)
    if champion_accuracy is None:
        return Decision(CHAMPION, "blessed, and the first")
    gain = accuracy - champion_accuracy
    told = f"{accuracy:.3f} against the champion's {champion_accuracy:.3f} on the same test images"
    if gain > min_gain:
        return Decision(CHAMPION, f"blessed, and better: {told}")
    return Decision(CHALLENGER, f"blessed, but not better by more than {min_gain:g}: {told}")

"""What came of one run."""

from __future__ import annotations

from dataclasses import dataclass

PROMOTED, BLOCKED, RAN, UNCHANGED = "promoted", "blocked", "done", "nothing changed"
FAILED, BUSY = "failed", "another run is under way"
LEFT = 75  # exit code, EX_TEMPFAIL in sysexits.h: another run was under way, and this one left


@dataclass(frozen=True)
class Outcome:
    """One run's result, its reason, and what ran.

    Args:
        result: one of the words above.
        reason: why it was promoted or blocked, or why it failed; may be empty.
        version: of the model in the registry, where the run decided about one.
        stages: the DVC stages that ran.
        exit_code: of the run; 0 unless it failed or left.
        may_pass: whether a failure may pass by itself.
    """

    result: str
    reason: str = ""
    version: str = ""
    stages: tuple[str, ...] = ()
    exit_code: int = 0
    may_pass: bool = True

    def __str__(self) -> str:
        about = (f"version {self.version}" if self.version else "", self.reason.rstrip("."))
        told = ", ".join(part for part in about if part)
        return f"{self.result}: {told}" if told else self.result

"""What `headstart tune` found, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.components.tuner.results import Candidate, Results
from headstart.pipeline.verdict.words import percent, percents, points, seconds

_METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "worst_recall": "recall of the worst class"}
_NAMES = {"frozen": "the frozen base", "fine_tune": "fine-tuning", "scratch": "scratch"}


@dataclass(frozen=True)
class Search:
    """The results of a search, with the sentences about them."""

    dataset: str
    results: Results

    @property
    def metric(self) -> str:
        """The objective, within a sentence."""
        return _METRICS[self.results.objective]

    @property
    def best(self) -> Candidate:
        """The best of the candidates of transfer that were trained in full."""
        return self.results.candidates[self.results.best]

    @property
    def chosen(self) -> Candidate:
        """The candidate that was chosen."""
        return self.results.candidates[self.results.chosen]

    @property
    def sentence(self) -> str:
        """What was chosen, and why."""
        found, best, chosen = self.results, self.best, self.chosen
        told = f"The best candidate is {self.named(best)}: {self._score(best)} in {found.folds} folds"
        if best is chosen:
            return f"{told}. It is chosen."
        cost = percent(chosen.train_seconds / best.train_seconds, 0)
        return (
            f"{told}. Another, {self.named(chosen)}, is within one standard error, with "
            f"{percent(chosen.score)}, at {cost} of the training time: it is chosen."
        )

    @property
    def worth(self) -> str:
        """What the choice is worth on images that it was not made on."""
        nested = self.results.nested
        value = percents(nested["value"], nested["low"], nested["high"])
        return f"On images that the choice was not made on, the {self.metric} is {value}."

    @property
    def gap(self) -> str:
        """Whether the chosen candidate overfits."""
        one = self.chosen
        difference = one.train_accuracy - one.held_out_accuracy
        return (
            f"Its accuracy is {percent(one.train_accuracy)} on the images that it was trained on and "
            f"{percent(one.held_out_accuracy)} on those that were held out: a gap of {points(difference)} "
            "points."
        )

    @property
    def cost(self) -> str:
        """What the search took."""
        told = ", ".join(f"{_NAMES[name]} {seconds(spent)}" for name, spent in self.results.seconds.items())
        return f"The search took {seconds(sum(self.results.seconds.values()))}: {told}."

    def named(self, one: Candidate) -> str:
        """A candidate within a sentence; its base where there are several."""
        several = len({other.base for other in self.results.candidates}) > 1
        base = f" on {one.base}" * several
        return f"{_NAMES[one.strategy]}{base} with {settings(one.settings)}"

    def _score(self, one: Candidate) -> str:
        error = "" if one.error is None else f" ± {100 * one.error:.1f}"
        return f"{self.metric} {percent(one.score)}{error}"


def settings(values: dict[str, Any]) -> str:
    """Hyperparameters for people."""
    told = []
    for name, value in values.items():
        if name == "balanced":
            told += ["classes weighed equally"] * bool(value)
        elif isinstance(value, list):
            told.append(f"{name.replace('_', ' ')} {', '.join(f'{one:g}' for one in value)}")
        else:
            told.append(f"{name.replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}")
    return ", ".join(told)

"""What a study will take, before it starts, and the largest study that fits a budget. Pure arithmetic.

Every figure is a prediction of wall seconds, from three that `timing` measured on this machine.
The constants are those of runs on two cores; docs/results.md compares predictions with what studies took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.shared.strategies import BY_NAME, names
from headstart.components.trainer.recipe import steps_for
from headstart.pipeline.config.design import Design
from headstart.pipeline.config.file import Config
from headstart.pipeline.config.training import FineTune, Scratch
from headstart.pipeline.data.manifest import Row
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.study.plan import (
    CUT_STRATEGIES,
    PlannedCell,
    cells_of,
    compared_subsets,
    images_of_random_weights,
)

_DATA_PATH = 0.012  # seconds an image: examples, statistics, decoding, writing and reading again
_FROM_IMAGES = 0.025  # seconds an image of a training that starts from the images, beside its steps
_BEFORE = 15.0  # seconds that TFX's nodes take before the cells, whatever the images
_AFTER = 30.0  # seconds of the evaluation and the report
_REFERENCES = 0.004  # seconds an image of the four reference classifiers together, on each subset and draw
_REFERENCES_MOST = 10_000  # images that they see
_CROSS_VALIDATION = 0.015  # seconds an image of predicting each fold by heads of the others
_CROSS_VALIDATION_MOST = 2000  # images that it sees
_NODE = 1.5  # seconds that any cell takes beside its training
_EXPORT = 8.0  # seconds to write a SavedModel
_CHOICE = 0.008  # seconds an image of choosing blocks, grid and penalty
_CHOSEN_ON = 1000  # images, at most
_FIT = 0.0008  # seconds an image of fitting the head
_DENSE = 0.004  # seconds an image of training the textbook's head
_SUFFIX = 0.3  # of a step: training above the textbook's cut


@dataclass(frozen=True)
class Costs:
    """Measured on this machine; wall seconds."""

    step: float  # one training step of the whole network on one batch
    trace: float  # the first step beyond that
    forward: float  # one image through the frozen base


@dataclass(frozen=True)
class Price:
    """What the cells of one strategy will take, seconds."""

    strategy: str
    cells: int
    training: float
    search: float

    @property
    def total(self) -> float:
        """Training and search."""
        return self.training + self.search


@dataclass(frozen=True)
class Fitted:
    """A study that fits a budget, and what was left out for it."""

    config: Config
    design: Design
    left_out: tuple[str, ...]
    fits: bool


def prices(config: Config, cells: Sequence[PlannedCell], rows: Sequence[Row], costs: Costs) -> list[Price]:
    """By strategy, in the order in which they run."""
    found = {cell.node: of_cell(config, cell, rows, costs) for cell in cells}
    return [
        Price(
            strategy,
            len(mine := [found[cell.node] for cell in cells if cell.strategy == strategy]),
            sum(training for training, _ in mine),
            sum(search for _, search in mine),
        )
        for strategy in dict.fromkeys(cell.strategy for cell in cells)
    ]


def before_cells(
    config: Config,
    cells: Sequence[PlannedCell],
    compared: Sequence[Subset],
    rows: Sequence[Row],
    costs: Costs,
) -> float:
    """Seconds of reading, decoding and embedding."""
    counts = Counter(row["split"] for row in rows)
    passes = len(rows) * (1 + len(config.relatedness.candidates))
    passes += images_of_random_weights(config.relatedness, cells, compared, len(rows))
    if {cell.strategy for cell in cells} & set(CUT_STRATEGIES):
        views = config.augment.views
        passes += len(rows) + (0 if views == "online" else int(views) * counts[TRAIN])
    return _BEFORE + len(rows) * _DATA_PATH + passes * costs.forward


def beside_cells(compared: Sequence[Subset], rows: Sequence[Row]) -> float:
    """Seconds of the cross-validation, the references, the evaluation and the report."""
    training = Counter(row["split"] for row in rows)[TRAIN]
    validated = _CROSS_VALIDATION * min(training, _CROSS_VALIDATION_MOST)
    return _AFTER + validated + sum(_REFERENCES * min(one.images, _REFERENCES_MOST) for one in compared)


def of_cell(config: Config, cell: PlannedCell, rows: Sequence[Row], costs: Costs) -> tuple[float, float]:
    """Seconds of training, everything around it included, and of the search for its settings."""
    images = cell.subset.images
    validation = Counter(row["split"] for row in rows)[VALIDATION]
    around = _NODE + (_EXPORT if cell.promotable else 0.0)
    choice, fit = _CHOICE * min(images, _CHOSEN_ON), _FIT * images
    cost = BY_NAME[cell.strategy].cost
    if cost == "head" and config.head.kind == "blocks":
        return around + fit, choice
    batches = max(1, images // config.train.batch_size)
    if cost != "network":
        steps = _epochs(config, cell.strategy) * batches
        return around + _DENSE * images + steps * _SUFFIX * costs.step + costs.trace, 0.0
    settings: FineTune | Scratch
    if cell.strategy == "fine_tune":
        settings = config.fine_tune
        steps = steps_for(images) if settings.steps == "auto" else settings.steps
        rates = 1 if settings.learning_rates == "auto" else len(settings.learning_rates)
        around += fit
    else:
        settings, choice = config.scratch, 0.0
        steps = max(config.scratch.epochs * batches, config.scratch.steps)
        rates = len(config.scratch.learning_rates)
    checked = validation * costs.forward
    around += costs.trace + _FROM_IMAGES * images
    search = rates * (settings.search_steps * costs.step + checked) if rates > 1 else 0.0
    epochs = steps / max(batches, settings.epoch_steps)
    return around + steps * costs.step + epochs * checked, search + choice


def _epochs(config: Config, strategy: str) -> int:
    """Epochs of training blocks above the cut; 0 where only a dense head is trained."""
    section = getattr(config, strategy, None)
    if BY_NAME[strategy].cost == "head" or section is None:
        return 0
    return section.epochs * len(getattr(section, "unfreeze_depths", (1,)))


def fit_budget(
    config: Config, design: Design, rows: Sequence[Row], costs: Costs, minutes: float, spent: float
) -> Fitted:
    """The largest study that fits into a budget.

    What is given up, in this order, until it fits: further draws of the trained strategies, subsets between
    the smallest and the largest and those by images a class, half of the search (the baseline's and
    fine-tuning's alike), controls, other strategies, the
    most expensive first, further draws of the frozen head.
    One strategy that makes a model stays: the frozen head if it is there.

    Args:
        config: all parameters.
        design: the study that is wanted.
        rows: the manifest.
        costs: of this machine.
        minutes: the budget, of wall time.
        spent: seconds that are gone already.
    """
    for smaller, reduced, left_out in _reductions(config, design, rows, costs):
        if spent + total(smaller, reduced, rows, costs) <= 60 * minutes:
            return Fitted(smaller, reduced, left_out, fits=True)
    return Fitted(smaller, reduced, left_out, fits=False)


def total(config: Config, design: Design, rows: Sequence[Row], costs: Costs) -> float:
    """Seconds of a whole study."""
    cells = cells_of(design, rows)
    found = prices(config, cells, rows, costs)
    subsets = compared_subsets(design, rows)
    around = before_cells(config, cells, subsets, rows, costs) + beside_cells(subsets, rows)
    return around + sum(price.total for price in found)


def _reductions(
    config: Config, design: Design, rows: Sequence[Row], costs: Costs
) -> Iterator[tuple[Config, Design, tuple[str, ...]]]:
    """Ever smaller studies, with what they leave out."""
    left_out: dict[str, str] = {}
    yield config, design, ()
    asked = design.draws
    for draws in range(asked - 1, 0, -1):
        design = design.model_copy(update={"draws": draws})
        left_out["draws"] = f"{asked - draws} of {asked} draws of the trained strategies"
        yield config, design, tuple(left_out.values())
    middle = design.fractions[1:-1]
    for count in range(len(middle) - 1, -1, -1):
        kept = (design.fractions[0], *middle[:count], design.fractions[-1])
        design = design.model_copy(update={"fractions": kept})
        left_out["subsets"] = "the subsets of " + ", ".join(f"{100 * one:g} %" for one in middle[count:])
        yield config, design, tuple(left_out.values())
    if design.images_per_class:
        left_out["per class"] = (
            f"the subsets of {', '.join(map(str, design.images_per_class))} images a class"
        )
        design = design.model_copy(update={"images_per_class": ()})
        yield config, design, tuple(left_out.values())
    halved = {
        name: section.model_copy(update={"search_steps": max(1, section.search_steps // 2)})
        for name, section in (("scratch", config.scratch), ("fine_tune", config.fine_tune))
    }
    config = config.model_copy(update=halved)
    left_out["search"] = "half of the search for learning rates, the baseline's and fine-tuning's alike"
    yield config, design, tuple(left_out.values())
    while len(design.strategies) > 1:
        found = {one.strategy: one.total for one in prices(config, cells_of(design, rows), rows, costs)}
        kept_last = (
            "frozen" if "frozen" in found else min(set(found) - set(names("control")), key=found.__getitem__)
        )
        others = [one for one in found if one != kept_last]
        most_expensive = max(others, key=lambda one: (one in names("control"), found[one]))
        design = design.model_copy(
            update={"strategies": tuple(one for one in design.strategies if one != most_expensive)}
        )
        left_out[most_expensive] = f"the strategy {most_expensive}"
        yield config, design, tuple(left_out.values())
    if design.frozen_draws > 1:
        left_out["frozen"] = f"{design.frozen_draws - 1} of {design.frozen_draws} draws of the frozen head"
        yield config, design.model_copy(update={"frozen_draws": 1}), tuple(left_out.values())

"""Which cells a study has: pure arithmetic on the section `study` of params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.components.shared.strategies import BY_NAME, names
from headstart.pipeline.config.design import Design, Relatedness
from headstart.pipeline.data import subsets
from headstart.pipeline.data.manifest import Row
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.verdict.findings import RANDOM_LOGISTIC, REFERENCES


@dataclass(frozen=True)
class PlannedCell:
    """One cell of the study."""

    strategy: str
    subset: Subset
    promotable: bool  # on the largest subset: exported, and one of them is evaluated and handed over

    @property
    def node(self) -> str:
        """Its node in the TFX pipeline; the same in the small and the full study."""
        return f"Trainer.{self.strategy}.{self.subset.key}"

    @property
    def name(self) -> str:
        """As people see it: `fine_tune-100%`."""
        return f"{self.strategy}-{self.subset.name}"


CUT_STRATEGIES = tuple(name for name, one in BY_NAME.items() if one.store == "cut")


def cells_of(design: Design, rows: Sequence[Row]) -> list[PlannedCell]:
    """The cells that train, in the order in which they do.

    By strategy; then the large subsets first, but of the frozen head the small ones, so that the first
    result comes soon.
    """
    found = subsets.of(design, rows)
    largest = max(one.images for one in found)
    return [
        PlannedCell(
            strategy, subset, promotable=subset.images == largest and strategy not in names("control")
        )
        for strategy in sorted(design.strategies, key=names().index)
        for subset in (sorted(found, key=lambda one: one.images) if strategy == "frozen" else found)
        if subset.draw < (design.frozen_draws if strategy == "frozen" else design.draws)
        and (subset.images == largest or not BY_NAME[strategy].all_images_only)
    ]


def compared_subsets(design: Design, rows: Sequence[Row]) -> list[Subset]:
    """The subsets on which the references are fitted: those of `draws`, if references are wanted."""
    return [one for one in subsets.of(design, rows) if one.draw < design.draws] if design.references else []


def references(compared: Sequence[Subset], random: bool) -> list[tuple[str, Subset]]:
    """The reference classifiers that are fitted, each with its subset.

    Args:
        compared: the subsets.
        random: whether there are embeddings of random weights.
    """
    strategies = [strategy for strategy in REFERENCES if random or strategy != RANDOM_LOGISTIC]
    return [(strategy, subset) for subset in compared for strategy in strategies]


def reads_random_weights(cells: Sequence[PlannedCell], compared: Sequence[Subset]) -> bool:
    """Whether a control or the references may read stored features of the base with random weights."""
    return bool(compared) or any(BY_NAME[cell.strategy].store == "random" for cell in cells)


def images_of_random_weights(
    relatedness: Relatedness, cells: Sequence[PlannedCell], compared: Sequence[Subset], images: int
) -> int:
    """How many images the base with random weights embeds.

    All where a control or a reference classifier reads them, else a sample for the probes.

    Args:
        relatedness: its `random_images` is the size of the sample. With 0 the references have no classifier
            on random embeddings.
        cells: the cells.
        compared: subsets on which references are fitted.
        images: of all splits.
    """
    sample = min(images, relatedness.random_images)
    return images if reads_random_weights(cells, compared if sample else ()) else sample

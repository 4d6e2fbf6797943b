"""What each Embedder of a study computes: the recipes by node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.pipeline import code_digest
from headstart.pipeline.config.file import Config
from headstart.pipeline.data.manifest import Row
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.study.base import LoadedBase, resolve, weights_digest
from headstart.pipeline.study.plan import (
    CUT_STRATEGIES,
    PlannedCell,
    images_of_random_weights,
    reads_random_weights,
)

BASE, RANDOM, CUT = "Embedder", "Embedder.random", "Embedder.cut"


@dataclass(frozen=True)
class Embedders:
    """The recipes, and what follows from the room that the store has."""

    recipes: dict[str, dict[str, Any]]  # by node
    pixels: bool  # whether training above the cut starts from the images
    notes: tuple[str, ...]  # what the user should know

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Sections of the base and of the further bases that are ranked."""
        return [recipe["base"] for node, recipe in self.recipes.items() if node not in (RANDOM, CUT)]


def plan(
    config: Config, base: LoadedBase, cells: list[PlannedCell], compared: list[Subset], rows: list[Row]
) -> Embedders:
    """Decide what is stored.

    Args:
        config: all parameters.
        base: the base.
        cells: the cells.
        compared: subsets on which references are fitted.
        rows: the manifest.
    """
    from headstart.components.shared.activations.plan import plan_cut, plan_pooled
    from headstart.components.shared.base import bases
    from headstart.components.shared.base.pooling import GRIDS

    images = Counter(row["split"] for row in rows)
    budget = config.store.budget_gb * 1e9
    code = code_digest.of_component("embedder.executor")
    pooled = plan_pooled(base.network, images.total(), GRIDS, budget)
    notes = [pooled.note]

    def frozen(section: dict[str, Any], model: Any, grids: tuple[int, ...]) -> dict[str, Any]:
        return of_frozen(section, model, grids, images.total(), budget)

    recipes = {BASE: frozen(base.section, base.network, pooled.grids)}
    if count := images_of_random_weights(config.relatedness, cells, compared, images.total()):
        # With references it holds the blocks too, so that a study with or without controls finds it again.
        grids = pooled.grids if reads_random_weights(cells, compared) else ()
        section = {**base.section, "weights": "random"}
        recipes[RANDOM] = frozen(section, base.network, grids)
        if count < images.total():
            recipes[RANDOM]["most"] = _sample(count)
    pixels = False
    if any(cell.strategy in CUT_STRATEGIES for cell in cells):
        augment = config.augment.model_dump()
        views = augment.pop("views")
        # One cut for both strategies, so that no cell's store depends on which others the study has.
        depths = [config.textbook.unfreeze_depth, config.gradual.unfreeze_depths[-1]]
        cut = plan_cut(base.network, images, -1 if -1 in depths else max(depths), views, budget)
        pixels = bool(cut.pixels)
        if pixels:
            notes.append(f"textbook and gradual train above the cut from the images: {cut.pixels}")
        notes.append(cut.note)
        recipes[CUT] = {
            **base.settings,
            "depth": cut.depth,
            "grids": (),
            "views": cut.views,
            "chunk": cut.chunk,
            "augment": augment if cut.views > 1 else {},
            "code": code,
        }
    for number, candidate in enumerate(config.relatedness.candidates, 1):
        weights = resolve(candidate.weights, config.dataset)
        section = {**config.base.model_dump(), **candidate.model_dump(), "weights": weights}
        recipes[f"Embedder.candidate-{number}"] = frozen(section, bases.load(**section), ())
    return Embedders(recipes, pixels, tuple(note for note in notes if note))


def of_frozen(
    section: dict[str, Any], model: Any, grids: tuple[int, ...], images: int, budget: float
) -> dict[str, Any]:
    """The recipe for a base on the images as they are, without activations.

    Args:
        section: of the base, weights resolved.
        model: the base.
        grids: that its blocks' outputs are pooled to.
        images: of all splits.
        budget: of the store, bytes.
    """
    from headstart.components.shared.activations.plan import plan_pooled

    return {
        "base": section,
        "weights_digest": weights_digest(section["weights"]),
        "depth": 0,
        "grids": grids,
        "views": 1,
        "chunk": plan_pooled(model, images, grids, budget).chunk,
        "augment": {},
        "code": code_digest.of_component("embedder.executor"),
    }


def _sample(count: int) -> dict[str, int]:
    """How many images of each split random weights embed: two of three are for training."""
    validation = max(1, count // 3)
    return {TRAIN: max(1, count - validation), VALIDATION: validation}

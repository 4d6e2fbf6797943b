"""What each Trainer of a study gets as its custom_config: what its strategy reads, and no more."""

from __future__ import annotations

from typing import Any

from headstart.components.shared.strategies import BY_NAME
from headstart.pipeline import code_digest
from headstart.pipeline.config.file import Config
from headstart.pipeline.study.base import LoadedBase
from headstart.pipeline.study.plan import CUT_STRATEGIES, PlannedCell


def custom_config(config: Config, cell: PlannedCell, base: LoadedBase, pixels: bool) -> dict[str, Any]:
    """The custom_config of one cell; its seed goes with its draw.

    Args:
        config: all parameters.
        cell: the cell.
        base: the base.
        pixels: whether training above the cut starts from the images.
    """
    settings = {
        **base.settings,
        **{name: getattr(config, name).model_dump() for name in BY_NAME[cell.strategy].sections},
        "train": {**_train(config, cell.strategy), "seed": config.train.seed + cell.subset.draw},
        "strategy": cell.strategy,
        "subset": cell.subset.choice(),
        "export": cell.promotable,
        "code": code_digest.of_component("trainer.executor", "trainer.run_fn"),
    }
    if cell.strategy in CUT_STRATEGIES:
        settings["pixels"] = pixels
    elif "augment" in settings:
        del settings["augment"]["views"]
    if BY_NAME[cell.strategy].random_weights:
        settings["base"] = {**base.section, "weights": "random"}
        del settings["weights_digest"]
    elif cell.strategy == "frozen" and config.head.kind == "dense":
        settings["frozen"] = config.frozen.model_dump()
    elif cell.strategy == "frozen":
        settings["head"] = {"kind": "blocks"}
        if base.prior:
            settings["prior"] = base.prior
    return settings


def _train(config: Config, strategy: str) -> dict[str, Any]:
    """Of the section `train`, what a strategy reads."""
    unread: set[str] = set()
    if strategy not in CUT_STRATEGIES:
        unread |= {"precision"}
        if strategy != "frozen" or config.head.kind == "blocks":
            unread |= {"patience_steps"}
    return config.train.model_dump(exclude=unread)

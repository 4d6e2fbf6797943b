"""From `params.yaml` and the manifest to what the pipeline of a search is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.shared.strategies import BY_NAME
from headstart.components.shared.subsets import digest
from headstart.pipeline import code_digest
from headstart.pipeline.config.file import Config
from headstart.pipeline.project import MANIFEST, WORK
from headstart.pipeline.study import data_path
from headstart.pipeline.study.base import resolve
from headstart.pipeline.study.data_path import DataPathInputs
from headstart.pipeline.study.embedders import BASE, of_frozen

JOURNAL = WORK / "tuner"  # the trials of searches, so that a search that was cut off goes on


@dataclass(frozen=True)
class Inputs:
    """What a search is made of."""

    data_path: DataPathInputs
    embedders: dict[str, dict[str, Any]]  # recipes by node, the project's own base first
    tuner: dict[str, Any]  # settings of Tuner


def bases(config: Config) -> dict[str, dict[str, Any]]:
    """Sections `base` of all bases and image sizes, as params.yaml has them, by a name for people."""
    sizes = dict.fromkeys((config.base.image_size, *config.tune.image_sizes))
    sections = [config.base.model_dump()]
    sections += [{**sections[0], **one.model_dump()} for one in config.tune.bases]
    found = {}
    for section in sections:
        options = "".join(f", {name} {value}" for name, value in section["options"].items())
        for size in sizes:
            name = f"{section['architecture']} ({Path(section['weights']).name}{options}) at {size} px"
            if name in found:
                name = f"{section['architecture']} ({section['weights']}{options}) at {size} px"
            found[name] = {**section, "image_size": size}
    return found


def build(config: Config, images: int) -> Inputs:
    """The inputs of a search.

    Args:
        config: all parameters.
        images: of all splits.

    Raises:
        HeadstartError: weights of a base are not available, or do not fit; schema.pbtxt is damaged.
    """
    from headstart.components.shared.activations.plan import plan_pooled
    from headstart.components.shared.base import bases as networks
    from headstart.components.shared.base.pooling import GRIDS

    budget = config.store.budget_gb * 1e9
    resolved, recipes = {}, {}
    for number, (name, section) in enumerate(bases(config).items()):
        section = {**section, "weights": resolve(section["weights"], config.dataset)}
        network = networks.load(**section)
        grids = plan_pooled(network, images, GRIDS, budget).grids
        resolved[name] = section
        recipes[f"{BASE}.tune-{number}" if number else BASE] = of_frozen(
            section, network, grids, images, budget
        )
    return Inputs(
        data_path=data_path.of(config),
        embedders=recipes,
        tuner={
            "bases": resolved,
            "manifest": str(MANIFEST),
            "digest": digest(MANIFEST),
            "by_time": bool(config.prepare.time),
            "tune": config.tune.model_dump(),
            "trained": trained(config),
            "journal": str(JOURNAL),
            "code": code_digest.of_component("tuner.executor", "trainer.trial"),
        },
    )


def trained(config: Config) -> dict[str, dict[str, Any]]:
    """The strategies of the study that train networks, with their recipes."""
    found: dict[str, dict[str, Any]] = {}
    for strategy in ("fine_tune", "scratch"):
        grid = getattr(config.tune, strategy).model_dump()
        count, rates = grid.pop("recipes"), grid.pop("learning_rates")
        if strategy not in config.study.strategies or not count:
            continue
        space = {**grid, "learning_rates": [[rate] for rate in rates]}
        own = getattr(config, strategy).model_dump()
        sections = {
            name: getattr(config, name).model_dump() for name in (*BY_NAME[strategy].sections, "train")
        }
        sections["augment"].pop("views")
        default = {name: own[name] for name in space}
        found[strategy] = {"sections": sections, "space": space, "default": default, "recipes": count}
    return found

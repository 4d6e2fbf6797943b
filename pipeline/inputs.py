"""From `params.yaml` and the manifest to the inputs of the TFX pipeline."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import HeadstartError
from components.features import LABEL, MANIFEST_COLUMNS, TEST
from pipeline import design, manifest, quiet, serving
from pipeline.config import Config
from pipeline.places import DATA, LETTERS, MANIFEST, WORK

# Sections that each strategy reads: changing others does not train its cells again.
_READ = {
    "scratch": ("scratch",),
    "frozen": ("head", "frozen"),
    "fine_tune": ("head", "augment", "frozen", "fine_tune"),
    "gradual": ("head", "augment", "frozen", "gradual"),
}
_UNREAD = {"scratch": {"precision", "patience_steps"}, "frozen": {"precision"}}  # of the section `train`
_SHARED = ("subsets.py", "pixels.py", "predictions.py")  # modules that more than one component computes with


def load(config: Config) -> tuple[str, Any]:
    """What `base.weights` stands for (`imagenet`, `random`, or a path), and the base built with it.

    Raises:
        HeadstartError: the weights cannot be had, or do not fit.
    """
    with quiet.loading():
        from components.base import bases

    named = resolve(config.base.weights, config.dataset)
    return named, bases.load(**{**config.base.model_dump(), "weights": named})


def resolve(weights: str, dataset: str) -> str:
    """A name or path of weights as `bases.load` takes it.

    Raises:
        HeadstartError: `champion` is asked for, and there is none.
    """
    if weights == "letters":
        return str(LETTERS)
    if weights == "champion":
        model = serving.champion(dataset)
        if model is None:
            raise HeadstartError(
                f"base.weights is 'champion', but {dataset} has none yet: "
                "start from 'imagenet' or a weights file, and promote a model first."
            )
        return str(model / "assets.extra" / "base.weights.h5")
    return weights


def inputs(
    config: Config,
    planned: list[design.Planned],
    references: bool,
    rows: list[manifest.Row],
    console: Console,
) -> tuple[Any, dict[str, Any]]:
    """The pipeline's inputs, and the receipt of this run.

    Args:
        config: all parameters.
        planned: the cells.
        references: whether the reference arms are wanted.
        rows: the manifest.
        console: told where training starts from the images.

    Raises:
        HeadstartError: weights cannot be had, or do not fit.
    """
    from components.evaluator.config import eval_config
    from pipeline import graph

    weights, base = load(config)
    # A column that says the same of every image makes no slices.
    columns = [n for n in rows[0] if n not in MANIFEST_COLUMNS and len({row[n] for row in rows}) > 1]
    sizes = Counter((name, row[name]) for row in rows if row["split"] == TEST for name in (LABEL, *columns))
    gated = sorted(pair for pair, count in sizes.items() if count >= config.gate.min_slice_images)
    digest = manifest.fingerprint(MANIFEST)
    classes = len({row[LABEL] for row in rows})
    loaded = {
        "base": {**config.base.model_dump(), "weights": weights},
        "weights_digest": _weights_digest(weights),
    }
    embedders, why = _embedders(config, loaded, base, rows)
    if why and any(cell.strategy in ("fine_tune", "gradual") for cell in planned):
        console.print(f"Unfrozen blocks will be trained from the images: {why}", soft_wrap=True)
    base_recipe, _, *others = embedders.values()
    bases = _named([recipe["base"] for recipe in (base_recipe, *others)])
    made = graph.Inputs(
        name=re.sub(r"[^A-Za-z0-9-]", "-", config.dataset),
        work=WORK.resolve(),
        data=DATA.resolve(),
        manifest=MANIFEST.resolve(),
        fingerprints={"image_example_gen": f"{digest}-{code('image_example_gen')}"},
        transform={"image_size": config.base.image_size, "code": code("transform")},
        embedders=embedders,
        relatedness={"bases": bases, "code": code("relatedness", "activations", "subsets.py")},
        references=_references(config, planned) if references else {},
        trainers={cell.node: _trainer(config, cell, loaded, bool(why)) for cell in planned},
        eval_config=eval_config(classes, columns, gated, config.gate.model_dump(), code("evaluator")),
        beam_args=list(config.beam.args),
    )
    unread = ("demo", "pretrain", "prepare", "promotion", "beam")
    settings = json.dumps(
        config.model_dump(exclude={name: True for name in unread} | {"study": {"full"}}), sort_keys=True
    )
    receipt = {
        "manifest": digest,
        "params": hashlib.sha256(settings.encode()).hexdigest(),
        "weights": loaded["weights_digest"],
        "code": code(),
    }
    return made, receipt


def code(*parts: str) -> str:
    """Digest of some of the components' source and of the libraries they compute with.

    TFX's cache sees neither. Without `parts`: of all the source, without the libraries.
    """
    from importlib.metadata import version

    import components

    root = Path(components.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not parts or name.parts[0] in ("features.py", *parts):
            digest.update(name.as_posix().encode() + path.read_bytes())
    if parts:
        for library in ("tfx", "tensorflow", "keras", "scikit-learn"):
            digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:16]


def _embedders(
    config: Config, loaded: dict[str, Any], base: Any, rows: list[manifest.Row]
) -> tuple[dict[str, dict[str, Any]], str]:
    """Recipes by node: the base's, random weights', the candidates'; and why the store does not do."""
    from components.activations.plan import plan
    from components.base import bases

    images = Counter(row["split"] for row in rows)
    augment = config.augment.model_dump()
    views = augment.pop("views")
    # One cut for all strategies, so that no cell's store depends on which others the study has.
    depths = [config.fine_tune.unfreeze_depth, config.gradual.unfreeze_depths[-1]]
    deepest = -1 if -1 in depths else max(depths)
    planned = plan(base, images, deepest, views, config.store.budget_gb * 1e9)
    shared = {"code": code("embedder", "activations", "base", "augment.py")}

    def probed(section: dict[str, Any], model: Any) -> dict[str, Any]:
        """A recipe for embeddings alone, of the images as they are."""
        chunk = plan(model, images, 0, 0, 0.0).chunk
        digest = _weights_digest(section["weights"])
        return {
            "base": section,
            "weights_digest": digest,
            "depth": 0,
            "views": 1,
            "chunk": chunk,
            "augment": {},
        } | shared

    recipes = {
        "Embedder": {
            **loaded,
            "depth": planned.depth,
            "views": planned.views,
            "chunk": planned.chunk,
            "augment": augment if planned.views > 1 else {},
            **shared,
        },
        "Embedder.random": probed({**loaded["base"], "weights": "random"}, base),
    }
    for number, candidate in enumerate(config.relatedness.candidates, 1):
        weights = resolve(candidate.weights, config.dataset)
        section = {**config.base.model_dump(), **candidate.model_dump(), "weights": weights}
        recipes[f"Embedder.candidate-{number}"] = probed(section, bases.load(**section))
    return recipes, planned.pixels


def _trainer(config: Config, cell: design.Planned, loaded: dict[str, Any], pixels: bool) -> dict[str, Any]:
    """The custom_config of one cell; its seed goes with its draw."""
    train = config.train.model_dump(exclude=_UNREAD.get(cell.strategy))
    settings = {
        **loaded,
        **{name: getattr(config, name).model_dump() for name in _READ[cell.strategy]},
        "train": {**train, "seed": config.train.seed + cell.subset.draw},
        "strategy": cell.strategy,
        "subset": cell.subset.choice(),
        "export": cell.promotable,
        "code": code("trainer", "activations", "base", *_SHARED, "augment.py"),
    }
    if cell.strategy == "scratch":
        settings["augment"] = {"flip": config.augment.flip}
        settings["base"] = {**loaded["base"], "weights": "random"}
        del settings["weights_digest"]
    elif cell.strategy != "frozen":
        settings["pixels"] = pixels
    return settings


def _references(config: Config, planned: list[design.Planned]) -> dict[str, Any]:
    subsets = dict.fromkeys(cell.subset for cell in planned)
    return {
        "cells": [{"fraction": one.fraction, **one.choice()} for one in subsets],
        "image_size": config.base.image_size,
        "embed": True,
        "code": code("references", "activations", *_SHARED),
    }


def _named(sections: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Bases by a name that tells them apart: weights by their file's name, where that is enough."""
    different = {json.dumps(section, sort_keys=True): section for section in sections}.values()
    short = Counter(_base_name(section, Path(section["weights"]).name) for section in different)
    named = {}
    for section in different:
        name = _base_name(section, Path(section["weights"]).name)
        named[name if short[name] == 1 else _base_name(section, section["weights"])] = section
    return named


def _base_name(section: dict[str, Any], weights: str) -> str:
    options = ", ".join(f"{name} {value}" for name, value in section["options"].items())
    return f"{section['architecture']} ({', '.join(filter(None, (weights, options)))})"


def _weights_digest(weights: str) -> str:
    path = Path(weights)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else weights

"""From `params.yaml` and the manifest to the inputs of the TFX pipeline."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.errors import HeadstartError
from components.features import LABEL, MANIFEST_COLUMNS, TEST, TRAIN, VALIDATION
from pipeline import design, manifest, quiet, serving
from pipeline.config import Config
from pipeline.places import DATA, LETTERS, MANIFEST, WORK

# Sections that each strategy reads: changing others does not train its cells again.
_READ = {
    "scratch": ("augment", "scratch"),
    "scratch_blocks": ("augment", "scratch"),
    "frozen": ("head",),
    "random_blocks": (),
    "fine_tune": ("augment", "fine_tune"),
    "textbook": ("head", "augment", "frozen", "textbook"),
    "gradual": ("head", "augment", "frozen", "gradual"),
}
_CUT = ("textbook", "gradual")  # strategies that start from stored activations at a cut
_FROM_RANDOM = ("scratch", "random_blocks", "scratch_blocks")
CUT = "Embedder.cut"
_SHARED = ("subsets.py", "predictions.py")  # modules that more than one component computes with


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
    asked: Config,
    planned: list[design.Planned],
    compared: list[design.Subset],
    rows: list[manifest.Row],
    console: Console,
) -> tuple[Any, dict[str, Any]]:
    """The pipeline's inputs, and the receipt of this run.

    Args:
        config: all parameters, as a budget may have reduced them.
        asked: all parameters as params.yaml has them: the receipt is the same on a slow and a fast machine.
        planned: the cells.
        compared: subsets on which the reference arms are wanted.
        rows: the manifest.
        console: told what the store has no room for.

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
    strategies = {cell.strategy for cell in planned}
    embedders, pixels, notes = _embedders(config, loaded, base, rows, strategies, bool(compared))
    for note in notes:
        console.print(f"[yellow]{escape(note)}.[/]", soft_wrap=True)
    ranked = [recipe["base"] for node, recipe in embedders.items() if node not in ("Embedder.random", CUT)]
    bases = _named(ranked)
    made = graph.Inputs(
        name=re.sub(r"[^A-Za-z0-9-]", "-", config.dataset),
        work=WORK.resolve(),
        data=DATA.resolve(),
        manifest=MANIFEST.resolve(),
        fingerprints={"image_example_gen": f"{digest}-{code('image_example_gen', 'groups.py')}"},
        transform={"image_size": config.base.image_size, "code": code("transform")},
        decoder={"image_size": config.base.image_size, "code": code("decoder", "activations")},
        embedders=embedders,
        relatedness={"bases": bases, "code": code("relatedness", "activations", "subsets.py")},
        references=_references(config, compared) if compared else {},
        trainers={cell.node: _trainer(config, cell, loaded, pixels) for cell in planned},
        eval_config=eval_config(classes, columns, gated, config.gate.model_dump(), code("evaluator")),
        beam_args=list(config.beam.args),
    )
    unread = ("demo", "pretrain", "prepare", "promotion", "beam")
    settings = json.dumps(
        asked.model_dump(exclude={name: True for name in unread} | {"study": {"full"}}), sort_keys=True
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
        for library in ("tfx", "tensorflow", "keras", "scikit-learn", "scipy", "numpy"):
            digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:16]


def _embedders(
    config: Config,
    loaded: dict[str, Any],
    base: Any,
    rows: list[manifest.Row],
    strategies: set[str],
    references: bool,
) -> tuple[dict[str, dict[str, Any]], bool, list[str]]:
    """Recipes by node: the base's, random weights', activations at a cut where they are wanted, candidates'.

    Returns:
        The recipes; whether training above the cut starts from the images; what the user should know.
    """
    from components.activations.plan import plan_cut, plan_pooled
    from components.base import bases
    from components.base.pooling import GRIDS

    images = Counter(row["split"] for row in rows)
    budget = config.store.budget_gb * 1e9
    digest = code("embedder", "activations", "base", "augment.py", "subsets.py")
    pooled = plan_pooled(base, images.total(), GRIDS, budget)
    notes = [pooled.note]

    def frozen(section: dict[str, Any], model: Any, grids: tuple[int, ...]) -> dict[str, Any]:
        """A recipe for the images as they are, without activations."""
        return {
            "base": section,
            "weights_digest": _weights_digest(section["weights"]),
            "depth": 0,
            "grids": grids,
            "views": 1,
            "chunk": plan_pooled(model, images.total(), grids, budget).chunk,
            "augment": {},
            "code": digest,
        }

    random = {**loaded["base"], "weights": "random"}
    compares = references or "random_blocks" in strategies  # then one store serves both
    recipes = {
        "Embedder": frozen(loaded["base"], base, pooled.grids),
        "Embedder.random": frozen(random, base, pooled.grids if compares else ()),
    }
    if not compares:
        recipes["Embedder.random"]["most"] = random_images(config)
    pixels = False
    if strategies & set(_CUT):
        augment = config.augment.model_dump()
        views = augment.pop("views")
        # One cut for both strategies, so that no cell's store depends on which others the study has.
        depths = [config.textbook.unfreeze_depth, config.gradual.unfreeze_depths[-1]]
        planned = plan_cut(base, images, -1 if -1 in depths else max(depths), views, budget)
        pixels = bool(planned.pixels)
        if pixels:
            notes.append(f"textbook and gradual train above the cut from the images: {planned.pixels}")
        notes.append(planned.note)
        recipes[CUT] = {
            **loaded,
            "depth": planned.depth,
            "grids": (),
            "views": planned.views,
            "chunk": planned.chunk,
            "augment": augment if planned.views > 1 else {},
            "code": digest,
        }
    for number, candidate in enumerate(config.relatedness.candidates, 1):
        weights = resolve(candidate.weights, config.dataset)
        section = {**config.base.model_dump(), **candidate.model_dump(), "weights": weights}
        recipes[f"Embedder.candidate-{number}"] = frozen(section, bases.load(**section), ())
    return recipes, pixels, [note for note in notes if note]


def random_images(config: Config) -> dict[str, int]:
    """Images of each split that random weights embed for the probe alone: two of three are for training."""
    validation = max(1, config.relatedness.random_images // 3)
    return {TRAIN: max(1, config.relatedness.random_images - validation), VALIDATION: validation}


def _trainer(config: Config, cell: design.Planned, loaded: dict[str, Any], pixels: bool) -> dict[str, Any]:
    """The custom_config of one cell; its seed goes with its draw."""
    settings = {
        **loaded,
        **{name: getattr(config, name).model_dump() for name in _READ[cell.strategy]},
        "train": {**_train(config, cell.strategy), "seed": config.train.seed + cell.subset.draw},
        "strategy": cell.strategy,
        "subset": cell.subset.choice(),
        "export": cell.promotable,
        "code": code("trainer", "activations", "base", "linear", *_SHARED, "augment.py"),
    }
    if cell.strategy in _CUT:
        settings["pixels"] = pixels
    elif "augment" in settings:
        del settings["augment"]["views"]
    if cell.strategy in _FROM_RANDOM:
        settings["base"] = {**loaded["base"], "weights": "random"}
        del settings["weights_digest"]
    elif cell.strategy == "frozen" and config.head.kind == "dense":
        settings["frozen"] = config.frozen.model_dump()
    elif cell.strategy == "frozen":
        settings["head"] = {"kind": "blocks"}
    return settings


def _train(config: Config, strategy: str) -> dict[str, Any]:
    """Of the section `train`, what a strategy reads."""
    unread: set[str] = set()
    if strategy not in _CUT:
        unread |= {"precision"}
        if strategy != "frozen" or config.head.kind == "blocks":
            unread |= {"patience_steps"}
    return config.train.model_dump(exclude=unread)


def _references(config: Config, compared: list[design.Subset]) -> dict[str, Any]:
    return {
        "cells": [{"fraction": one.fraction, **one.choice()} for one in compared],
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

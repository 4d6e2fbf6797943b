"""Does a search that tries recipes a little find what training all of them in full would?

Run in a project folder with the strategies frozen and fine_tune, after `headstart tune`:

    python -m benchmarks.tuning_recipes

Every recipe of fine-tuning is trained with all its steps on all training images. It is judged on the test
split, as is what the search chose. The best of them all is chosen on the test split: no search can be sure to
find it.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Store
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import head
from headstart.components.shared.linear.features import candidates
from headstart.components.trainer.trial import trial
from headstart.components.tuner import recipes, results
from headstart.pipeline.config import file as config
from headstart.pipeline.project import WORK
from headstart.pipeline.startup import blas
from headstart.pipeline.study.base import resolve
from headstart.pipeline.tuning.inputs import trained

STRATEGY = "fine_tune"


def main() -> None:
    """Print the test accuracy of the choice and of each recipe."""
    blas.choose_kernels()
    params = config.load()
    pooled, images = _stores()
    labels = pooled.split(TEST).labels
    classes = int(pooled.split(TRAIN).labels.max()) + 1
    found = results.read(_newest("Tuner/tuner_results/*"))
    chosen = found.candidates[found.chosen]
    print(f"search: {sum(found.seconds.values()):.0f} s, embedding {pooled.about['seconds']:.0f} s before it")
    for one in found.candidates:
        told = f"{one.strategy} {one.settings}: {one.score:.3f}, {one.share:.0%} of the steps"
        print(f"  {told}, {sum(score is not None for score in one.scores)} folds, {one.search_seconds:.0f} s")
    print(f"chosen: {chosen.strategy} {chosen.settings}", flush=True)
    frozen = chosen
    if chosen.strategy != "frozen":
        heads = (one for one in found.candidates if one.strategy == "frozen")
        frozen = max(heads, key=lambda one: one.score)
    print(f"test accuracy of the best head: {_of_head(pooled, frozen, classes):.1%}", flush=True)
    about = trained(params)[STRATEGY]
    section = {**params.base.model_dump(), "weights": resolve(params.base.weights, params.dataset)}
    accuracies = []
    for recipe in recipes.drawn(about["default"], about["space"], about["recipes"], 0):
        began = time.perf_counter()
        sections = {**about["sections"], "base": section}
        outcome = trial(
            strategy=STRATEGY,
            settings={**sections, STRATEGY: {**sections[STRATEGY], **recipe}},
            depth=0,
            training=images.split(TRAIN),
            validation=images.split(VALIDATION),
            held_out=images.split(TEST),
            stored={name: pooled.split(name) for name in (TRAIN, VALIDATION)},
            embed_seconds=pooled.seconds_per_view,
            classes=classes,
            share=1.0,
            deadline=math.inf,
        )
        accuracies.append(float((outcome.probabilities.argmax(axis=1) == labels).mean()))
        seconds = time.perf_counter() - began
        mark = "  <- chosen" if chosen.strategy == STRATEGY and recipe == chosen.settings else ""
        print(f"{recipe}: {accuracies[-1]:.1%}, {seconds:.0f} s{mark}", flush=True)
    print(f"best of {len(accuracies)} recipes in full: {max(accuracies):.1%}")


def _of_head(pooled: Store, chosen: results.Candidate, classes: int) -> float:
    """Test accuracy of a head that is fitted on all training images."""
    training, test = pooled.split(TRAIN), pooled.split(TEST)
    features, others = StoredBlocks(training), StoredBlocks(test)
    wanted = chosen.settings["blocks"], chosen.settings["grid"]
    candidate = next(one for one in candidates(features) if (one.name, one.grid) == wanted)
    rows = np.arange(len(training))
    settings = chosen.settings
    fitted = head.fit(
        features,
        training.labels,
        rows,
        classes,
        candidate,
        settings["penalty"],
        balanced=settings["balanced"],
    )
    logits = head.logits(fitted, others, np.arange(len(test)))
    return float((logits.argmax(axis=1) == test.labels).mean())


def _stores() -> tuple[Store, Store]:
    """The pooled outputs of the base's blocks, and the decoded images, at the project's image size."""
    pooled = Store(_newest("Embedder/activations/*"))
    return pooled, Store(_newest("Decoder/images/*"))


def _newest(pattern: str) -> Path:
    return max((WORK / "tfx").glob(pattern), key=lambda path: path.stat().st_mtime)


if __name__ == "__main__":
    main()

"""A search over heads on the frozen base against one run of the textbook, on the same images and base.

    python -m benchmarks.tuning ../shared/datasets/clothing …/mobilenet_v2_1.0_224_no_top.weights.h5

The search tries every head on five folds, embedding included. It prints the ratio of seconds, what the choice
is worth by the nested estimate, and its test accuracy beside that of the head that a study chooses by itself.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import plan_backtest
from headstart.pipeline.startup import blas

SEED = 0


def main(
    data: Annotated[Path, typer.Argument(help="Folder of train/, validation/ and test/.", exists=True)],
    weights: Annotated[Path, typer.Argument(help="MobileNetV2 (alpha 1.0) without its top.", exists=True)],
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = 160,
    textbook: Annotated[bool, typer.Option(help="Run the textbook, too; minutes.")] = True,
) -> None:
    """Print seconds and accuracies."""
    blas.choose_kernels()
    if textbook:
        from benchmarks import textbook as book

        theirs = book.run(data, weights, size, SEED)
        print(f"textbook: {theirs.seconds:.0f} s, test accuracy {theirs.accuracy:.1%}", flush=True)
    section = {"architecture": "MobileNetV2", "weights": str(weights), "image_size": size, "options": {}}
    seconds = searched(plan_backtest.clothing(data), section)
    if textbook:
        print(f"search / textbook: {seconds / theirs.seconds:.2f}")


def searched(images: plan_backtest.Images, section: dict[str, Any]) -> float:
    """Embed, search, print; seconds of both.

    Args:
        images: files with their classes and splits.
        section: of the base, as params.yaml has it.
    """
    from headstart.components.shared.features import TEST, TRAIN
    from headstart.components.shared.linear import choice, folds, head
    from headstart.components.tuner import heads, results, scores
    from headstart.components.tuner.budget import Budget
    from headstart.components.tuner.journal import Journal, Trial

    started = time.perf_counter()
    features = plan_backtest.embed(images, section)
    embedded = time.perf_counter() - started
    training, test = (np.flatnonzero(images.splits == split) for split in (TRAIN, TEST))
    labels, classes = images.labels[training], int(images.labels.max()) + 1
    groups = np.arange(len(training))
    held_out = folds.make(labels, groups, SEED)
    problem = heads.Problem(labels, classes, folds.Folds(~held_out, held_out), balanced=False)
    seen = scores.Images(labels, groups, held_out, classes)

    def score(trial: Trial) -> float:
        return float(scores.by_fold(trial.predicted[None], seen, "accuracy").mean())

    with tempfile.TemporaryDirectory() as folder:
        stored = heads.Stored("base", features, training, embedded / len(images.labels))
        frozen = heads.search([stored], problem, score, Journal(Path(folder)), Budget(1e9))
        tune = {"objective": "accuracy", "one_standard_error": True, "fix_head": True}
        names = [str(number) for number in range(classes)]
        found = results.of(frozen, {}, {}, seen, names, tune, {})
    seconds = time.perf_counter() - started
    chosen, nested = found.candidates[found.chosen], found.nested
    candidate = next(
        one
        for one in heads.candidates(features)
        if (one.name, one.grid) == (chosen.settings["blocks"], chosen.settings["grid"])
    )

    def tested(which: heads.Candidate, penalty: float) -> float:
        fitted = head.fit(features, images.labels, training, classes, which, penalty)
        return float((head.logits(fitted, features, test).argmax(axis=1) == images.labels[test]).mean())

    every = np.arange(len(images.labels))
    own = choice.choose(features, images.labels, every, training, classes, SEED)
    low, high = nested["low"], nested["high"]
    print(f"search: {seconds:.0f} s, {embedded:.0f} s of it embedding; {len(frozen)} heads")
    print(f"chosen: {chosen.settings}")
    print(f"score {chosen.score:.1%}, nested {nested['value']:.1%} ({low:.1%} to {high:.1%})")
    print(f"test accuracy of the choice: {tested(candidate, chosen.settings['penalty']):.1%}")
    which = f"{own.candidate.name}, grid {own.candidate.grid}, penalty {own.penalty:g}"
    print(f"of the study's own choice, {which}: {tested(own.candidate, own.penalty):.1%}", flush=True)
    return seconds


if __name__ == "__main__":
    typer.run(main)

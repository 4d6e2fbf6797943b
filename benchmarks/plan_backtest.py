"""Does `headstart plan` foresee the accuracy with all images, from a quarter of them?

    python -m benchmarks.plan_backtest --demo PROJECT
    python -m benchmarks.plan_backtest --clothing FOLDER --weights FILE
    python -m benchmarks.plan_backtest --sign-digits FOLDER --small FILE

Ten draws of a quarter of the training images for each data set. Blocks, grid and penalty are chosen on the
quarter; the truth is the test accuracy of the head that is chosen and fitted on all training images. It also
counts how often the range holds the truth on simulated curves. docs/plan.md has the figures.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.model_selection import train_test_split

from benchmarks.plan_simulation import IMAGES, TIMES, simulated
from headstart.components.shared import subsets
from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import choice, head
from headstart.pipeline.forecast import curve, measurement, scores

DRAWS = 10
SHARE = 0.25


@dataclass(frozen=True)
class Images:
    """Files with their classes and splits."""

    files: list[str]
    labels: np.ndarray  # int64 [images]
    splits: np.ndarray  # str [images]


def clothing(folder: Path) -> Images:
    """A folder of train/, validation/ and test/."""
    found = sorted(path for split in SPLITS for path in (folder / split).glob("*/*"))
    return _images(found, [path.parts[-3] for path in found])


def sign_digits(folder: Path) -> Images:
    """A folder of classes: 70 % for training, 15 % for testing."""
    found = sorted(folder.glob("*/*.JPG"))
    classes = [path.parent.name for path in found]
    at = np.arange(len(found))
    _, others = train_test_split(at, test_size=0.3, stratify=classes, random_state=1)
    splits = np.full(len(found), TRAIN, object)
    splits[others[::2]], splits[others[1::2]] = VALIDATION, TEST
    return _images(found, splits)


def demo(folder: Path) -> Images:
    """A project in which `headstart demo` and `headstart prepare` have run."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return _images([folder / "data" / row["path"] for row in rows], [row["split"] for row in rows])


def _images(files: list[Path], splits: Any) -> Images:
    labels = np.unique([path.parent.name for path in files], return_inverse=True)[1]
    return Images([str(path) for path in files], labels.astype(np.int64), np.array(splits, str))


def embed(images: Images, base: dict[str, Any]) -> StoredBlocks:
    """The blocks' outputs of all images, in the order of their paths."""
    import tensorflow as tf

    from headstart.components.embedder.chunks import Chunk
    from headstart.components.embedder.forward import Forward
    from headstart.components.shared.base.pooling import GRIDS
    from headstart.components.transform.preprocessing import decode

    model, parts = Forward(base, 0, {}, 64, GRIDS), []
    for start in range(0, len(images.files), 64):
        some = images.files[start : start + 64]
        pixels = np.stack([decode(tf.io.read_file(path), base["image_size"]).numpy() for path in some])
        labels = images.labels[start : start + 64]
        parts.append(model.rows(Chunk(str(start), 1, some, some, labels, labels, pixels))[0])
    return StoredBlocks(Split(parts))


def back_test(name: str, images: Images, features: StoredBlocks) -> list[tuple[bool, float, float]]:
    """Of each draw: whether the range holds the truth, the miss, the range's width."""
    every, test = (np.flatnonzero(images.splits == split) for split in (TRAIN, TEST))
    labels, groups, classes = images.labels, np.arange(len(images.labels)), int(images.labels.max()) + 1
    chosen = choice.choose(features, labels, groups, every, classes, 0)
    fitted = head.fit(features, labels, every, classes, chosen.candidate, chosen.penalty)
    truth = float((head.logits(fitted, features, test).argmax(axis=1) == labels[test]).mean())
    found = []
    for draw in range(DRAWS):
        order = subsets.order(((str(row), int(labels[row])) for row in every), f"draw {draw}")
        some = np.sort(sorted(every, key=lambda row: order[str(row)])[: int(SHARE * len(every))])
        chosen = choice.choose(features, labels, groups, some, classes, 0)
        with_head = measurement.Head(chosen.candidate, chosen.penalty)
        measured = measurement.measure(features, labels, groups, some, classes, with_head, draw)
        low, middle, high = predicted(measured, len(every), draw, len(test))
        found.append((low <= truth <= high, middle - truth, high - low))
        print(
            f"{name}, draw {draw + 1}: from {len(some):,} images {100 * middle:.1f} % with {len(every):,} "
            f"({100 * low:.1f} to {100 * high:.1f}); the truth is {100 * truth:.1f}",
            flush=True,
        )
    return found


def predicted(
    measured: measurement.Measurement, images: int, seed: int, tested: int = 0
) -> tuple[float, float, float]:
    """The 80 % range and the median of the accuracy with so many images, as so many test images show it."""
    curves = curve.fit(measured.sizes, *scores.resampled(measured, scores.accuracy, seed), seed)
    accuracies = curves.scores(np.array([images]))[:, 0]
    if tested:  # the truth itself is measured on few images
        accuracies = np.random.default_rng(seed).binomial(tested, accuracies) / tested
    low, middle, high = np.quantile(accuracies, (curve.RANGE[0], 0.5, curve.RANGE[1]))
    return float(low), float(middle), float(high)


def simulations(count: int) -> list[tuple[bool, float, float]]:
    """The same of simulated curves, whose truth is known without a test split."""
    found = []
    for seed in range(count):
        measured, truth = simulated(seed)
        low, middle, high = predicted(measured, TIMES * IMAGES, seed)
        found.append((low <= truth <= high, middle - truth, high - low))
    return found


def report(name: str, found: list[tuple[bool, float, float]]) -> None:
    """One line."""
    held, misses, widths = zip(*found)
    print(
        f"{name}: the 80 % range holds the truth in {sum(held)} of {len(held)}, mean miss "
        f"{100 * np.abs(misses).mean():.2f} points (signed {100 * np.mean(misses):+.2f}), "
        f"median width {100 * np.median(widths):.1f} points",
        flush=True,
    )


def main(
    clothing_folder: Annotated[
        Path | None, typer.Option("--clothing", help="train/, validation/, test/")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="MobileNetV2 1.0 without its top, for clothing")
    ] = None,
    sign_folder: Annotated[Path | None, typer.Option("--sign-digits", help="one folder a class")] = None,
    small: Annotated[Path | None, typer.Option(help="MobileNetV2 0.35, no top, for sign digits")] = None,
    project: Annotated[Path | None, typer.Option("--demo", help="a project with the demo, prepared")] = None,
    simulated_curves: Annotated[int, typer.Option("--simulated", help="how many simulated curves")] = 20,
) -> None:
    """Print every prediction beside its truth, then a line for each data set."""
    mobile = {"architecture": "MobileNetV2", "image_size": 96}
    sets: dict[str, tuple[Images, dict[str, Any]]] = {}
    if project:
        letters = str(project / "bases/letters.weights.h5")
        compact = {"architecture": "compact", "weights": letters, "image_size": 32, "options": {}}
        sets["demo"] = demo(project), compact
    if sign_folder and small:
        sets["sign digits"] = (
            sign_digits(sign_folder),
            {**mobile, "weights": str(small), "options": {"alpha": 0.35}},
        )
    if clothing_folder and weights:
        sets["clothing"] = clothing(clothing_folder), {**mobile, "weights": str(weights), "options": {}}
    found = {name: back_test(name, images, embed(images, base)) for name, (images, base) in sets.items()}
    for name, cases in found.items():
        report(name, cases)
    report("simulated curves", simulations(simulated_curves))


if __name__ == "__main__":
    typer.run(main)

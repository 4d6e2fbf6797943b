"""Seconds of the linear head's solvers, on made-up features; the seed makes the same ones anywhere.

    python -m benchmarks.linear_head                    # the row space against scikit-learn, in a minute
    python -m benchmarks.linear_head --streamed 100000  # the streamed solver, in a process of its own

The first command fits the same 3,000 rows both ways and prints the ratio of their seconds. The second writes
the features to a file, 480 MB for 100,000 rows, and reads them from there.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

from headstart.components.shared.linear import head, streamed
from headstart.components.shared.linear.features import Candidate, InMemory

PENALTY = 30.0
PART = Candidate("last", (0,), 1)


def main(
    streamed_rows: Annotated[int, typer.Option("--streamed", help="Rows; 0 compares the row space.")] = 0,
    width: Annotated[int, typer.Option(help="Features of the streamed rows.")] = 2400,
    classes: Annotated[int, typer.Option(help="Classes of the streamed rows.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the made-up features.")] = 0,
) -> None:
    """Print the seconds of one comparison."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npy"
        if streamed_rows:
            time_streamed(*make(path, streamed_rows, width, classes, seed), classes)
        else:
            compare(*make(path, 3000, 22_000, 10, seed))


def make(path: Path, rows: int, width: int, classes: int, seed: int) -> tuple[InMemory, np.ndarray]:
    """Write float16 features: rectified sums of a class's direction, 64 shared ones and noise.

    Returns:
        The features, mapped from the file, and int64 labels [rows].
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) % classes)
    centres = rng.normal(size=(classes, width)).astype(np.float32)
    shared = rng.normal(size=(64, width)).astype(np.float32)
    array = np.lib.format.open_memmap(path, "w+", np.float16, (rows, width))
    for at in range(0, rows, 10_000):
        own = centres[labels[at : at + 10_000]]
        common = rng.normal(size=(len(own), 64)).astype(np.float32) @ shared
        noise = rng.standard_normal(own.shape, np.float32)
        array[at : at + 10_000] = np.maximum(0.05 * own + 0.1 * common + noise, 0)
    array.flush()
    return InMemory({(0, 1): np.load(path, mmap_mode="r")}), labels


def compare(features: InMemory, labels: np.ndarray) -> None:
    """The row space against scikit-learn on the same standardised features, to the same optimum."""
    rows, classes = np.arange(len(labels)), int(labels.max()) + 1
    began = time.perf_counter()
    ours = head.fit(features, labels, rows, classes, PART, PENALTY)
    seconds = time.perf_counter() - began
    inputs = np.concatenate(list(streamed.Standardised(features, PART, rows).chunks()))
    began = time.perf_counter()
    theirs = LogisticRegression(C=PENALTY, tol=1e-6, max_iter=10_000).fit(inputs, labels)
    their_seconds = time.perf_counter() - began
    logits = head.logits(ours, features, rows)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    apart = np.abs(odds / odds.sum(axis=1, keepdims=True) - theirs.predict_proba(inputs)).max()
    print(f"{len(rows):,} rows × {inputs.shape[1]:,} features × {classes} classes")
    print(f"row space {seconds:.2f} s, scikit-learn {their_seconds:.2f} s", end=", ")
    print(f"ratio {seconds / their_seconds:.3f}; probabilities at most {apart:.1e} apart")


def time_streamed(features: InMemory, labels: np.ndarray, classes: int) -> None:
    """The streamed solver with the process's peak memory, which counts the pages of the file it has read."""
    began = time.perf_counter(), time.process_time()
    rows = streamed.Standardised(features, PART, np.arange(len(labels)))
    streamed.fit(rows, labels, classes, PENALTY)
    seconds, cpu_seconds = time.perf_counter() - began[0], time.process_time() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    print(f"{len(labels):,} rows × {rows.width:,} features × {classes:,} classes")
    print(f"streamed {seconds:.0f} s ({cpu_seconds:.0f} CPU-s), peak memory {peak:.1f} GiB")


if __name__ == "__main__":
    typer.run(main)

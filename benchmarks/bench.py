"""The textbook script, headstart and a logistic regression: same images, same base, alternating, medians.

    make bench DATA=../shared/datasets/clothing WEIGHTS=…/mobilenet_v2_1.0_224_no_top.weights.h5

Every run is a process of its own; its seconds go from the first image read to the trained model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from headstart.pipeline.startup import blas

TEXTBOOK = "textbook"
CONTENDERS = {
    TEXTBOOK: ("benchmarks.textbook", []),
    "headstart, the head sees the blocks": ("benchmarks.headstart_contenders", ["--contender", "blocks"]),
    "the textbook from the store": ("benchmarks.headstart_contenders", ["--contender", "equal"]),
    "the same, short": ("benchmarks.headstart_contenders", ["--contender", "short"]),
    "a dense head": ("benchmarks.headstart_contenders", ["--contender", "dense"]),
    "logistic regression": ("benchmarks.headstart_contenders", ["--contender", "probe"]),
}


def main(
    data: Annotated[Path, typer.Option(help="Folder of train/, validation/ and test/.", exists=True)],
    weights: Annotated[Path, typer.Option(help="MobileNetV2 (alpha 1.0) without its top.", exists=True)],
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = 160,
    repeats: Annotated[int, typer.Option(help="Runs of each contender; the seed is the run's number.")] = 3,
    contenders: Annotated[
        list[str] | None, typer.Option("--contender", help="Only this one, and the textbook.")
    ] = None,
) -> None:
    """Compare the contenders and print seconds, accuracy, memory and ratios."""
    chosen = {
        name: how for name, how in CONTENDERS.items() if not contenders or name in (TEXTBOOK, *contenders)
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    plan = [(seed, name) for seed in range(repeats) for name in chosen]
    for seed, name in track(plan, "measuring", console=Console(stderr=True), transient=True):
        module, options = chosen[name]
        runs[name].append(_run(module, [*options, *_given(data, weights, size, seed)]))
    table = Table(title=f"{data.name}, {size} px, {repeats} runs of each contender, {os.cpu_count()} cores")
    for column in ("contender", "seconds", "of the textbook's", "test accuracy (95 %)", "peak memory"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for name, measured in runs.items():
        table.add_row(name, *_row(measured, runs[TEXTBOOK]))
    Console(width=110).print(table)
    print(json.dumps(runs, indent=1))


def _given(data: Path, weights: Path, size: int, seed: int) -> list[str]:
    return ["--data", str(data), "--weights", str(weights), "--size", str(size), "--seed", str(seed)]


def _run(module: str, options: list[str]) -> dict[str, Any]:
    blas.choose_kernels()  # for all contenders alike
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", module, *options], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        sys.exit(f"{module} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _row(runs: list[dict[str, Any]], textbook: list[dict[str, Any]]) -> list[str]:
    """Medians; the ratio is the median of the ratios within each repeat, which runs all in turn."""
    seconds = [run["seconds"] for run in runs]
    ratio = median(run["seconds"] / other["seconds"] for run, other in zip(runs, textbook))
    accuracy, images = median(run["accuracy"] for run in runs), runs[0]["images"]
    low, high = binomtest(round(accuracy * images), images).proportion_ci(method="wilson")
    return [
        f"{median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f})",
        f"{ratio:.3f}",
        f"{accuracy:.3f} ({low:.3f}–{high:.3f})",
        f"{median(run['peak_mb'] for run in runs):.0f} MB",
    ]


if __name__ == "__main__":
    typer.run(main)

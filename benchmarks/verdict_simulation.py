"""The verdict itself, tested: `judge` on simulated studies whose truth is known.

    python -m benchmarks.verdict_simulation                # the table of docs/verdict.md, four minutes
    python -m benchmarks.verdict_simulation --studies 100  # a quick look

Each study has scratch and the three transfer strategies on five subsets, three draws of all but the largest.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

from pipeline import config
from pipeline.verdict.cells import Cells
from pipeline.verdict.findings import SCRATCH, TRANSFER, Result, Verdict
from pipeline.verdict.judge import judge

TOTAL = 1257  # training images, as the demo has
FRACTIONS = (0.01, 0.05, 0.1, 0.25, 1.0)
DRAWS = 3
CLASSES = 10
VALIDATION = 270  # images
SEED_NOISE = (
    0.01  # standard deviation of the expected accuracy of one training on all images; on fewer, x (N/n)^1/4
)
SHARED_DRAW = 0.5  # part of that variance that the arms of a draw share: they have the same images
DIFFICULTY = (0.4, 0.2)  # parts of an answer's latent variance: the test image, the test image for one arm
TIME_NOISE = 0.1  # standard deviation of log(seconds)
SCRATCH_SECONDS = 120.0


@dataclass(frozen=True)
class Curve:
    """True accuracy, 1 - alpha - eta n^-1/2, never below chance."""

    alpha: float
    eta: float

    @staticmethod
    def through(accuracy: float, fraction: float, ceiling: float) -> Curve:
        """The curve with that accuracy on that part of the images and `ceiling` on ever more."""
        return Curve(1 - ceiling, (ceiling - accuracy) * np.sqrt(images_of(fraction)))

    def at(self, images: float) -> float:
        """Expected accuracy of a training on so many images."""
        return max(1 / CLASSES, 1 - self.alpha - self.eta / np.sqrt(images))


@dataclass(frozen=True)
class Scenario:
    """A truth, what is to be said of it, and what is asked of how often."""

    name: str
    scratch: Curve
    transfer: Curve
    time: float = 1 / 3  # of transfer on `time_at`, where scratch on everything is 1
    what: Literal["good", "negative transfer", "saving"] = "good"
    asked: str = ""
    time_at: float = 0.1
    fractions: tuple[float, ...] = FRACTIONS

    def said(self, verdict: Verdict) -> bool:
        """Whether the verdict says what the scenario is about."""
        if self.what == "good":
            return verdict.rating == "good"
        return verdict.saving if self.what == "saving" else bool(verdict.negative)


def images_of(fraction: float) -> int:
    """Images of a subset."""
    return int(np.floor(fraction * TOTAL + 0.5))


GOOD = Curve.through(0.9, 0.1, 0.94)
SCRATCH_80 = Curve.through(0.8, 1.0, 0.95)
SCRATCH_90 = Curve.through(0.9, 1.0, 0.98)
DATA = (Curve.through(0.95, 1.0, 0.99), Curve.through(0.9, 0.1, 0.973))
R4: dict[str, Any] = {"time": 0.5, "what": "saving", "time_at": 0.2, "fractions": (0.01, 0.05, 0.1, 0.2, 1.0)}
SCENARIOS = (
    Scenario("90 % on 10 % in a third of the time; scratch 80 %", SCRATCH_80, GOOD, asked="≥ 80 %"),
    Scenario(
        "accuracy: 80 % on 10 %; scratch 70 %",
        Curve.through(0.7, 1.0, 0.9),
        Curve.through(0.8, 0.1, 0.86),
        asked="≤ 5 %",
    ),
    Scenario("accuracy: 85 % on 10 %, on the threshold", SCRATCH_80, Curve.through(0.85, 0.1, 0.9)),
    Scenario("time: none saved", SCRATCH_80, GOOD, time=1.0, asked="≤ 5 %"),
    Scenario("time: 45 % saved", SCRATCH_80, GOOD, time=0.55),
    Scenario("data: all needed; 90 % on 10 %, 95 % on all, as scratch", *DATA, asked="≤ 5 %"),
    Scenario("the same data", *DATA, what="saving"),
    Scenario(
        "data: 2 points below scratch on 10 %, on the margin",
        Curve.through(0.94, 1.0, 0.99),
        Curve.through(0.92, 0.1, 0.96),
    ),
    Scenario(
        "scratch 10 points better on all, transfer on 10 %",
        SCRATCH_90,
        Curve.through(0.8, 1.0, 0.82),
        what="negative transfer",
        asked="≥ 90 %",
    ),
    Scenario("arms equal on every subset", SCRATCH_90, SCRATCH_90, what="negative transfer", asked="≤ 5 %"),
    Scenario(
        "R4: 90 % on 20 % in half the time; scratch 80 %", SCRATCH_80, Curve.through(0.9, 0.2, 0.94), **R4
    ),
    Scenario("R4: the same; scratch 90 %", SCRATCH_90, Curve.through(0.9, 0.2, 0.94), **R4),
)


def simulate(scenario: Scenario, tests: int, noise: float, rng: np.random.Generator) -> list[Result]:
    """One study: the results of all its cells."""
    results = []
    by_image, by_arm = (np.sqrt(part) for part in DIFFICULTY)
    rest = np.sqrt(1 - sum(DIFFICULTY))
    image = rng.normal(size=tests)
    arms = {arm: by_image * image + by_arm * rng.normal(size=tests) for arm in (SCRATCH, *TRANSFER)}
    for fraction in scenario.fractions:
        images = images_of(fraction)
        spread = noise * (TOTAL / images) ** 0.25
        for draw in range(1 if fraction == 1 else DRAWS):
            shared = rng.normal(scale=spread * np.sqrt(SHARED_DRAW))
            for arm, difficulty in arms.items():
                curve = scenario.scratch if arm == SCRATCH else scenario.transfer
                own = rng.normal(scale=spread * np.sqrt(1 - SHARED_DRAW))
                expected = float(np.clip(curve.at(images) + shared + own, 0.001, 0.999))
                correct = difficulty + rest * rng.normal(size=tests) < ndtri(expected)
                seconds = _seconds(scenario, arm, fraction) * float(rng.lognormal(sigma=TIME_NOISE))
                results.append(
                    Result(
                        arm=arm,
                        fraction=fraction,
                        images=images,
                        draw=draw,
                        correct=correct,
                        train_accuracy=min(1.0, expected + 0.05),
                        val_accuracy=rng.binomial(VALIDATION, expected) / VALIDATION,
                        seconds=seconds,
                        seconds_to_best=0.8 * seconds,
                        cpu_seconds=2 * seconds,
                        val_images=VALIDATION,
                    )
                )
    return results


def _seconds(scenario: Scenario, arm: str, fraction: float) -> float:
    if arm == SCRATCH:
        return SCRATCH_SECONDS * fraction**0.5
    return SCRATCH_SECONDS * scenario.time * (fraction / scenario.time_at) ** 0.3


@dataclass(frozen=True)
class Rates:
    """Shares of the studies: what was said, of the ratings, and of the intervals that hold the truth."""

    said: float
    rows: float  # intervals of accuracies over several draws
    single: float  # of one draw
    differences: float


def rates(case: tuple[int, int, float, int]) -> Rates:
    """Judge many studies of one scenario, test size and seed noise."""
    number, tests, noise, studies = case
    scenario = SCENARIOS[number]
    thresholds = config.load(Path(__file__).parent.parent / "params.yaml").verdict
    rng = np.random.default_rng([number, tests, round(1000 * noise)])
    said, rows, single, differences = [], [], [], []
    for _ in range(studies):
        results = simulate(scenario, tests, noise, rng)
        verdict, cells = judge(results, thresholds, CLASSES), Cells(results)
        said.append(scenario.said(verdict))
        for row in verdict.rows:
            curve = scenario.scratch if row.arm == SCRATCH else scenario.transfer
            interval = cells.accuracy(row.arm, row.images).interval(0.975)
            (rows if row.draws > 1 else single).append(interval.low <= curve.at(row.images) <= interval.high)
        for one in verdict.comparisons:
            true = scenario.transfer.at(one.images) - scenario.scratch.at(one.images)
            differences.append(one.difference.low <= true <= one.difference.high)
    return Rates(*(float(np.mean(values)) for values in (said, rows, single, differences)))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="of each scenario, test size and noise")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    columns = [(100, SEED_NOISE), (300, SEED_NOISE), (1000, SEED_NOISE), (300, 2 * SEED_NOISE)]
    cases = [(n, *column, arguments.studies) for n, column in product(range(len(SCENARIOS)), columns)]
    with ProcessPoolExecutor(arguments.processes) as pool:
        found = list(pool.map(rates, cases))
    print("| truth | said | asked at 300 | 100 images | 300 | 1,000 | 300, seed noise doubled |")
    print("|---|---|---|---|---|---|---|")
    width = len(columns)
    for number, scenario in enumerate(SCENARIOS):
        told = [f"{100 * one.said:.1f} %" for one in found[number * width : (number + 1) * width]]
        print(f"| {scenario.name} | {scenario.what} | {scenario.asked} | {' | '.join(told)} |")
    labels = {"rows": "accuracy, three draws", "single": "accuracy, one draw", "differences": "differences"}
    for field, label in labels.items():
        means = [np.mean([getattr(one, field) for one in found[place::width]]) for place in range(width)]
        told = [f"{100 * mean:.1f} %" for mean in means]
        print(f"| all of the above | interval holds the truth: {label} | 95 % | {' | '.join(told)} |")


if __name__ == "__main__":
    main()

"""The verdict itself, tested: `judge` on simulated studies whose truth is known.

    python -m benchmarks.verdict_simulation                # the tables of docs/verdict.md
    python -m benchmarks.verdict_simulation --studies 100  # a quick look

The first table has studies of five subsets in worlds that differ by the number of test images and the noise
of the seeds. The others have the default study, and that of five subsets, in harder worlds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

from headstart.pipeline.config import file as config
from headstart.pipeline.verdict.findings import SCRATCH, Result, Verdict
from headstart.pipeline.verdict.judge import judge

TOTAL = 1257  # training images, as the demo has
CLASSES = 10
VALIDATION = 270  # images
SHARED_DRAW = 0.5  # part of that variance that the strategies of a draw share: they have the same images
# Parts of the variance of an answer's latent value: of the test image, of the test image for one strategy.
DIFFICULTY = (0.4, 0.2)
TIME_NOISE = 0.1  # standard deviation of log(seconds)
SCRATCH_SECONDS = 120.0
COLLAPSE = 0.15  # accuracy that a collapsed run loses


@dataclass(frozen=True)
class Design:
    """The cells of a study."""

    name: str
    fractions: tuple[float, ...]
    draws: dict[str, int]  # by strategy, of every subset but the largest
    convex: tuple[str, ...] = ()  # strategies that no seed changes


@dataclass(frozen=True)
class World:
    """What a study meets."""

    name: str
    tests: int = 300
    # Standard deviation of the expected accuracy of one training on all images; on fewer, x (N/n)^1/4.
    noise: float = 0.01
    group: int = 1  # test images in a group
    correlation: float = 0.5  # in a group, of how difficult its images are
    answers: bool = False  # the same of what else decides an answer in one draw
    collapses: float = 0.0  # probability that a training with seeds loses COLLAPSE
    one_draw: bool = False


DEFAULT = Design("default", (0.1, 1.0), {SCRATCH: 2, "frozen": 5, "fine_tune": 2}, ("frozen",))
FIVE = Design(
    "five subsets", (0.01, 0.05, 0.1, 0.25, 1.0), {SCRATCH: 3, "frozen": 3, "fine_tune": 3, "gradual": 3}
)
ONCE = Design("scratch once", (0.1, 1.0), {SCRATCH: 1, "frozen": 5, "fine_tune": 2}, ("frozen",))
PLAIN = World("300 test images")
WORLDS = (
    World("100 test images", tests=100),
    PLAIN,
    World("1,000 test images", tests=1000),
    World("300, seed noise doubled", noise=0.02),
)
HARDER = (
    PLAIN,
    WORLDS[-1],
    World("groups of five", group=5),
    World("groups of five, answers too", group=5, answers=True),
    World("a tenth of the runs collapse", collapses=0.1),
    World("one draw", one_draw=True),
    World("one draw, seed noise doubled", one_draw=True, noise=0.02),
)


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


What = Literal["good", "negative transfer", "saving", "proven saving"]


@dataclass(frozen=True)
class Scenario:
    """A truth, and what may be said of it, with what is asked of how often."""

    name: str
    scratch: Curve
    transfer: Curve
    asked: dict[What, str]
    time: float = 1 / 3  # of transfer on `time_at`, where scratch on everything is 1
    time_at: float = 0.1
    tenth: float = 0.1  # the fraction that stands in the place of a tenth
    rate_images_needed: bool = False
    others: dict[str, Curve] = field(default_factory=dict)  # strategies with a truth of their own

    def curve(self, strategy: str) -> Curve:
        """The truth of a strategy."""
        return self.others.get(strategy, self.scratch if strategy == SCRATCH else self.transfer)

    def fractions(self, design: Design) -> list[float]:
        """The subsets of the study."""
        return sorted({self.tenth if fraction == 0.1 else fraction for fraction in design.fractions})


def images_of(fraction: float) -> int:
    """Images of a subset."""
    return int(np.floor(fraction * TOTAL + 0.5))


GOOD = Curve.through(0.9, 0.1, 0.94)
SCRATCH_80 = Curve.through(0.8, 1.0, 0.95)
SCRATCH_90 = Curve.through(0.9, 1.0, 0.98)
DATA = (Curve.through(0.95, 1.0, 0.99), Curve.through(0.9, 0.1, 0.973))
R4: dict[str, Any] = {"time": 0.5, "time_at": 0.2, "tenth": 0.2}
SCENARIOS = (
    Scenario(
        "90 % on 10 % in a third of the time; scratch 80 %", SCRATCH_80, GOOD, {"good": "≥ 80 %; ≥ 60 %"}
    ),
    Scenario(
        "accuracy: 80 % on 10 %; scratch 70 %",
        Curve.through(0.7, 1.0, 0.9),
        Curve.through(0.8, 0.1, 0.86),
        {"good": "≤ 5 %"},
    ),
    Scenario(
        "accuracy: 85 % on 10 %, on the threshold", SCRATCH_80, Curve.through(0.85, 0.1, 0.9), {"good": ""}
    ),
    Scenario("time: none saved", SCRATCH_80, GOOD, {"good": "≤ 5 %"}, time=1.0),
    Scenario("time: 45 % saved", SCRATCH_80, GOOD, {"good": ""}, time=0.55),
    Scenario(
        "data: all needed; 90 % on 10 %, 95 % on all, as scratch; images needed rated",
        *DATA,
        {"good": "≤ 5 %", "saving": "", "proven saving": "≤ 5 %"},
        rate_images_needed=True,
    ),
    Scenario(
        "data: 2 points below scratch on 10 %, on the margin; images needed rated",
        Curve.through(0.94, 1.0, 0.99),
        Curve.through(0.92, 0.1, 0.96),
        {"good": ""},
        rate_images_needed=True,
    ),
    Scenario(
        "scratch 10 points better on all, transfer on 10 %",
        SCRATCH_90,
        Curve.through(0.8, 1.0, 0.82),
        {"negative transfer": "≥ 90 %; ≥ 80 %"},
    ),
    Scenario(
        "scratch 10 points better on 10 %, equal on all",
        SCRATCH_90,
        Curve.through(0.9, 1.0, 1.03),
        {"negative transfer": ""},
    ),
    Scenario("all equal on every subset", SCRATCH_90, SCRATCH_90, {"negative transfer": "≤ 5 %"}),
    Scenario(
        "the same, but the frozen base 10 points worse",
        SCRATCH_90,
        SCRATCH_90,
        {"negative transfer": "≤ 5 %"},
        others={"frozen": Curve(SCRATCH_90.alpha + 0.1, SCRATCH_90.eta)},
    ),
    Scenario(
        "R4: 90 % on 20 % in half the time; scratch 80 %",
        SCRATCH_80,
        Curve.through(0.9, 0.2, 0.94),
        {"saving": "", "proven saving": ""},
        **R4,
    ),
    Scenario(
        "R4: the same; scratch 90 %",
        SCRATCH_90,
        Curve.through(0.9, 0.2, 0.94),
        {"saving": "", "proven saving": ""},
        **R4,
    ),
)


def simulate(
    scenario: Scenario, design: Design, world: World, rng: np.random.Generator
) -> tuple[list[Result], np.ndarray | None]:
    """One study: the results of all its cells, and the groups of its test images."""
    groups = np.arange(world.tests) // world.group

    def latent(grouped: bool = True) -> np.ndarray:
        """Standard normal, correlated in groups of test images."""
        own = rng.normal(size=world.tests)
        if world.group == 1 or not grouped:
            return own
        together = rng.normal(size=groups[-1] + 1)[groups]
        return np.sqrt(world.correlation) * together + np.sqrt(1 - world.correlation) * own

    results = []
    by_image, by_strategy = (np.sqrt(part) for part in DIFFICULTY)
    rest = np.sqrt(1 - sum(DIFFICULTY))
    image = latent()
    strategies = {strategy: by_image * image + by_strategy * latent() for strategy in design.draws}
    for fraction in scenario.fractions(design):
        images = images_of(fraction)
        spread = world.noise * (TOTAL / images) ** 0.25
        shared = rng.normal(scale=spread * np.sqrt(SHARED_DRAW), size=max(design.draws.values()))
        for strategy, difficulty in strategies.items():
            convex = strategy in design.convex
            for draw in range(1 if fraction == 1 or world.one_draw else design.draws[strategy]):
                own = rng.normal(scale=spread * np.sqrt(1 - SHARED_DRAW))
                moved = 0.0 if convex and fraction == 1 else shared[draw] + own
                if not convex and rng.random() < world.collapses:
                    moved -= COLLAPSE
                expected = float(np.clip(scenario.curve(strategy).at(images) + moved, 0.001, 0.999))
                correct = difficulty + rest * latent(world.answers) < ndtri(expected)
                seconds = _seconds(scenario, strategy, fraction) * float(rng.lognormal(sigma=TIME_NOISE))
                results.append(
                    Result(
                        strategy=strategy,
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
                        convex=convex,
                    )
                )
    return results, None if world.group == 1 else groups


def _seconds(scenario: Scenario, strategy: str, fraction: float) -> float:
    if strategy == SCRATCH:
        return SCRATCH_SECONDS * fraction**0.5
    return SCRATCH_SECONDS * scenario.time * (fraction / scenario.time_at) ** 0.3


@dataclass(frozen=True)
class Rates:
    """Shares of the studies: what was said, and of the intervals that hold the truth."""

    said: dict[What, float]
    rows: float  # intervals of accuracies over several draws
    single: float  # of one draw
    differences: float  # of strategies with scratch


def rates(case: tuple[int, Design, World, int]) -> Rates:
    """Judge many studies of one scenario, design and world."""
    number, design, world, studies = case
    scenario = SCENARIOS[number]
    thresholds = config.load(Path(__file__).parent.parent / "params.yaml").verdict
    thresholds = thresholds.model_copy(update={"rate_images_needed": scenario.rate_images_needed})
    rng = np.random.default_rng([number, *f"{design.name} {world.name}".encode()])
    said: dict[What, list[bool]] = {what: [] for what in scenario.asked}
    rows, single, differences = [], [], []
    for _ in range(studies):
        results, groups = simulate(scenario, design, world, rng)
        verdict = judge(results, thresholds, CLASSES, groups=groups)
        for what, times in said.items():
            times.append(_says(verdict, what))
        for row in verdict.rows:
            true = scenario.curve(row.strategy).at(row.images)
            (rows if row.draws > 1 else single).append(row.low <= true <= row.high)
        for one in verdict.comparisons:
            true = scenario.curve(one.strategy).at(one.images) - scenario.scratch.at(one.images)
            differences.append(one.difference.low <= true <= one.difference.high)
    shares = [float(np.mean(held)) if held else np.nan for held in (rows, single, differences)]
    return Rates({what: float(np.mean(times)) for what, times in said.items()}, *shares)


def _says(verdict: Verdict, what: What) -> bool:
    return {
        "good": verdict.rating == "good",
        "negative transfer": bool(verdict.negative),
        "saving": verdict.saving != "none",
        "proven saving": verdict.saving == "proven",
    }[what]


def table(design: Design, worlds: Sequence[World], studies: int, pool: ProcessPoolExecutor) -> None:
    """Print one table as Markdown: a row a scenario, a column a world."""
    cases = [(n, design, world, studies) for n, world in product(range(len(SCENARIOS)), worlds)]
    found = list(pool.map(rates, cases))
    print(f"| {design.name}: truth | said | asked at 300 | {' | '.join(world.name for world in worlds)} |")
    print("|" + "---|" * (3 + len(worlds)))
    width = len(worlds)
    for number, scenario in enumerate(SCENARIOS):
        for what, asked in scenario.asked.items():
            here = found[number * width : (number + 1) * width]
            told = [f"{100 * one.said[what]:.1f} %" for one in here]
            print(f"| {scenario.name} | {what} | {asked} | {' | '.join(told)} |")
    labels = {"rows": "accuracy, several draws", "single": "accuracy, one draw", "differences": "differences"}
    for name, label in labels.items():
        means = [np.mean([getattr(one, name) for one in found[place::width]]) for place in range(width)]
        told = ["" if np.isnan(mean) else f"{100 * mean:.1f} %" for mean in means]
        print(f"| all of the above | interval holds the truth: {label} | ≥ 93 % | {' | '.join(told)} |")
    print(flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="of each scenario, design and world")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        table(FIVE, WORLDS, arguments.studies, pool)
        table(DEFAULT, HARDER, arguments.studies, pool)
        table(FIVE, HARDER[2:], arguments.studies, pool)
        table(ONCE, (PLAIN, WORLDS[-1]), arguments.studies, pool)


if __name__ == "__main__":
    main()

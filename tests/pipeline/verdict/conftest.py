"""Small invented studies."""

import numpy as np
import pytest

from headstart.pipeline.config import decisions
from headstart.pipeline.verdict.findings import Result
from headstart.pipeline.verdict.judge import judge

TOTAL = 1000
TEST_IMAGES = 1000
CLASSES = 10


@pytest.fixture(scope="session")
def thresholds():
    values = {
        "good": {"min_accuracy": 0.85, "max_fraction": 0.1, "min_time_saved": 0.5},
        "bad": {"max_accuracy": 0.7, "min_fraction": 0.9, "max_time_saved": 0.0},
        "margin": 0.02,
        "confidence": 0.95,
        "max_overfit_gap": 0.1,
        "rate_images_needed": False,
    }
    return decisions.Thresholds.model_validate(values)


@pytest.fixture(scope="session")
def cell():
    """A result of `accuracy` on a thousand test images, of which the first ones are right."""

    def make(strategy, images, accuracy, seconds=100.0, draw=0, tests=TEST_IMAGES, **others) -> Result:
        values = {
            "train_accuracy": accuracy,
            "val_accuracy": accuracy,
            "seconds_to_best": seconds / 2,
            "cpu_seconds": 2 * seconds,
            **others,
        }
        return Result(
            strategy=strategy,
            fraction=images / TOTAL,
            images=images,
            draw=draw,
            correct=np.arange(tests) < round(accuracy * tests),
            seconds=seconds,
            **values,
        )

    return make


@pytest.fixture(scope="session")
def study(cell):
    """Cells from {strategy: {images: (accuracy, seconds)}}, three equal draws of all but the largest."""

    def make(table, **others) -> list[Result]:
        return [
            cell(strategy, images, *figures, draw=draw, **others)
            for strategy, subsets in table.items()
            for images, figures in subsets.items()
            for draw in range(1 if images == TOTAL else 3)
        ]

    return make


@pytest.fixture
def verdict(thresholds):
    """Judges results; sections of the thresholds can be given."""
    return lambda results, **changes: judge(results, thresholds.model_copy(update=changes), CLASSES)

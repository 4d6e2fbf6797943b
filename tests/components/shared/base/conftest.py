"""What tests of bases share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def lively():
    """Gives a base statistics and offsets that are not those of a new layer: one that is left out shows."""

    def moved(base):
        rng = np.random.default_rng(0)
        for weight in base.weights:
            name = weight.path.rsplit("/", 1)[-1]
            if name in ("moving_mean", "beta", "bias"):
                weight.assign(rng.normal(0, 0.1, weight.shape))
            elif name in ("moving_variance", "gamma"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        return base

    return moved

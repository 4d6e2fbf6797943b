"""The independent units that test images come in: each image its own, or groups such as one person's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Units:
    """Sums over the units; with groups, sums over each group."""

    def __init__(self, groups: Sequence[object] | np.ndarray | None = None) -> None:
        """Take the group of each test image; None where every image is its own."""
        self._index: np.ndarray | None = None
        self.count = 0  # of the groups, 0 where every image is its own
        if groups is not None and len(groups) > 0:
            names, index = np.unique(np.asarray(groups), return_inverse=True)
            if len(names) < len(index):
                self._index, self.count = index.reshape(-1), len(names)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sums over each unit: [images, …] to [units, …]."""
        if self._index is None:
            return values
        sums = np.zeros((self.count, *values.shape[1:]))
        np.add.at(sums, self._index, values)
        return sums

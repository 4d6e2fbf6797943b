"""What a base outputs below a cut: short trials of shallow recipes train on it instead of pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import Split
from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import blocks, cut
from headstart.components.shared.base.inference import InInference

_MOST = 1 << 30  # bytes of all outputs; recipes for which there is no room train on pixels
_BATCH = 64  # images


class Below:
    """The outputs of a frozen base below its top blocks, of all images of a search, in memory.

    They are of the images as they are: outputs of varied copies take as long again for each copy. A base with
    stochastic depth has none below the cut.
    """

    def __init__(self, section: dict[str, Any], images: dict[str, Split], depths: Sequence[int]):
        """Run nothing yet.

        Args:
            section: of the base.
            images: decoded, by split.
            depths: blocks above the cuts, from 1; where there is no room for all, the first ones count.
        """
        self._section, self._images, self._wanted = section, images, tuple(dict.fromkeys(depths))

    def fits(self, depth: int) -> bool:
        """Whether there is a cut below so many blocks, and room for its outputs; loads the base."""
        return depth in self._shapes

    def outputs(self, depth: int) -> dict[str, Split]:
        """The splits, with float32 [images, *cut shape] as `pixels`. The base runs once for all cuts."""
        return {name: splits[depth] for name, splits in self._outputs.items()}

    @cached_property
    def _base(self) -> keras.Model:
        return bases.load(**self._section)

    @cached_property
    def _shapes(self) -> dict[int, tuple[int, ...]]:
        """Of the outputs of an image, by depth."""
        found, room = {}, _MOST // (4 * sum(map(len, self._images.values())))
        for depth in self._wanted:
            if depth < len(blocks(self._base)):
                shape = tuple(cut(self._base, depth).shape[1:])
                if math.prod(shape) <= room:
                    found[depth] = shape
                    room -= math.prod(shape)
        return found

    @cached_property
    def _outputs(self) -> dict[str, dict[int, Split]]:
        tf.config.experimental.enable_op_determinism()
        below = InInference(keras.Model(self._base.input, [cut(self._base, depth) for depth in self._shapes]))
        normalise = bases.preprocess(self._section["architecture"])

        @tf.function(autograph=False, reduce_retracing=True)
        def run(pixels: tf.Tensor) -> list[tf.Tensor]:
            return keras.tree.flatten(below(normalise(tf.cast(pixels, tf.float32))))

        return {name: self._of(split, run) for name, split in self._images.items()}

    def _of(self, split: Split, run: Any) -> dict[int, Split]:
        found = {depth: np.empty((len(split), *shape), np.float32) for depth, shape in self._shapes.items()}
        for start in range(0, len(split), _BATCH):
            some = np.arange(start, min(start + _BATCH, len(split)))
            for values, part in zip(found.values(), run(split.pixels(some))):
                values[some] = part.numpy()
        about = split.paths, split.groups, split.labels, split.ranks
        return {depth: Split([Rows(*about, pixels=values)]) for depth, values in found.items()}

"""Where a base can be cut in two: block boundaries that no skip connection crosses."""

from __future__ import annotations

import math

import keras


def blocks(base: keras.Model) -> list[list[keras.Operation]]:
    """A base's layers in blocks, from its input to its output.

    A boundary is a tensor that every path from input to output crosses, found by walking the graph. Of
    the tensors between two layers with kernels the last counts (after normalisation and activation). One
    is passed over where the next is narrower, or where a depthwise convolution follows, which is half of
    a convolution: so a block ends in its bottleneck, at the project layer of an inverted residual and not
    at its expansion. MobileNetV2 has 18 such blocks.

    Args:
        base: a functional model with one input and one output.

    Returns:
        Blocks, each a list of layers (and weightless operations) in topological order. A cut after any of
        them splits the model into a prefix and a suffix that share exactly one tensor.
    """
    layers = base.operations
    cuts: list[int] = []
    for index in _crossed(layers):
        start = cuts[-1] + 1 if cuts else 0
        if any(map(_has_kernel, layers[start : index + 1])):
            cuts.append(index)
        elif cuts:
            cuts[-1] = index
    ends = [
        cut
        for cut, after in zip(cuts, cuts[1:])
        if _width(layers[cut]) <= _width(layers[after])
        and not isinstance(next(filter(_has_kernel, layers[cut + 1 :])), keras.layers.DepthwiseConv2D)
    ]
    ends.append(len(layers) - 1)
    return [layers[start + 1 : end + 1] for start, end in zip([-1, *ends], ends)]


def depth_of(base: keras.Model, depth: int) -> int:
    """An unfreeze depth as a number of blocks: -1, or more than there are, is all."""
    found = len(blocks(base))
    return found if depth < 0 else min(depth, found)


def cut(base: keras.Model, depth: int) -> keras.KerasTensor:
    """The tensor below a base's top `depth` blocks: its output at 0, its input where all are asked for."""
    below = len(blocks(base)) - depth_of(base, depth)
    return blocks(base)[below - 1][-1].output if below else base.input


def suffix(base: keras.Model, depth: int) -> keras.Model:
    """What lies above the cut: a model of the base's own layers, so that training it trains the base.

    Args:
        base: as `blocks` takes it.
        depth: blocks from the top, from 1.

    Returns:
        float32 activations [batch, *cut shape] to the base's output.
    """
    return keras.Model(cut(base, depth), base.output, name="suffix")


def _crossed(layers: list[keras.Operation]) -> list[int]:
    """Positions of the layers whose output every later layer depends on through it alone."""
    made_by = {
        id(tensor): index for index, layer in enumerate(layers) for tensor in keras.tree.flatten(layer.output)
    }
    last_use = list(range(len(layers)))
    for index, layer in enumerate(layers):
        for tensor in keras.tree.flatten(layer.input):
            # Keras shows the first call of a shared layer only. What a later one makes has no known maker:
            # no cut is found between the input and its use.
            last_use[made_by.get(id(tensor), 0)] = index
    crossed, reach = [], 0
    for index in range(len(layers)):
        if reach <= index:
            crossed.append(index)
        reach = max(reach, last_use[index])
    return crossed


def _has_kernel(layer: keras.Operation) -> bool:
    return any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ()))


def _width(layer: keras.Operation) -> int:
    return math.prod(layer.output.shape[1:])

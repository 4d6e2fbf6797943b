"""The calls of a functional model, to look at and to run in another way.

Only Keras' public API is used: `clone_model` shows each call to a function of ours, which records it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Call:
    """One call of an operation. A layer that a model shares has several."""

    operation: keras.Operation
    args: tuple[Any, ...]  # KerasTensors and constants, nested
    kwargs: dict[str, Any]
    outputs: Any  # KerasTensors, nested

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The tensors among the arguments."""
        values = keras.tree.flatten((self.args, self.kwargs))
        return [value for value in values if isinstance(value, keras.KerasTensor)]


class _Recorded(keras.Operation):
    """Stands for every call, in a clone that is never run: the layers themselves are not called once more."""

    def compute_output_spec(self, operation: keras.Operation, /, *_: Any, **__: Any) -> Any:
        """As many tensors as the operation makes."""
        made = operation.output
        return keras.tree.map_structure(lambda one: keras.KerasTensor(one.shape, one.dtype), made)


class Graph:
    """What a functional model computes, call by call. The model stays as it is.

    Attributes:
        calls: every call of the model, each after those that it needs.
        outputs: the model's outputs, KerasTensors nested as in `model.output`.
    """

    def __init__(self, model: keras.Model):
        """Record the calls of a functional model."""
        self.calls: list[Call] = []
        recorded = _Recorded(name="recorded")

        def record(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
            outputs = recorded(operation, *args, **kwargs)
            self.calls.append(Call(operation, args, kwargs, outputs))
            return outputs

        clone = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=record)
        self._inputs, self.outputs = clone.inputs, clone.output

    def run(self, inputs: Any, instead: Callable[[keras.Operation], Callable[..., Any]]) -> Any:
        """Compute the outputs, with another function in place of each operation.

        Args:
            inputs: what the model is called with.
            instead: gives for an operation what is called with its arguments; the operation itself computes
                what the model does.

        Returns:
            The outputs, nested as in `model.output`.
        """
        made = dict(zip(map(id, self._inputs), keras.tree.flatten(inputs)))

        def filled(values: Any) -> Any:
            return keras.tree.map_structure(lambda value: made.get(id(value), value), values)

        for call in self.calls:
            args, kwargs = filled((call.args, call.kwargs))
            outputs = instead(call.operation)(*args, **kwargs)
            made.update(zip(map(id, keras.tree.flatten(call.outputs)), keras.tree.flatten(outputs)))
        return filled(self.outputs)

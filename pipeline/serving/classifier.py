"""A SavedModel with headstart's signature, loaded and asked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.image_example_gen.opener import UnusableError
from headstart.pipeline.startup import library_logs

SIGNATURE = "serving_default"
_OUTPUTS = {"label", "probabilities", "labels"}


@dataclass(frozen=True)
class Answer:
    """The answer for one image, as the signature gives it."""

    label: str
    probabilities: list[float]  # 0…1, one for each of `labels`
    labels: list[str]


class Classifier:
    """A loaded SavedModel; its folder may vanish once it is loaded."""

    def __init__(self, folder: Path):
        """Load a SavedModel.

        Raises:
            ValueError: it has no signature `serving_default` of image classification.
            Exception: TensorFlow raises many kinds where it cannot load the folder.
        """
        with library_logs.loading():
            import tensorflow as tf

        self._tf = tf
        self._loaded = tf.saved_model.load(str(folder))  # kept: a signature does not keep its model alive
        signature = self._loaded.signatures.get(SIGNATURE)
        if signature is None or not set(signature.structured_outputs) >= _OUTPUTS:
            raise ValueError(f"it has no signature {SIGNATURE} with {', '.join(sorted(_OUTPUTS))}")
        self._signature = signature
        self.signatures = _signatures(folder)

    def answer(self, images: Sequence[bytes]) -> list[Answer]:
        """Classify encoded images, as `for_graph` gives them, in one call of the graph.

        Raises:
            UnusableError: TensorFlow cannot decode one of them.
        """
        try:
            answer = self._signature(image=self._tf.constant(list(images)))
        except self._tf.errors.InvalidArgumentError:
            raise UnusableError("TensorFlow cannot decode it") from None
        rows = (answer[key].numpy() for key in ("label", "probabilities", "labels"))
        return [
            Answer(label.decode(), probabilities.tolist(), [name.decode() for name in names])
            for label, probabilities, names in zip(*rows)
        ]

    def warm(self) -> None:
        """Let TensorFlow allocate and choose kernels before the first client waits for it."""
        from PIL import Image

        png = io.BytesIO()
        Image.new("RGB", (64, 64)).save(png, "PNG")
        for count in (1, 8):
            self.answer([png.getvalue()] * count)


def _signatures(folder: Path) -> dict[str, Any]:
    """The signatures of a SavedModel as TensorFlow Serving's metadata shows them."""
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    def tensors(infos: Any) -> dict[str, Any]:
        return {
            name: {
                "dtype": types_pb2.DataType.Name(info.dtype),
                "tensor_shape": {
                    "dim": [{"size": str(dim.size), "name": dim.name} for dim in info.tensor_shape.dim],
                    "unknown_rank": info.tensor_shape.unknown_rank,
                },
                "name": info.name,
            }
            for name, info in sorted(infos.items())
        }

    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: {
            "inputs": tensors(signature.inputs),
            "outputs": tensors(signature.outputs),
            "method_name": signature.method_name,
        }
        for name, signature in sorted(saved.meta_graphs[0].signature_def.items())
    }

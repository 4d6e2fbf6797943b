"""The ImageExampleGen component: what goes in, what comes out."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from headstart.components.image_example_gen.executor import Executor


class ImageExampleGenSpec(types.ComponentSpec):
    """Parameters and outputs of ImageExampleGen."""

    PARAMETERS = {
        "manifest": component_spec.ExecutionParameter(type=str),
        "data": component_spec.ExecutionParameter(type=str),
        "fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class ImageExampleGen(base_beam_component.BaseBeamComponent):
    """Writes one `tf.train.Example` an image: encoded bytes, label, path, rank and the slice columns.

    The manifest carries a content hash of every image, so `fingerprint`, a digest of what is read of it, is
    all that TFX's cache has to compare.
    """

    SPEC_CLASS = ImageExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, manifest: str, data: str, fingerprint: str):
        """Declare the component.

        Args:
            manifest: path of the manifest CSV.
            data: folder that the manifest's paths are relative to.
            fingerprint: digest of what is read of the manifest, and of this component's code.
        """
        super().__init__(
            ImageExampleGenSpec(
                manifest=manifest,
                data=data,
                fingerprint=fingerprint,
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )

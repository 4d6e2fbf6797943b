"""The Decoder component: what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from headstart.components.decoder.executor import Executor
from headstart.components.shared.activations.artifact import DecodedImages


class DecoderSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of Decoder."""

    PARAMETERS = {"recipe": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {"images": component_spec.ChannelParameter(type=DecodedImages)}


class Decoder(base_beam_component.BaseBeamComponent):
    """Writes the pixels of every image, as the transform graph decodes and resizes it.

    Transform could write them itself, but as gzipped records: compressing takes longer than decoding, and
    every reader has to unpack all of them. Here they are uncompressed rows, which any process maps into
    memory.
    """

    SPEC_CLASS = DecoderSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, examples: types.BaseChannel, transform_graph: types.BaseChannel, recipe: dict[str, Any]
    ):
        """Declare the component.

        Args:
            examples: encoded images, as ImageExampleGen writes them.
            transform_graph: what Transform made of them.
            recipe: `image_size` (side, pixels), and whatever else is to be part of the cache key.
        """
        super().__init__(
            DecoderSpec(
                recipe=json.dumps(recipe, sort_keys=True),
                examples=examples,
                transform_graph=transform_graph,
                images=types.Channel(type=DecodedImages),
            )
        )

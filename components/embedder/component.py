"""The Embedder component: what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec

from headstart.components.embedder.executor import Executor
from headstart.components.shared.activations.artifact import Activations, DecodedImages


class EmbedderSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of Embedder."""

    PARAMETERS = {"recipe": component_spec.ExecutionParameter(type=str)}
    INPUTS = {"images": component_spec.ChannelParameter(type=DecodedImages)}
    OUTPUTS = {"activations": component_spec.ChannelParameter(type=Activations)}


class Embedder(base_beam_component.BaseBeamComponent):
    """Writes, for every image, what the frozen part of the base makes of it.

    That is the pooled embedding, the outputs of all blocks pooled to small grids, the activations at a cut;
    the last two where the recipe asks for them.

    Nothing but the recipe and the images is in TFX's cache key: another learning rate, strategy or
    subset finds the store as it is.
    """

    SPEC_CLASS = EmbedderSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, images: types.BaseChannel, recipe: dict[str, Any]):
        """Declare the component.

        Args:
            images: decoded images.
            recipe: `base` (section of params.yaml, weights resolved), `depth` (blocks above the cut; 0 for
                no activations), `grids` (that the blocks are pooled to; may be empty), `views` (of a training
                image, itself included), `augment` (how the others are varied), `chunk` (images of a shard),
                `most` (images of each split; absent for all of all splits), and whatever else is to be part
                of the cache key.
        """
        super().__init__(
            EmbedderSpec(
                recipe=json.dumps(recipe, sort_keys=True),
                images=images,
                activations=types.Channel(type=Activations),
            )
        )

"""The Relatedness component: what goes in, what comes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel_utils, component_spec

from headstart.components.relatedness.artifact import RelatednessReport
from headstart.components.relatedness.executor import Executor
from headstart.components.shared.activations.artifact import Activations


class RelatednessSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of Relatedness."""

    PARAMETERS = {
        "bases": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "activations": component_spec.ChannelParameter(type=Activations),
        "random": component_spec.ChannelParameter(type=Activations, optional=True),
        "candidates": component_spec.ChannelParameter(type=Activations, optional=True),
    }
    OUTPUTS = {"report": component_spec.ChannelParameter(type=RelatednessReport)}


class Relatedness(base_component.BaseComponent):
    """Measures from stored embeddings, in seconds, how related bases are to the images, and ranks them."""

    SPEC_CLASS = RelatednessSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        activations: types.BaseChannel,
        random: types.BaseChannel | None,
        bases: dict[str, dict[str, Any]],
        code: str,
        candidates: Sequence[types.BaseChannel] = (),
    ):
        """Declare the component.

        Args:
            activations: the store of the base.
            random: the store of the same architecture with random weights; embeddings are enough. Without it
                nothing is compared.
            bases: by the name to be told, the `base` section of the Embedder's recipe: the base first, then
                the candidates. TFX promises no order among the candidates, so that each store is known by
                the section that its index holds.
            code: digest of the code, for TFX's cache key.
            candidates: the stores of further bases to be ranked.
        """
        super().__init__(
            RelatednessSpec(
                bases=json.dumps(list(bases.items()), sort_keys=True),
                code=code,
                activations=activations,
                random=random,
                candidates=channel_utils.union(candidates) if candidates else None,
                report=types.Channel(type=RelatednessReport),
            )
        )

"""The References component: what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from headstart.components.references.artifact import Predictions
from headstart.components.references.executor import Executor
from headstart.components.shared.activations.artifact import Activations, DecodedImages


class ReferencesSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of References."""

    PARAMETERS = {"settings": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        "images": component_spec.ChannelParameter(type=DecodedImages),
        "activations": component_spec.ChannelParameter(type=Activations),
        "random": component_spec.ChannelParameter(type=Activations, optional=True),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {"predictions": component_spec.ChannelParameter(type=Predictions)}


class References(base_component.BaseComponent):
    """Fits the references on every subset and draw of the study; keeps their answers on test images."""

    SPEC_CLASS = ReferencesSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        images: types.BaseChannel,
        activations: types.BaseChannel,
        random: types.BaseChannel | None,
        transform_graph: types.BaseChannel,
        settings: dict[str, Any],
    ):
        """Declare the component.

        Args:
            images: decoded images.
            activations: the store of the base.
            random: the store of the same architecture with random weights; embeddings are enough. Without it
                there is no classifier on them.
            transform_graph: what they were decoded with; it knows the classes.
            settings: `cells`, each a subset (`key`, its name; `file` and `digest`, as `subsets.read` takes
                them); `code`, a digest for TFX's cache key.
        """
        super().__init__(
            ReferencesSpec(
                settings=json.dumps(settings, sort_keys=True),
                images=images,
                activations=activations,
                random=random,
                transform_graph=transform_graph,
                predictions=types.Channel(type=Predictions),
            )
        )

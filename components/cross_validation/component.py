"""The CrossValidation component: what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from headstart.components.cross_validation.artifact import OutOfFold
from headstart.components.cross_validation.executor import Executor
from headstart.components.shared.activations.artifact import Activations


class CrossValidationSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of CrossValidation."""

    PARAMETERS = {"settings": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        "activations": component_spec.ChannelParameter(type=Activations),
        "random": component_spec.ChannelParameter(type=Activations, optional=True),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {"predictions": component_spec.ChannelParameter(type=OutOfFold)}


class CrossValidation(base_component.BaseComponent):
    """Predicts every training image by a frozen strategy that was fitted without its fold, in seconds."""

    SPEC_CLASS = CrossValidationSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        activations: types.BaseChannel,
        random: types.BaseChannel | None,
        transform_graph: types.BaseChannel,
        settings: dict[str, Any],
    ):
        """Declare the component.

        Args:
            activations: the store of the base.
            random: the store of the same architecture with random weights. Without it, or where it lacks the
                blocks or some training images, nothing is compared.
            transform_graph: what the images were decoded with; it knows the classes.
            settings: `manifest`, whose folds are used; `by_time`, whether they are by time; `folds`, a digest
                of them, and `code`, one of the code, both for TFX's cache key.
        """
        super().__init__(
            CrossValidationSpec(
                settings=json.dumps(settings, sort_keys=True),
                activations=activations,
                random=random,
                transform_graph=transform_graph,
                predictions=types.Channel(type=OutOfFold),
            )
        )

"""The Tuner component: TFX's contract (best_hyperparameters, tuner_results), with stores as its inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel_utils, component_spec, standard_artifacts

from headstart.components.shared.activations.artifact import Activations, DecodedImages
from headstart.components.tuner.executor import Executor


class TunerSpec(types.ComponentSpec):
    """Parameters, inputs and outputs of Tuner."""

    PARAMETERS = {
        "settings": component_spec.ExecutionParameter(type=str),
        "trial_fn": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "images": component_spec.ChannelParameter(type=DecodedImages),
        "activations": component_spec.ChannelParameter(type=Activations),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {
        "best_hyperparameters": component_spec.ChannelParameter(type=standard_artifacts.HyperParameters),
        "tuner_results": component_spec.ChannelParameter(type=standard_artifacts.TunerResults),
    }


class Tuner(base_component.BaseComponent):
    """Chooses hyperparameters by k-fold cross-validation on the training images.

    TFX's own Tuner has no stores among its inputs, and asks a `tuner_fn` for a KerasTuner. This one leaves
    the same two artifacts, so that a Trainer can consume them.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        images: Sequence[types.BaseChannel],
        activations: Sequence[types.BaseChannel],
        transform_graph: types.BaseChannel,
        settings: dict[str, Any],
    ):
        """Declare the component.

        Args:
            images: decoded images, one store an image size.
            activations: the pooled outputs of the blocks, one store a base and image size.
            transform_graph: it knows the classes.
            settings: see `executor.Executor`.
        """
        super().__init__(
            TunerSpec(
                settings=json.dumps(settings, sort_keys=True),
                trial_fn="headstart.components.trainer.trial.trial",
                images=channel_utils.union(images),
                activations=channel_utils.union(activations),
                transform_graph=transform_graph,
                best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=types.Channel(type=standard_artifacts.TunerResults),
            )
        )

"""TFX's Trainer, with decoded images and the activation store among its inputs."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.components import Trainer as TfxTrainer
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import component_spec, standard_artifacts
from tfx.types.standard_component_specs import TrainerSpec

from headstart.components.shared.activations.artifact import Activations, DecodedImages
from headstart.components.trainer.executor import Executor


class StoreTrainerSpec(TrainerSpec):
    """As TFX's, and the stores."""

    INPUTS = {
        **TrainerSpec.INPUTS,
        "images": component_spec.ChannelParameter(type=DecodedImages),
        "activations": component_spec.ChannelParameter(type=Activations, optional=True),
    }


class Trainer(TfxTrainer):
    """Trains one cell of the study, from the store where it can and from the images where it must."""

    SPEC_CLASS = StoreTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        images: types.BaseChannel,
        activations: types.BaseChannel | None,
        transform_graph: types.BaseChannel,
        train_split: str,
        validation_split: str,
        custom_config: dict[str, Any],
        hyperparameters: types.BaseChannel | None = None,
    ):
        """Declare the component.

        Args:
            examples: encoded images; TFX asks for them, `run_fn` does not read them.
            images: what Decoder made of them.
            activations: what Embedder made of those; None for what is trained from scratch.
            transform_graph: what they were decoded with.
            train_split: name of the split to train on.
            validation_split: name of the split that chooses the weights.
            custom_config: see `run_fn`.
            hyperparameters: what a search chose for this strategy; they go over its custom_config.
        """
        spec = StoreTrainerSpec(
            examples=examples,
            images=images,
            activations=activations,
            transform_graph=transform_graph,
            train_args=trainer_pb2.TrainArgs(splits=[train_split]),
            eval_args=trainer_pb2.EvalArgs(splits=[validation_split]),
            run_fn="headstart.components.trainer.run_fn.run_fn",
            custom_config=json.dumps(custom_config),
            hyperparameters=hyperparameters,
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
        )
        # TFX's own constructor would make a spec without the store.
        base_component.BaseComponent.__init__(self, spec=spec)

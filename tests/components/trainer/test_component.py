"""The component declares hyperparameters only where there are some: others keep their cache keys."""

import pytest
from tfx import types
from tfx.types import standard_artifacts

from headstart.components.shared.activations.artifact import DecodedImages
from headstart.components.trainer.component import Trainer


@pytest.mark.parametrize("tuned", [False, True])
def test_hyperparameters_are_an_input_where_they_are_given(tuned):
    trainer = Trainer(
        examples=types.Channel(type=standard_artifacts.Examples),
        images=types.Channel(type=DecodedImages),
        activations=None,
        transform_graph=types.Channel(type=standard_artifacts.TransformGraph),
        train_split="train",
        validation_split="validation",
        custom_config={},
        hyperparameters=types.Channel(type=standard_artifacts.HyperParameters) if tuned else None,
    )
    given = {"examples", "images", "transform_graph"}
    assert set(trainer.inputs) == given | ({"hyperparameters"} if tuned else set())

"""The baseline of a candidate: the last blessed model that is not the candidate itself."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio


class LastBlessedBefore(resolver.ResolverStrategy):
    """Like TFX's LatestBlessedModelStrategy, less the candidate.

    A run that was killed after its candidate was blessed resumes with that same candidate from the cache;
    compared with itself it would pass any change threshold, and the Evaluator would run again.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Choose among all models and blessings.

        Args:
            store: not used.
            input_dict: `candidate`, the model of this run; `model` and `model_blessing`, all there are.

        Returns:
            The same keys; `model` and `model_blessing` hold one artifact each, or none.
        """
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        blessings = {
            blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY): blessing
            for blessing in input_dict["model_blessing"]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
        }
        earlier = [
            model
            for model in input_dict["model"]
            # A project that was moved still knows its old models, at paths that are gone.
            if model.id in blessings and model.id not in candidates and fileio.exists(model.uri)
        ]
        chosen = max(earlier, key=lambda model: model.id, default=None)
        return {
            "candidate": input_dict["candidate"],
            "model": [chosen] if chosen else [],
            "model_blessing": [blessings[chosen.id]] if chosen else [],
        }

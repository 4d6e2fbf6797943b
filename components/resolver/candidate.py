"""The candidate among a study's models: the best on the validation split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.predictions import FIGURES
from headstart.components.shared.strategies import names


class BestByValidation(resolver.ResolverStrategy):
    """Highest validation accuracy; of equals the lowest validation loss, then the simplest strategy.

    Ties are usual: a fine-tune that helps nothing leaves what the frozen phase found. The test split chooses
    nothing.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Choose one model.

        Args:
            store: not used.
            input_dict: `model`, the models of all cells that could be promoted; a failed one has no figures.

        Returns:
            `model` with the one artifact.

        Raises:
            HeadstartError: every one of the cells failed.
        """
        found = {artifact.id: _figures(artifact) for artifact in input_dict["model"]}
        trained = [artifact for artifact in input_dict["model"] if found[artifact.id]]
        if not trained:
            raise HeadstartError(
                "No cell on the largest subset could be trained, so there is nothing to evaluate: "
                "the failures above say why."
            )

        def quality(artifact: types.Artifact) -> tuple[float, float, int]:
            figures = found[artifact.id]
            return figures["val_accuracy"], -figures["val_loss"], -names().index(figures["strategy"])

        return {"model": [max(trained, key=quality)]}


def _figures(artifact: types.Artifact) -> dict[str, Any]:
    path = Path(artifact.uri) / FIGURES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

"""The section about the search before a study: what it tries, what it maximises, how long it takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headstart.pipeline.config.design import Candidate
from headstart.pipeline.config.training import Rates
from headstart.pipeline.config.values import Fraction, Section

Sizes = Annotated[tuple[Annotated[int, Field(ge=8, le=1024)], ...], Field(strict=False)]


class TuneFineTune(Section):
    """Recipes of fine-tuning: the study's own, then others of this grid."""

    recipes: Annotated[int, Field(ge=0)] = 12
    unfreeze_depth: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(strict=False, min_length=1)] = (
        2,
        6,
        -1,
    )
    batchnorm: Annotated[tuple[Literal["fixed", "adapting"], ...], Field(strict=False, min_length=1)] = (
        "fixed",
        "adapting",
    )
    learning_rates: Rates = (0.003, 0.01, 0.03, 0.1)


class TuneScratch(Section):
    """Recipes of the baseline trained from scratch: the study's own, then others of this grid."""

    recipes: Annotated[int, Field(ge=0)] = 6
    learning_rates: Rates = (0.05, 0.1, 0.2, 0.4)
    weight_decay: Annotated[tuple[Fraction, ...], Field(strict=False, min_length=1)] = (0.01, 0.05)


class Tune(Section):
    """The search by cross-validation; projects of earlier versions lack this section."""

    enabled: bool = False
    objective: Literal["accuracy", "macro_f1", "worst_recall"] = "accuracy"
    budget_minutes: Annotated[float, Field(gt=0.0)] = 20.0
    one_standard_error: bool = True
    fix_head: bool = False
    class_weights: bool = False
    image_sizes: Sizes = ()
    bases: Annotated[tuple[Candidate, ...], Field(strict=False)] = ()
    fine_tune: TuneFineTune = TuneFineTune()
    scratch: TuneScratch = TuneScratch()

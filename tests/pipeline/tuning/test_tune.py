from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.components.tuner.results import Candidate, Results
from headstart.pipeline.cli.new_project import TEMPLATE
from headstart.pipeline.config import file, tuned
from headstart.pipeline.results.tuning import Search
from headstart.pipeline.tuning import inputs, page, tune


def config(**changes: object) -> file.Config:
    values = yaml.safe_load((TEMPLATE / "params.yaml").read_text(encoding="utf-8"))
    for name, value in changes.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return file.Config.model_validate(values)


def candidate(
    strategy: str = "frozen", score: float = 0.9, share: float = 1.0, **settings: object
) -> Candidate:
    given = settings or {"blocks": "all", "grid": 2, "penalty": 30.0, "balanced": False}
    scores = (score - 0.01, score + 0.01) if share == 1 else (score, None)
    error = 0.01 if share == 1 else None
    return Candidate(strategy, "Net at 96 px", given, share, scores, score, error, 0.99, score, 10.0, 20.0)


def search(*candidates: Candidate, best: int = 0, chosen: int = 0) -> Search:
    return Search(
        "photos",
        Results(
            objective="accuracy",
            folds=2,
            images=100,
            labels=("a", "b"),
            one_standard_error=True,
            candidates=candidates,
            best=best,
            chosen=chosen,
            recipes={},
            nested={"value": 0.89, "low": 0.85, "high": 0.93},
            confusion=((45, 5), (5, 45)),
            seconds={"frozen": 60.0, "fine_tune": 120.0},
            hyperparameters={},
        ),
    )


def recipe(depth: int, rate: float, **values: object) -> Candidate:
    settings = {"unfreeze_depth": depth, "batchnorm": "fixed", "learning_rates": [rate]}
    return candidate("fine_tune", **values, **settings)


def test_switched_off_it_writes_an_empty_file_and_reads_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # without a manifest
    assert tune.tune(config(), Console(quiet=True)) is None
    assert tuned.read() == tuned.Tuned()
    assert not Path("tuning").exists()


def test_every_base_comes_at_every_size_the_own_one_first() -> None:
    other = {"architecture": "EfficientNetV2B0", "weights": "imagenet"}
    found = inputs.bases(config(tune={"image_sizes": [160, 224], "bases": [other]}))
    assert list(found) == [
        "MobileNetV2 (imagenet) at 224 px",
        "MobileNetV2 (imagenet) at 160 px",
        "EfficientNetV2B0 (imagenet) at 224 px",
        "EfficientNetV2B0 (imagenet) at 160 px",
    ]
    assert found["EfficientNetV2B0 (imagenet) at 160 px"]["image_size"] == 160


def test_only_strategies_of_the_study_are_searched() -> None:
    found = inputs.trained(config(study={"strategies": ["frozen", "scratch"]}))
    assert list(found) == ["scratch"]
    assert found["scratch"]["space"]["learning_rates"] == [[0.05], [0.1], [0.2], [0.4]]
    assert found["scratch"]["default"]["learning_rates"] == config().scratch.learning_rates
    assert "views" not in found["scratch"]["sections"]["augment"]


def test_the_sentence_names_the_best_or_what_costs_less() -> None:
    assert search(candidate()).sentence == (
        "The best candidate is the frozen base with blocks all, grid 2, penalty 30: accuracy 90.0 % ± 1.0 in "
        "2 folds. It is chosen."
    )
    cheap, dear = candidate(score=0.895), recipe(6, 0.03, score=0.9)
    told = search(cheap, dear, best=1, chosen=0).sentence
    assert "fine-tuning with unfreeze depth 6, batchnorm fixed, learning rates 0.03" in told
    assert "is within one standard error, with 89.5 %, at 100 % of the training time: it is chosen." in told


def test_the_page_the_charts_and_the_figures_are_written(tmp_path) -> None:
    found = search(
        candidate(),
        candidate(score=0.8, blocks="last", grid=1, penalty=100.0, balanced=False),
        recipe(6, 0.03, score=0.88),
        recipe(2, 0.1, score=0.5, share=1 / 9),
    )
    page.write(found, tmp_path, "today")
    html = (tmp_path / page.PAGE).read_text(encoding="utf-8")
    assert "The best candidate is the frozen base" in html
    assert "unfreeze depth 2" in html
    assert "http" not in html.replace("http://www.w3.org", "")
    figures = json.loads((tmp_path / page.FIGURES).read_text(encoding="utf-8"))
    assert len(figures["candidates"]) == 4
    assert figures["nested"]["value"] == 0.89
    assert {path.name for path in tmp_path.glob("*.png")} == {"heads.png", "fine_tune.png", "confusion.png"}


def test_tuned_yaml_gives_each_strategy_its_own_hyperparameters(tmp_path) -> None:
    chosen = {"head.balanced": True, "fine_tune.learning_rate": 0.03, "scratch.weight_decay": 0.01}
    written = tuned.Tuned({}, chosen, {"frozen": 60.0, "scratch": 30.0}, "It is chosen.")
    tuned.write(written, tmp_path / "tuned.yaml")
    found = tuned.read(tmp_path / "tuned.yaml")
    assert found == written
    assert found.of("frozen") == {"head.balanced": True}
    assert found.of("fine_tune") == {"head.balanced": True, "fine_tune.learning_rate": 0.03}
    assert found.of("scratch") == {"scratch.weight_decay": 0.01}
    assert found.of("random_blocks") == {}


def test_a_damaged_tuned_yaml_is_named(tmp_path) -> None:
    (tmp_path / "tuned.yaml").write_text("base: {", encoding="utf-8")
    with pytest.raises(HeadstartError, match=r"tuned\.yaml is damaged"):
        tuned.read(tmp_path / "tuned.yaml")


def test_the_base_of_tuned_yaml_goes_before_that_of_params(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((TEMPLATE / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert tuned.load().base.image_size == 224
    tuned.write(tuned.Tuned({**file.load().base.model_dump(), "image_size": 160}))
    assert tuned.load().base.image_size == 160

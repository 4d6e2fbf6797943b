"""The TFX pipeline: reads like the diagram in docs/architecture.md; whatever computes is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx.components import Evaluator, Pusher
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types import channel
from tfx.types.standard_artifacts import HyperParameters

from headstart.components.cross_validation.component import CrossValidation
from headstart.components.embedder.component import Embedder
from headstart.components.references.component import References
from headstart.components.relatedness.component import Relatedness
from headstart.components.resolver.candidate import BestByValidation
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.strategies import BY_NAME
from headstart.components.trainer.component import Trainer
from headstart.pipeline.study import data_graph
from headstart.pipeline.study.embedders import BASE, CUT, RANDOM


@dataclass(frozen=True)
class Inputs:
    """What a run of the pipeline is made of; every field is part of TFX's cache keys or a place.

    Places are relative to the project's folder, so that the cache holds in a project that was moved.
    """

    data_path: data_graph.DataPathInputs
    pushed: Path  # where a blessed model goes
    embedders: dict[str, dict[str, Any]]  # recipes by node: the base's, random weights', other bases'
    relatedness: dict[str, Any]  # arguments of Relatedness
    cross_validation: dict[str, Any]  # settings of CrossValidation
    references: dict[str, Any]  # settings of References; empty for none
    trainers: dict[str, dict[str, Any]]  # custom_configs by node, in the order in which they run
    hyperparameters: dict[str, Path]  # what a search chose, by strategy: folders named by their content
    eval_config: config_pb2.EvalConfig


def create_pipeline(inputs: Inputs) -> Pipeline:
    """Wire the components; see docs/architecture.md for the picture."""
    path = data_graph.wire(inputs.data_path)
    examples, transform_graph, images = path.examples, path.transform_graph, path.images
    embedders = {
        node: Embedder(images=images, recipe=recipe).with_id(node)
        for node, recipe in inputs.embedders.items()
    }
    stores = {node: embedder.outputs["activations"] for node, embedder in embedders.items()}
    base, random, cut = stores.pop(BASE), stores.pop(RANDOM, None), stores.pop(CUT, None)
    relatedness = Relatedness(
        activations=base, random=random, candidates=list(stores.values()), **inputs.relatedness
    )
    tuned = {
        strategy: Importer(source_uri=str(folder), artifact_type=HyperParameters).with_id(f"Tuned.{strategy}")
        for strategy, folder in inputs.hyperparameters.items()
    }
    # Without a store among its inputs, the baseline is not trained again for another base.
    read = {"base": base, "random": random, "cut": cut, "none": None}
    trainers = {
        node: Trainer(
            examples=examples,
            images=images,
            activations=read[BY_NAME[custom_config["strategy"]].store],
            transform_graph=transform_graph,
            train_split=TRAIN,
            validation_split=VALIDATION,
            custom_config=custom_config,
            hyperparameters=tuned[custom_config["strategy"]].outputs["result"]
            if custom_config["strategy"] in tuned
            else None,
        ).with_id(node)
        for node, custom_config in inputs.trainers.items()
    }
    # One at a time: several would share the cores, and their seconds would compare nothing. What the frozen
    # head reaches is known first: the rest, references included, waits for it.
    frozen = [trainers[node] for node, config in inputs.trainers.items() if config["strategy"] == "frozen"]
    others = [trainer for trainer in trainers.values() if trainer not in frozen]
    cross_validation = CrossValidation(
        activations=base, random=random, transform_graph=transform_graph, settings=inputs.cross_validation
    )
    if inputs.references:
        references = References(
            images=images,
            activations=base,
            random=random,
            transform_graph=transform_graph,
            settings=inputs.references,
        )
        others.insert(0, references)
    if CUT in embedders:
        embedders[CUT].add_upstream_node(cross_validation)
    cells = [relatedness, *frozen, cross_validation, *others]
    for one, after in zip(cells, cells[1:]):
        after.add_upstream_node(one)
    models = [
        trainers[node].outputs["model"]
        for node, custom_config in inputs.trainers.items()
        if custom_config["export"]
    ]
    best = Resolver(strategy_class=BestByValidation, model=channel.union(models)).with_id("Candidate")
    best.add_upstream_node(cells[-1])
    candidate = best.outputs["model"]
    evaluator = Evaluator(
        examples=examples,
        example_splits=[TEST],
        model=candidate,
        eval_config=inputs.eval_config,
    )
    evaluator.with_beam_pipeline_args(data_graph.ONE_THREAD)
    pusher = Pusher(
        model=candidate,
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(inputs.pushed))
        ),
    )
    every = [*path.components, *embedders.values(), *tuned.values(), *cells, best, evaluator, pusher]
    return data_graph.pipeline(inputs.data_path, every)

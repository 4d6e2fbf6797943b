"""The TFX pipeline: reads like the diagram in docs/architecture.md; whatever computes is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.proto import config_pb2
from tfx.components import Evaluator, Pusher, SchemaGen, StatisticsGen, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, transform_pb2
from tfx.types import channel

from headstart.components.cross_validation.component import CrossValidation
from headstart.components.decoder.component import Decoder
from headstart.components.embedder.component import Embedder
from headstart.components.example_validator.component import StoppingExampleValidator
from headstart.components.image_example_gen.component import ImageExampleGen
from headstart.components.references.component import References
from headstart.components.relatedness.component import Relatedness
from headstart.components.resolver.candidate import BestByValidation
from headstart.components.shared.features import IMAGE, TEST, TRAIN, VALIDATION
from headstart.components.shared.strategies import BY_NAME
from headstart.components.trainer.component import Trainer
from headstart.pipeline.project import METADATA
from headstart.pipeline.study.embedders import BASE, CUT, RANDOM

# The Beam graphs of TFDV, TFT and TFMA have hundreds of steps. Beam prepares all of them for each thread,
# which takes longer than the threads save. A distributed runner does not read these options.
_ONE_THREAD = ("--direct_running_mode=in_memory", "--direct_num_workers=1")


@dataclass(frozen=True)
class Inputs:
    """What a run of the pipeline is made of; every field is part of TFX's cache keys or a place.

    Places are relative to the project's folder, so that the cache holds in a project that was moved.
    """

    name: str
    work: Path  # MLMD and pipeline root, kept between runs
    pushed: Path  # where a blessed model goes
    data: Path
    manifest: Path
    fingerprints: dict[str, str]  # of the manifest with the code, by component
    transform: dict[str, Any]  # custom_config of Transform
    decoder: dict[str, Any]  # recipe of Decoder
    embedders: dict[str, dict[str, Any]]  # recipes by node: the base's, random weights', other bases'
    relatedness: dict[str, Any]  # arguments of Relatedness
    cross_validation: dict[str, Any]  # settings of CrossValidation
    references: dict[str, Any]  # settings of References; empty for none
    trainers: dict[str, dict[str, Any]]  # custom_configs by node, in the order in which they run
    eval_config: config_pb2.EvalConfig
    beam_args: list[str]
    schema: Path | None  # of the accepted images, under a path that names its content; None in the first run


def create_pipeline(inputs: Inputs) -> Pipeline:
    """Wire the components; see docs/architecture.md for the picture."""
    example_gen = ImageExampleGen(
        manifest=str(inputs.manifest),
        data=str(inputs.data),
        fingerprint=inputs.fingerprints["image_example_gen"],
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, stats_options=_statistics())
    statistics = statistics_gen.outputs["statistics"]
    # From the training split alone, so that a class or a slice that only the others have is an anomaly.
    schema_gen = SchemaGen(statistics=statistics, infer_feature_shape=True, exclude_splits=[VALIDATION, TEST])
    schema = schema_gen.outputs["schema"]
    # What is trained reads with the inferred schema, so that `headstart data accept` trains nothing again.
    imported = [ImportSchemaGen(schema_file=str(inputs.schema))] if inputs.schema else []
    accepted = imported[0].outputs["schema"] if imported else schema
    validator = StoppingExampleValidator(statistics=statistics, schema=accepted)
    transform = Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="headstart.components.transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=[TRAIN], transform=[]),
        custom_config=inputs.transform,
        disable_statistics=True,
        materialize=False,  # Decoder writes the images
    )
    transform.add_upstream_node(validator)
    transform_graph = transform.outputs["transform_graph"]
    decoder = Decoder(examples=examples, transform_graph=transform_graph, recipe=inputs.decoder)
    images = decoder.outputs["images"]
    embedders = {
        node: Embedder(images=images, recipe=recipe).with_id(node)
        for node, recipe in inputs.embedders.items()
    }
    stores = {node: embedder.outputs["activations"] for node, embedder in embedders.items()}
    base, random, cut = stores.pop(BASE), stores.pop(RANDOM, None), stores.pop(CUT, None)
    relatedness = Relatedness(
        activations=base, random=random, candidates=list(stores.values()), **inputs.relatedness
    )
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
    for component in (statistics_gen, transform, evaluator):
        component.with_beam_pipeline_args(_ONE_THREAD)
    pusher = Pusher(
        model=candidate,
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(inputs.pushed))
        ),
    )
    return Pipeline(
        pipeline_name=inputs.name,
        pipeline_root=str(inputs.work / "tfx"),
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            *imported,
            validator,
            transform,
            decoder,
            *embedders.values(),
            *cells,
            best,
            evaluator,
            pusher,
        ],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(inputs.work / METADATA.name)
        ),
        beam_pipeline_args=inputs.beam_args,
    )


def _statistics() -> tfdv.StatsOptions:
    """Told that the images are images, TFDV counts no frequencies of their bytes."""
    schema = schema_pb2.Schema()
    schema.feature.add(name=IMAGE, type=schema_pb2.BYTES).image_domain.SetInParent()
    return tfdv.StatsOptions(schema=schema)

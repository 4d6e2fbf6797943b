"""The part of the TFX pipeline from the manifest to decoded images, which a study and a search share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components import SchemaGen, StatisticsGen, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import transform_pb2
from tfx.types import BaseChannel

from headstart.components.decoder.component import Decoder
from headstart.components.example_validator.component import StoppingExampleValidator
from headstart.components.image_example_gen.component import ImageExampleGen
from headstart.components.shared.features import IMAGE, TEST, TRAIN, VALIDATION
from headstart.pipeline.project import METADATA
from headstart.pipeline.study.data_path import DataPathInputs

# The Beam graphs of TFDV, TFT and TFMA have hundreds of steps. Beam prepares all of them for each thread,
# which takes longer than the threads save. A distributed runner does not read these options.
ONE_THREAD = ("--direct_running_mode=in_memory", "--direct_num_workers=1")


@dataclass(frozen=True)
class DataPath:
    """The nodes, and what others read of them."""

    components: list[Any]
    examples: BaseChannel
    transform_graph: BaseChannel  # of the project's own image size
    images: BaseChannel  # decoded, at that size
    other_sizes: dict[int, BaseChannel]  # decoded, by size


def wire(inputs: DataPathInputs, other_sizes: Sequence[int] = ()) -> DataPath:
    """Wire the nodes.

    Args:
        inputs: what they are made of.
        other_sizes: further sizes that images are decoded at.
    """
    example_gen = ImageExampleGen(
        manifest=str(inputs.manifest), data=str(inputs.data), fingerprint=inputs.fingerprint
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples, stats_options=_statistics())
    statistics_gen.with_beam_pipeline_args(ONE_THREAD)
    statistics = statistics_gen.outputs["statistics"]
    # From the training split alone, so that a class or a slice that only the others have is an anomaly.
    schema_gen = SchemaGen(statistics=statistics, infer_feature_shape=True, exclude_splits=[VALIDATION, TEST])
    schema = schema_gen.outputs["schema"]
    # What is trained reads with the inferred schema, so that `headstart data accept` trains nothing again.
    imported = [ImportSchemaGen(schema_file=str(inputs.schema))] if inputs.schema else []
    accepted = imported[0].outputs["schema"] if imported else schema
    validator = StoppingExampleValidator(statistics=statistics, schema=accepted)
    components = [example_gen, statistics_gen, schema_gen, *imported, validator]
    decoded: dict[int, tuple[BaseChannel, BaseChannel]] = {}  # transform graph and images
    for size in (inputs.image_size, *other_sizes):
        transform = Transform(
            examples=examples,
            schema=schema,
            preprocessing_fn="headstart.components.transform.preprocessing.preprocessing_fn",
            splits_config=transform_pb2.SplitsConfig(analyze=[TRAIN], transform=[]),
            custom_config={"image_size": size, "code": inputs.codes["transform"]},
            disable_statistics=True,
            materialize=False,  # Decoder writes the images
        )
        transform.with_beam_pipeline_args(ONE_THREAD)
        transform.add_upstream_node(validator)
        graph = transform.outputs["transform_graph"]
        recipe = {"image_size": size, "code": inputs.codes["decoder"]}
        decoder = Decoder(examples=examples, transform_graph=graph, recipe=recipe)
        if size != inputs.image_size:
            transform.with_id(f"Transform.{size}")
            decoder.with_id(f"Decoder.{size}")
        components += [transform, decoder]
        decoded[size] = graph, decoder.outputs["images"]
    graph, images = decoded.pop(inputs.image_size)
    return DataPath(
        components, examples, graph, images, {size: found for size, (_, found) in decoded.items()}
    )


def pipeline(inputs: DataPathInputs, components: list[Any]) -> Pipeline:
    """A TFX pipeline of these nodes, with the project's ML Metadata."""
    return Pipeline(
        pipeline_name=inputs.name,
        pipeline_root=str(inputs.work / "tfx"),
        components=components,
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

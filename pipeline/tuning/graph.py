"""The TFX pipeline of a search: the study's data path and Embedders, then the Tuner."""

from __future__ import annotations

from tfx.orchestration.pipeline import Pipeline

from headstart.components.embedder.component import Embedder
from headstart.components.tuner.component import Tuner
from headstart.pipeline.study import data_graph
from headstart.pipeline.tuning.inputs import Inputs


def create_pipeline(inputs: Inputs) -> Pipeline:
    """Wire the components. Nodes that a study has too have the same names: it finds them cached."""
    own = inputs.data_path.image_size
    sizes = {recipe["base"]["image_size"] for recipe in inputs.embedders.values()}
    path = data_graph.wire(inputs.data_path, sorted(sizes - {own}))
    images = {own: path.images, **path.other_sizes}
    embedders = [
        Embedder(images=images[recipe["base"]["image_size"]], recipe=recipe).with_id(node)
        for node, recipe in inputs.embedders.items()
    ]
    tuner = Tuner(
        images=list(images.values()),
        activations=[embedder.outputs["activations"] for embedder in embedders],
        transform_graph=path.transform_graph,
        settings=inputs.tuner,
    )
    return data_graph.pipeline(inputs.data_path, [*path.components, *embedders, tuner])

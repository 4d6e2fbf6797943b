"""The served model, exported from a real transform graph and loaded again."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from headstart.components.shared.features import GROUP, IMAGE, LABEL, PATH, RANK
from headstart.components.trainer import export
from headstart.components.transform.preprocessing import decode, preprocessing_fn
from tests.components.trainer.test_pixel_limit import png

pytestmark = pytest.mark.slow
SIZE = 16


def _photo(fmt: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(out, fmt)
    return out.getvalue()


@pytest.fixture(scope="module")
def transform(tmp_path_factory):
    """The transform graph of two classes."""
    import apache_beam as beam
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    types = {IMAGE: tf.string, LABEL: tf.string, PATH: tf.string, GROUP: tf.string, RANK: tf.int64}
    spec = {name: tf.io.FixedLenFeature([1], kind) for name, kind in types.items()}
    schema: schema_pb2.Schema = schema_utils.schema_from_feature_spec(spec)
    rows = [
        {IMAGE: [_photo("PNG")], LABEL: [label], PATH: [b"x"], GROUP: [b"x"], RANK: [0]}
        for label in (b"cat", b"dog")
    ]
    folder = tmp_path_factory.mktemp("transform")
    with beam.Pipeline("DirectRunner") as pipeline, tft_beam.Context(temp_dir=str(folder / "temporary")):
        data = pipeline | beam.Create(rows)
        metadata = dataset_metadata.DatasetMetadata(schema)
        graph = (data, metadata) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, {"image_size": SIZE})
        )
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
        raw = str(folder / "graph" / tft.TFTransformOutput.RAW_METADATA_DIR)
        _ = metadata | tft_beam.WriteMetadata(raw, pipeline)
    return tft.TFTransformOutput(str(folder / "graph"))


@pytest.fixture(scope="module")
def exported(transform, tmp_path_factory):
    """A random network, saved as the trainer saves it."""
    import keras

    inputs = keras.Input((SIZE, SIZE, 3))
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    served = export.Served(model, lambda pixels: pixels / 255, transform, SIZE)
    folder = tmp_path_factory.mktemp("exported") / "model"
    export.save(served, model, folder)
    return tf.saved_model.load(str(folder))


def test_the_signature_answers_as_the_decoded_pixels_do(exported):
    files = [_photo(fmt) for fmt in ("JPEG", "PNG", "GIF", "BMP")]
    answer = exported.signatures["serving_default"](image=tf.constant(files))
    pixels = np.stack([decode(tf.constant(one), SIZE).numpy() for one in files])
    np.testing.assert_allclose(answer["probabilities"], exported.classify(pixels), atol=1e-6)
    assert set(answer["label"].numpy()) <= {b"cat", b"dog"}
    assert answer["labels"].numpy().tolist() == [answer["labels"].numpy()[0].tolist()] * 4
    assert set(answer) == {"label", "probabilities", "labels"}


@pytest.mark.parametrize("bomb", [png(60_000, 60_000), png(14_000, 14_000)])
def test_a_bomb_is_refused_before_it_is_decoded(exported, bomb):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 178,956,970 pixels"):
        exported.signatures["serving_default"](image=tf.constant([_photo("PNG"), bomb]))

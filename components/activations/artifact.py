"""The stores as artifacts that ML Metadata knows."""

from __future__ import annotations

from tfx.types.artifact import Artifact, Property, PropertyType


class Activations(Artifact):
    """What a base's frozen part answers for every image, by split."""

    TYPE_NAME = "Activations"
    PROPERTIES = {
        "split_names": Property(type=PropertyType.STRING),
        "depth": Property(type=PropertyType.INT),  # blocks above the cut; 0: embeddings alone
        "views": Property(type=PropertyType.INT),  # of a training image, itself included
        "bytes": Property(type=PropertyType.INT),
    }


class DecodedImages(Artifact):
    """The pixels of every image, by split: a store that is read by row."""

    TYPE_NAME = "DecodedImages"
    PROPERTIES = {
        "split_names": Property(type=PropertyType.STRING),
        "bytes": Property(type=PropertyType.INT),
    }

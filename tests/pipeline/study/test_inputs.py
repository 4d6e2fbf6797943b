"""From params.yaml to the inputs of the TFX pipeline."""

from headstart.pipeline.study.inputs import _named


def base(weights, **options):
    return {"architecture": "MobileNetV2", "weights": weights, "image_size": 96, "options": options}


def test_bases_go_by_the_name_of_their_weights_file_and_by_its_path_where_two_share_it():
    sections = [
        base("a/base.weights.h5", alpha=0.35),
        base("b/base.weights.h5", alpha=0.35),
        base("b/base.weights.h5"),
        base("imagenet"),
        base("imagenet"),
    ]
    named = _named(sections)
    assert list(named) == [
        "MobileNetV2 (a/base.weights.h5, alpha 0.35)",
        "MobileNetV2 (b/base.weights.h5, alpha 0.35)",
        "MobileNetV2 (base.weights.h5)",
        "MobileNetV2 (imagenet)",
    ]
    assert list(named.values()) == sections[:4]

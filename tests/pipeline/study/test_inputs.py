"""From params.yaml to the inputs of the TFX pipeline."""

from types import SimpleNamespace

from headstart.pipeline.config import file as config
from headstart.pipeline.study import inputs
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


def test_another_schedule_is_the_same_study(tmp_path, monkeypatch):
    loaded = config.load()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label,split\n")

    def key(section, **changes):
        changed = {section: getattr(loaded, section).model_copy(update=changes)}
        base = SimpleNamespace(weights_digest="0a")
        return inputs.key(loaded.model_copy(update=changed), loaded.study, base)

    assert key("schedule", cron="0 3 * * 1", on_failure="mail me") == key("schedule")
    assert key("head", dropout=0.123) != key("schedule")

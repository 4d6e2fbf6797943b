"""`headstart plan` in a project folder, from the store that a study left."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from rich.console import Console

from headstart.components.shared.activations import store
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import Split
from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project
from headstart.pipeline.config import file as config
from headstart.pipeline.data import manifest
from headstart.pipeline.forecast import forecast, pool
from headstart.pipeline.forecast.forecast import ByClass, Photos, Wanted
from headstart.pipeline.study import lineage
from headstart.pipeline.tracking import client

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"
CONSOLE = Console(quiet=True)
IMAGES = 240
BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}


def _store(folder, base, images=IMAGES, order="cab", together=""):
    """Training images whose features tell three classes apart, more or less, and the manifest.

    Classes have the numbers that Transform's vocabulary gives them, which is not in the order of their names.
    All images of the class `together` are one group.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(images) % 3
    values = rng.normal(size=(images, 12))
    values[:, :3] += np.array([1.5, 1.5, 3.0])[labels, None] * np.eye(3)[labels]
    paths = [f"{order[label]}/{number:03}.png" for number, label in enumerate(labels)]
    groups = [together if path[0] == together else path for path in paths]
    rows = Rows(
        paths,
        groups,
        labels,
        np.arange(images),
        embeddings=values[:, None].astype(np.float32),
        pooled={(0, 1): values.astype(np.float16)},
    )
    staging, _ = store.begin(folder, "key")
    store.write(staging, "train-00000-000000", rows, (1.0, 1.0))
    folder.mkdir()
    store.publish(staging, folder, {"key": "key", "depth": 0, "views": 1, "base": base})
    with Path("manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "rank", "sha256"])
        writer.writerows([path, path[0], "train", number, number] for number, path in enumerate(paths))
        writer.writerow(["a/999.png", "a", "test", "", "999"])


@pytest.fixture
def studied(tmp_path, monkeypatch):
    """A project whose study has left a store; ML Metadata's answer is made up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    params = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    Path("params.yaml").write_text(yaml.safe_dump({**params, "dataset": "letters", "base": BASE}))
    folder = tmp_path / "tfx/7"
    folder.parent.mkdir()
    _store(folder, BASE)
    project.WORK.mkdir()
    project.METADATA.write_bytes(b"")
    _finish(monkeypatch, folder)
    return tmp_path


def _finish(monkeypatch, folder, weights_digest="random"):
    """Let a study of the present manifest have left the store in a folder."""
    recipe = json.dumps({"base": BASE, "weights_digest": weights_digest})
    settings = {
        "ImageExampleGen": {"fingerprint": f"{manifest.examples_fingerprint()}-code"},
        "Embedder": {"recipe": recipe},
    }
    outputs = {"ImageExampleGen": {}, "Embedder": {"activations": folder}}
    nodes = {name: lineage.Node(False, outputs[name], {}, 0.0, 0.0, settings[name]) for name in outputs}
    monkeypatch.setattr(lineage, "last_run", lambda database: nodes)


def _plan(*wanted, by_class=None, unlabelled=None):
    wanted = wanted or ([] if unlabelled else [Wanted("accuracy", 0.99)])
    return forecast.plan(config.load(), wanted, CONSOLE, by_class, unlabelled)


def _pool(photos):
    """Photos of the three classes, as `pool.embed` gives them; the last one is a copy of a labelled image."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(photos, 12))
    values[-1] = np.random.default_rng(0).normal(size=(IMAGES, 12))[0] + 1.5 * np.eye(12)[0]
    names, none = [f"{number:03}" for number in range(photos)], np.zeros(photos, np.int64)
    rows = Rows(
        names,
        names,
        none,
        none,
        embeddings=values[:, None].astype(np.float32),
        pooled={(0, 1): values.astype(np.float16)},
    )
    return pool.Pool([f"{name}.png" for name in names], Split([rows]), {"not an image": 2})


def test_the_photos_to_label_are_in_files_on_the_page_and_in_mlflow(studied, monkeypatch):
    monkeypatch.setattr(pool, "embed", lambda *_: _pool(50))
    Path("unlabelled").mkdir()
    Image.new("RGB", (8, 8)).save("unlabelled/007.png")
    found = _plan(unlabelled=Photos(Path("unlabelled"), 40))
    assert (found.forecasts, found.classes) == ((), ())
    advice = found.photos
    assert (advice.found, advice.near_copies, advice.reason) == (50, 1, "uncertain")
    assert len({one.path for one in advice.photos}) == 40
    assert "049.png" not in {one.path for one in advice.photos}
    assert {one.label for one in advice.photos} == set("abc")
    assert all(1 / 3 < one.probability < 1 for one in advice.photos)
    with Path("plan/to_label.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["order"], row["path"]) for row in rows] == [
        (str(order), one.path) for order, one in enumerate(advice.photos, 1)
    ]
    assert json.loads(Path("plan/plan.json").read_text())["photos"]["skipped"] == {"not an image": 2}
    html = Path("plan/plan.html").read_text()
    shown = {one.path for one in advice.photos[:24]}
    assert html.count("<li>") == 24
    assert html.count("data:image/jpeg") == ("007.png" in shown)
    assert "Label these 40 of 50 photos first" in html
    tracked = client.connect()
    (run,) = tracked.search_runs([tracked.get_experiment_by_name("letters").experiment_id])
    assert (run.data.tags["plan"], run.data.metrics["near_copies"]) == ("photos", 1)
    assert "to_label.csv" in {file.path for file in tracked.list_artifacts(run.info.run_id)}


@pytest.mark.slow
def test_a_recall_is_that_of_the_class_that_was_named(studied):
    by_label = {one: _plan(Wanted("recall", 0.5, one)).forecasts[0].now.value for one in "abc"}
    assert max(by_label, key=by_label.get) == "b"  # its number in the store is 2, not 1


@pytest.mark.slow
def test_the_answer_is_in_files_and_in_mlflow(studied):
    wanted = [Wanted("accuracy", 0.6), Wanted("macro_f1", 0.95), Wanted("recall", 0.999, "b")]
    found = _plan(*wanted, by_class=ByClass(0.5)).forecasts
    assert [one.metric for one in found] == ["accuracy", "macro F1", "recall of b"]
    assert [one.images for one in found] == [IMAGES] * 3
    assert found[0].outcome == "reached"
    assert 0.7 < found[0].now.low < found[0].now.value < found[0].now.high < 0.95
    figures = json.loads((studied / "plan/plan.json").read_text())
    assert [one["sentence"] for one in figures["forecasts"]] == [one.sentence for one in found]
    assert {(one["label"], one["images"], one["cost"]) for one in figures["classes"]} == {
        (label, 80, 40.0) for label in "abc"
    }
    assert f"Label {figures['classes'][0]['label']} next" in (studied / "plan/plan.html").read_text()
    assert (studied / "plan/curve-3.png").read_bytes().startswith(b"\x89PNG")
    tracked = client.connect()
    runs = tracked.search_runs([tracked.get_experiment_by_name("letters").experiment_id])
    assert {run.data.tags["plan"] for run in runs} == {one.outcome for one in found}
    assert {run.info.status for run in runs} == {"FINISHED"}
    by_metric = {run.data.params["metric"]: run for run in runs}
    assert by_metric["accuracy"].data.metrics["score_now"] == pytest.approx(found[0].now.value)
    assert "plan.html" in {file.path for file in tracked.list_artifacts(runs[0].info.run_id)}


def test_without_a_study_the_remedy_is_named(studied, monkeypatch):
    monkeypatch.setattr(lineage, "last_run", lambda database: {})
    with pytest.raises(HeadstartError, match="No study in this folder .* run `dvc repro` first"):
        _plan()
    project.METADATA.unlink()
    with pytest.raises(HeadstartError, match="No study in this folder .* run `dvc repro` first"):
        _plan()


def test_a_store_of_another_base_is_refused(studied):
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["base"]["image_size"] = 32
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(HeadstartError, match=r"had another base than params.yaml: run `dvc repro`"):
        _plan()


def test_weights_that_changed_under_the_same_name_are_refused(studied, monkeypatch):
    _finish(monkeypatch, studied / "tfx/7", "the digest of other weights")
    with pytest.raises(HeadstartError, match=r"had another base than params.yaml: run `dvc repro`"):
        _plan()


def test_images_that_changed_since_the_study_are_refused(studied):
    rows = Path("manifest.csv").read_text()
    Path("manifest.csv").write_text(rows.replace("c/000.png,c,train,0,0", "c/000.png,c,train,0,otherbytes"))
    with pytest.raises(HeadstartError, match="or their labels have changed since the last study: run `dvc"):
        _plan()


def test_a_damaged_store_is_refused(studied):
    shard = next((studied / "tfx/7").glob("*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(HeadstartError, match="is damaged or gone: run `dvc repro`"):
        _plan()


def test_a_recall_of_a_class_whose_images_share_a_group_is_refused(studied, monkeypatch):
    shutil.rmtree("tfx/7")
    _store(Path("tfx/7"), BASE, together="b")
    _finish(monkeypatch, Path("tfx/7"))
    with pytest.raises(HeadstartError, match=r"The recall of b cannot be measured: all training images"):
        _plan(Wanted("recall", 0.8, "b"))


def test_an_unknown_class_is_refused_with_those_there_are(studied):
    with pytest.raises(HeadstartError, match=r"no class 'd' in manifest.csv: name one of a, b, c\."):
        _plan(Wanted("recall", 0.8, "d"))


def test_too_few_images_are_refused_with_a_number(studied, monkeypatch):
    shutil.rmtree("tfx/7")
    _store(Path("tfx/7"), BASE, images=12)
    _finish(monkeypatch, Path("tfx/7"))
    with pytest.raises(HeadstartError, match=r"12 training images of 3 classes are too few .* about \d+"):
        _plan()

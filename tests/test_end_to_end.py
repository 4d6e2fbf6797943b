"""The whole path on a small data set: import, `dvc repro`, MLflow, promotion, serving, resuming.

One project is made and run once; the tests read what it left, in the order in which they stand here, and
the last ones change it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw

from components.base import bases
from components.evaluator import results

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
SMALL = {
    "dataset": "shapes",
    "prepare": {"validation": 0.25, "test": 0.25, "fractions": [0.5, 1.0]},
    "base": {"weights": "random", "image_size": 16},
    "frozen": {"epochs": 10, "patience": 10},
    "fine_tune": {"steps": 40, "learning_rates": [0.05]},
    "textbook": {"epochs": 4, "patience": 4, "learning_rate": 0.003},
    "scratch": {"epochs": 20, "steps": 200, "search_steps": 20, "learning_rates": [0.02, 0.05]},
    "study": {
        "strategies": ["frozen", "fine_tune", "textbook", "random_blocks", "scratch"],
        "fractions": [0.5, 1.0],
        "draws": 2,
        "frozen_draws": 3,
    },
    "augment": {"views": 2},
    "gate": {"min_accuracy": 0.5, "min_class_recall": 0.0, "min_slice_accuracy": 0.0},
}


class Project:
    """A headstart project in a folder of its own, with the code of this checkout."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(ROOT / name, folder)
        for name in ("pipeline", "components", "bases"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for section, values in SMALL.items():
            params[section] = {**params[section], **values} if isinstance(values, dict) else values
        self.write(params)
        self.run("git", "init", "-q")
        self.run("dvc", "init", "-q")
        self.run("dvc", "commit", "-q", "-f", "pretrain")

    @property
    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))

    def write(self, params: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
        outside = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        settings = {**outside, "PATH": path, "DVC_NO_ANALYTICS": "true", **environment}
        found = shutil.which(command[0], path=path)
        return subprocess.run(
            [found, *command[1:]], cwd=self.folder, env=settings, capture_output=True, text=True, check=False
        )

    def run(self, *command: str) -> str:
        done = self.call(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def read(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def _draw(folder: Path) -> None:
    """Thirty-two images of each of three shapes; one file that is no image."""
    rng = np.random.default_rng(0)
    for label in ("circle", "square", "stripe"):
        (folder / label).mkdir(parents=True)
        for index in range(32):
            image = Image.fromarray(rng.integers(0, 90, (24, 24, 3), dtype=np.uint8))
            x, y = rng.integers(2, 10, 2).tolist()
            pen = ImageDraw.Draw(image)
            ink = tuple(rng.integers(150, 256, 3).tolist())
            box = (x, y, x + 10, y + 10)
            if label == "circle":
                pen.ellipse(box, outline=ink, width=2)
            elif label == "square":
                pen.rectangle(box, fill=ink)
            else:
                pen.line(box, fill=ink, width=2)
            image.save(folder / label / f"{index:02}.{('png', 'jpg', 'webp', 'bmp')[index % 4]}")
    (folder / "circle" / "broken.png").write_bytes(b"not an image")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("project"))
    source = tmp_path_factory.mktemp("photos") / "shapes"
    _draw(source)
    before = made.params
    made.run("headstart", "data", "import", str(source))
    made.write(before)  # the import has no reason to keep a random base
    made.first = made.run("dvc", "repro")
    return made


def _runs(project):
    """MLflow's client, the latest study's run, and its cells' runs by name."""
    client = mlflow.MlflowClient(f"sqlite:///{project.folder}/mlruns/mlflow.db")
    (found,) = [e for e in client.search_experiments() if e.name == "shapes"]
    runs = client.search_runs([found.experiment_id], order_by=["start_time DESC"], max_results=1000)
    parents = [run for run in runs if "verdict" in run.data.tags]
    parent = max(parents, key=lambda run: run.info.end_time)
    mine = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return client, parent, {run.info.run_name: run for run in mine}


def _candidate(children):
    (found,) = [run for run in children.values() if run.data.tags.get("candidate") == "true"]
    return found


def _table(project, *columns):
    with (project.folder / "reports/cells.csv").open(newline="", encoding="utf-8") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]


def test_a_run_reports_an_accuracy_well_above_chance_and_promotes_the_first_model(project):
    metrics = project.read("reports/metrics.json")
    assert metrics["test_images"] == 24
    assert metrics["test_accuracy"] >= 0.6
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] <= metrics["test_accuracy_high"]
    assert project.read("reports/promotion.json")["alias"] == "champion"
    assert "test accuracy" in project.run("headstart", "show")


def test_every_arm_has_a_cell_on_every_subset_and_draw(project):
    arms = ("scratch", "frozen", "fine_tune", "textbook", "random_blocks")
    arms += ("pixels_logistic", "pixels_svm", "embeddings_logistic", "random_embeddings_logistic")
    subsets = (("1.0", "0", "48"), ("0.5", "0", "24"), ("0.5", "1", "24"))
    found = _table(project, "arm", "fraction", "draw", "labelled_images")
    third = ("frozen", "0.5", "2", "24")
    assert sorted(found) == sorted([third, *((arm, *subset) for arm in arms for subset in subsets)])
    assert "scratch-50% draw 2: " in project.first
    assert "cell 16 of 16" in project.first


def test_the_price_is_printed_first_and_the_frozen_head_comes_before_what_takes_longer(project):
    told = ("This study takes about", "frozen-100%", "References")
    price, frozen, references = map(project.first.index, told)
    assert price < project.first.index("ImageExampleGen") < frozen < references
    assert references < project.first.index("fine_tune-100%") < project.first.index("scratch-100%")
    assert "BatchNorm adapts; the whole base is trained; 40 steps for 48 images" in project.first


def test_the_verdict_is_a_dvc_metric_with_evidence_and_the_report_tells_it(project):
    verdict = project.read("reports/verdict.json")
    assert verdict["rating"] in ("good", "mixed", "bad")
    assert [(c["side"], c["name"]) for c in verdict["clauses"]] == [
        ("good", "accuracy"),
        ("good", "time"),
        *(("bad", name) for name in ("accuracy", "data", "time")),
    ]
    assert "reports/verdict.json" in json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    page = (project.folder / "reports/report.html").read_text(encoding="utf-8")
    assert "scratch" in page
    assert 'src="http' not in page
    told = project.call("headstart", "report", BROWSER="true")
    assert told.returncode == 0
    assert "reports/report.html" in told.stdout


def test_relatedness_is_told_before_anything_is_trained(project):
    assert "a linear probe of its embeddings gets" in project.first
    assert project.first.index("linear probe") < project.first.index("cell 1 of 16")


def test_metrics_of_predictions_are_those_of_tfma(project):
    (folder,) = (project.folder / ".headstart/tfx/Evaluator/evaluation").iterdir()
    tfma = results.read(folder).overall
    ours = project.read("reports/metrics.json")
    for name in ("accuracy", "top_k_accuracy", "macro_precision", "macro_recall", "macro_f1"):
        assert ours[f"test_{name}"] == pytest.approx(tfma.metrics[name], abs=1e-6), name
    assert (ours["test_accuracy_low"], ours["test_accuracy_high"]) == pytest.approx((tfma.low, tfma.high))


def test_dvc_has_nothing_left_to_do_and_a_second_run_does_nothing(project):
    assert "up to date" in project.run("dvc", "status")
    again = project.run("dvc", "repro")
    assert "Running stage" not in again


def test_the_runs_are_in_mlflow_side_by_side_with_curves_and_pictures(project):
    client, parent, children = _runs(project)
    verdict = project.read("reports/verdict.json")
    assert verdict["sentence"] in parent.data.tags["mlflow.note.content"]
    assert parent.data.tags["verdict"] == verdict["rating"]
    pictures = [
        one for one in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] if isinstance(one, str)
    ]
    assert {"report.html", "cells.csv", *(Path(one).name for one in pictures)} <= _artifacts(client, parent)
    shown = json.loads(project.run("dvc", "plots", "show", "--json"))["data"]
    assert all(shown[picture] for picture in pictures)
    assert len(children) == 9 * 3 + 1
    shared = set.intersection(*(set(run.data.metrics) for run in children.values()))
    assert {"test_accuracy", "test_macro_f1", "train_seconds", "seconds_to_best", "labelled_images"} <= shared
    trained = children["textbook-100%"]
    steps = [point.step for point in client.get_metric_history(trained.info.run_id, "val_loss")]
    assert sorted(steps) == list(range(10 + 4))
    assert {"curves.png", "confusion_matrix.png", "predictions.csv"} <= _artifacts(client, trained)
    assert trained.data.params["arm"] == "textbook"
    assert trained.data.tags["data_version"]
    assert trained.inputs.dataset_inputs[0].dataset.name == "shapes"
    accuracy = project.read("reports/metrics.json")["test_accuracy"]
    assert _candidate(children).data.metrics["test_accuracy"] == pytest.approx(accuracy)
    assert "slices.json" in _artifacts(client, _candidate(children))


def _artifacts(client, run):
    return {item.path for item in client.list_artifacts(run.info.run_id)}


def test_the_registered_champion_answers_through_mlflow(project):
    import pandas as pd

    client, *_ = _runs(project)
    version = client.get_model_version_by_alias("shapes", "champion")
    mlflow.set_tracking_uri(f"sqlite:///{project.folder}/mlruns/mlflow.db")
    model = mlflow.pyfunc.load_model(f"models:/shapes/{version.version}")
    encoded = (project.folder / "data/circle/00.png").read_bytes()
    answer = model.predict(pd.DataFrame({"image": [encoded]}))
    assert answer["label"][0] in {"circle", "square", "stripe"}


def test_the_same_image_gives_the_same_pixels_and_answer_in_training_and_in_serving(project):
    import tensorflow as tf

    from components.activations.store import Store
    from components.transform.preprocessing import decode

    (decoded,) = (project.folder / ".headstart/tfx/Decoder/images").glob("*")
    split = Store(decoded).split("validation")
    stored = dict(zip(split.paths, split.pixels(np.arange(len(split)))))
    for path, pixels in stored.items():
        if not path.endswith("webp"):  # the graph reads what ImageExampleGen made of it
            encoded = tf.constant((project.folder / "data" / path).read_bytes())
            np.testing.assert_array_equal(decode(encoded, 16), pixels)
    assert len(stored) == 24

    # TensorFlow Serving's layout, encoded bytes in; the model's own layers on the stored pixels.
    (served,) = (project.folder / "serving/shapes").glob("[0-9]*")
    model = tf.saved_model.load(str(served))
    path, pixels = next((p, x) for p, x in stored.items() if p.endswith("png"))
    sent = model.signatures["serving_default"](
        image=tf.constant([(project.folder / "data" / path).read_bytes()])
    )
    direct = model.classify(pixels[np.newaxis])
    np.testing.assert_allclose(sent["probabilities"], direct, atol=1e-6)
    assert sorted(name.decode() for name in sent["labels"].numpy()[0]) == ["circle", "square", "stripe"]


def test_the_recorded_predictions_are_those_of_the_exported_model(project):
    import tensorflow as tf

    strategy, _ = project.read("reports/summary.json")["cell"].split("-")
    runs = project.folder / f".headstart/tfx/Trainer.{strategy}.1.0"
    (recorded,) = runs.glob("model_run/*/predictions.csv")
    (exported,) = runs.glob("model/*/Format-Serving")
    serve = tf.saved_model.load(str(exported)).signatures["serving_default"]
    with recorded.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["path"].endswith("webp")]
    for row in rows:
        answer = serve(image=tf.constant([(project.folder / "data" / row["path"]).read_bytes()]))
        assert answer["label"].numpy()[0].decode() == row["predicted"]
        assert float(answer["probabilities"].numpy().max()) == pytest.approx(
            float(row["confidence"]), abs=1e-4
        )
    assert len(rows) > 10


def test_predict_answers_for_every_format_and_refuses_what_is_no_image(project):
    out = project.run("headstart", "predict", "--json", "data/square/01.jpg", "data/square/02.webp")
    answers = [json.loads(line) for line in out.splitlines()]
    assert [a["image"] for a in answers] == ["data/square/01.jpg", "data/square/02.webp"]
    assert all(sum(a["probabilities"].values()) == pytest.approx(1.0, abs=1e-5) for a in answers)
    done = project.call("headstart", "predict", "params.yaml")
    assert done.returncode == 1
    assert "params.yaml cannot be read as an image" in done.stderr


def test_a_dead_tracking_server_is_told_before_any_work(project):
    done = project.call("headstart", "study", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "tracking server at http://127.0.0.1:9 cannot be reached" in done.stderr
    assert "ImageExampleGen" not in done.stdout


def _patched(project, patch):
    """A study in a process of its own, in which something was done to our code first."""
    start = "import sys; sys.argv = ['headstart', 'study']; import pipeline.cli as cli; cli.main()"
    kernels = "from pipeline import blas; blas.choose_kernels()"  # before numpy is imported
    return project.call(sys.executable, "-c", f"{kernels}; {patch}; {start}")


ACCURACIES = ("cell", "test_accuracy", "test_macro_f1", "train_accuracy", "val_accuracy")


def test_a_killed_study_goes_on_with_the_cell_that_died_and_ends_with_the_same_table(project):
    params = project.params
    params["study"]["strategies"] = ["scratch", "fine_tune"]
    params["train"]["seed"] = 1
    params["fine_tune"]["steps"] = 10
    params["scratch"] |= {"epochs": 2, "steps": 20, "search_steps": 5, "learning_rates": [0.02, 0.05]}
    params["gate"] |= {"min_accuracy": 0.0, "max_accuracy_drop": 1.0}
    project.write(params)
    dying = (
        "import os, signal; from components import predictions as p; write = p.write; calls = []; "
        "p.write = lambda *a: (calls.append(a), "
        "os.kill(os.getpid(), signal.SIGKILL) if len(calls) == 3 else write(*a))"
    )
    assert _patched(project, dying).returncode == -signal.SIGKILL
    resumed = project.run("dvc", "repro")
    names = (
        "ImageExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "StoppingExampleValidator",
        "Transform",
        "Decoder",
    )
    # Other epochs, another strategy or subset cost no embedding.
    for name in (*names, "Embedder", "Embedder.random", "References", "fine_tune-100%", "fine_tune-50%"):
        assert f"{name}: unchanged" in resumed
    assert "fine_tune-50% draw 2: unchanged" not in resumed
    decided = project.read("reports/promotion.json")
    assert decided["alias"] == "challenger"
    assert "blessed, but not better" in decided["reason"]
    assert len(list((project.folder / "serving/shapes").glob("[0-9]*"))) == 1

    table = _table(project, *ACCURACIES)
    assert len(table) == 2 * 3 + 4 * 3  # two strategies and four references, one subset in two draws
    for folder in (project.folder / ".headstart/tfx").glob("*/[!.]*"):
        if folder.parent.name.startswith(("Trainer.", "References")):
            shutil.rmtree(max(folder.glob("[0-9]*"), key=lambda one: int(one.name)))
    again = project.run("headstart", "study")
    assert "References: unchanged" not in again
    assert "%: unchanged" not in again and "draw 2: unchanged" not in again
    assert _table(project, *ACCURACIES) == table


def test_a_cached_model_points_to_the_run_that_produced_it(project):
    _, _, produced = _runs(project)
    project.run("headstart", "study")
    _, _, cached = _runs(project)
    assert _candidate(produced).data.tags["cached"] == "false"
    assert _candidate(cached).data.tags["cached"] == "true"
    assert _candidate(cached).data.tags["produced_by"] == _candidate(produced).info.run_id


def test_a_cell_that_fails_is_told_and_tried_again_and_stops_nothing(project):
    params = project.params
    params["study"] |= {"strategies": ["frozen", "fine_tune"], "draws": 1, "frozen_draws": 1}
    params["fine_tune"]["steps"] = 5
    project.write(params)
    failing = (
        "from components.trainer import search\n"
        "from components.references import arms\n"
        "def fail(*_): raise ArithmeticError('no number in [/job:0]')\n"
        "search.train = arms.svm = fail\n"
    )
    done = _patched(project, f"exec({failing!r})")
    assert done.returncode == 0, done.stderr
    log = ".headstart/Trainer.fine_tune.1.0.log"
    assert (
        f"fine_tune-100%: failed (ArithmeticError: no number in [/job:0]; {log} has the whole story)"
        in done.stdout
    )
    assert "Traceback" in (project.folder / log).read_text(encoding="utf-8")
    shown = " ".join(project.run("headstart", "show").split())
    assert "fine_tune-100%: ArithmeticError: no number in [/job:0]" in shown
    failed = {f"{arm}-{size}" for arm in ("fine_tune", "pixels_svm") for size in ("100%", "50%")}
    left = {cell for (cell,) in _table(project, "cell")}
    assert {"frozen-100%", "pixels_logistic-100%"} <= left and not left & failed
    again = project.run("headstart", "study")
    assert "frozen-100%: unchanged" in again
    assert "fine_tune-100%: unchanged" not in again and "References: unchanged" not in again
    assert {cell for (cell,) in _table(project, "cell")} == left | failed


def test_where_no_cell_could_be_promoted_the_study_stops_and_says_why(project):
    params = project.params
    params["study"] |= {"strategies": ["fine_tune"], "references": False}
    params["fine_tune"]["steps"] = 7
    project.write(params)
    failing = "from components.trainer import search; search.train = None"
    done = _patched(project, failing)
    assert done.returncode == 1
    assert "fine_tune-100%: failed (TypeError" in done.stdout
    assert "No cell on the largest subset could be trained" in done.stderr


def test_a_damaged_shard_of_the_activation_store_is_told_and_made_again(project):
    found, *_ = (project.folder / ".headstart/tfx/Embedder/activations").glob("*/train-*.arrow")
    content = bytearray(found.read_bytes())
    content[len(content) // 2] ^= 1
    found.write_bytes(bytes(content))
    params = project.params
    params["study"] |= {"strategies": ["fine_tune"], "fractions": [0.5]}
    project.write(params)
    again = project.run("headstart", "study")
    assert f"{found.name} is damaged or gone. It is made again" in again.replace("\n", " ")
    assert "Embedder: unchanged" in again  # the first time; then it was run
    assert "Transform: unchanged" in again
    (made,) = (project.folder / ".headstart/tfx/Embedder/activations").glob(f"*/{found.name}")
    assert made.parent != found.parent
    assert project.read("reports/metrics.json")["labelled_images"] == 24


def test_a_base_whose_features_are_destroyed_comes_out_as_negative_transfer(project):
    base = bases.load("compact", "random", 16, {})
    for layer in base.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    base.save_weights(project.folder / "destroyed.weights.h5")
    params = project.params
    params["base"]["weights"] = "destroyed.weights.h5"
    params["train"]["seed"] = 0  # as in the first run
    params["scratch"] |= SMALL["scratch"]
    params["study"] |= {"strategies": ["scratch", "frozen"], "fractions": [1.0]}
    project.write(params)
    told = project.run("headstart", "study")
    verdict = project.read("reports/verdict.json")
    assert "scratch-100%: unchanged" in told  # it has nothing of the base
    assert [one["verdict"] for one in verdict["comparisons"]] == ["worse"]
    assert verdict["negative"][0].startswith("Negative transfer: with all 48 images scratch is")
    assert "Negative transfer" in verdict["sentence"]
    assert verdict["rating"] == "bad"
    assert project.read("reports/summary.json")["cell"] == "scratch-100%"

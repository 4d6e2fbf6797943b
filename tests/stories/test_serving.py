"""The model that was exported, registered and served gives one and the same answer."""

from __future__ import annotations

import csv
import json

import mlflow
import numpy as np
import pytest


def test_the_registered_champion_answers_through_mlflow(project):
    import pandas as pd

    client, *_ = project.runs()
    version = client.get_model_version_by_alias("shapes", "champion")
    mlflow.set_tracking_uri(f"sqlite:///{project.folder}/mlruns/mlflow.db")
    model = mlflow.pyfunc.load_model(f"models:/shapes/{version.version}")
    encoded = (project.folder / "data/circle/00.png").read_bytes()
    answer = model.predict(pd.DataFrame({"image": [encoded]}))
    assert answer["label"][0] in {"circle", "square", "stripe"}


def test_the_same_image_gives_the_same_pixels_and_answer_in_training_and_in_serving(project):
    import tensorflow as tf

    from headstart.components.shared.activations.store import Store
    from headstart.components.transform.preprocessing import decode

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

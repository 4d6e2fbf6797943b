"""Images join a project: no old one changes its split, and a new class stops until it is accepted."""

from __future__ import annotations

import csv

import numpy as np
from PIL import Image

from headstart.pipeline.data import memory


def test_new_images_join_a_new_class_stops_and_is_accepted_and_the_schema_in_git_can_stop_a_study(project):
    folder = project.folder
    params = project.params
    params["study"] |= {"strategies": ["frozen"], "fractions": [1.0], "references": False}
    params["gate"] |= {"min_accuracy": 0.0}
    project.write(params)
    before = memory.read(folder / "splits.csv").splits
    schema = (folder / "schema.pbtxt").read_text(encoding="utf-8")
    rng = np.random.default_rng(1)
    for label, count in (("circle", 9), ("cross", 12)):
        (folder.parent / "more" / label).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 90, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder.parent / "more" / label / f"{number:02}.png")
    assert "did not have the class 'cross'" in project.run("headstart", "data", "import", "--add", "../more")
    assert "Nothing new" in project.run("headstart", "data", "import", "--add", "../more")

    stopped = project.call("dvc", "repro")
    assert stopped.returncode and "the class 'cross' is new" in stopped.stderr
    assert memory.read(folder / "splits.csv").splits == before
    assert (folder / "serving/shapes").is_dir(), "the champion stays"

    project.run("headstart", "data", "accept")
    told = project.run("dvc", "repro")
    assert "ImportSchemaGen" not in told
    after = memory.read(folder / "splits.csv").splits
    assert before.items() < after.items()
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        crosses = [row["split"] for row in csv.DictReader(file) if row["label"] == "cross"]
    assert sorted(crosses) == ["test"] * 3 + ["train"] * 6 + ["validation"] * 3
    accepted = (folder / "schema.pbtxt").read_text(encoding="utf-8")
    assert 'value: "cross"' in accepted and 'value: "cross"' not in schema

    again = project.run("headstart", "study")
    assert "ImportSchemaGen: 0" in again and "frozen-100%: unchanged" in again
    (folder / "schema.pbtxt").write_text(schema, encoding="utf-8")
    refused = project.call("headstart", "study")
    assert refused.returncode == 1 and "label: Examples contain values missing" in refused.stderr
    assert "`headstart data accept`" in refused.stderr
    assert (folder / "schema.pbtxt").read_text(encoding="utf-8") == schema

"""What is done is not done again: after a kill, from the cache, where a store is damaged."""

from __future__ import annotations

import shutil
import signal

from tests.stories.conftest import candidate_of

ACCURACIES = ("cell", "test_accuracy", "test_macro_f1", "train_accuracy", "val_accuracy")


def test_a_killed_study_goes_on_with_the_cell_that_died_and_ends_with_the_same_table(project):
    params = project.params
    params["study"]["strategies"] = ["fine_tune"]
    params["train"]["seed"] = 1
    params["fine_tune"]["steps"] = 10
    params["gate"] |= {"min_accuracy": 0.0}
    project.write(params)
    dying = (
        "import os, signal; from headstart.components.shared import predictions as p; write = p.write; "
        "calls = []; "
        "p.write = lambda *a: (calls.append(a), "
        "os.kill(os.getpid(), signal.SIGKILL) if len(calls) == 3 else write(*a))"
    )
    assert project.patched(dying).returncode == -signal.SIGKILL
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
    decided = project.read(".headstart/promotion.json")
    assert decided["alias"] == "challenger"
    assert decided["reason"].startswith(("worse", "not shown to be better"))
    assert len(list((project.folder / "serving/shapes").glob("[0-9]*"))) == 1

    table = project.table(*ACCURACIES)
    assert len(table) == 3 + 4 * 3  # a strategy and four references, one subset in two draws
    for folder in (project.folder / ".headstart/tfx").glob("*/[!.]*"):
        if folder.parent.name.startswith(("Trainer.", "References")):
            shutil.rmtree(max(folder.glob("[0-9]*"), key=lambda one: int(one.name)))
    again = project.run("headstart", "study")
    assert "References: unchanged" not in again
    assert "%: unchanged" not in again and "draw 2: unchanged" not in again
    assert project.table(*ACCURACIES) == table


def test_a_cached_model_points_to_the_run_that_produced_it(project):
    _, _, produced = project.runs()
    project.run("headstart", "study")
    _, _, cached = project.runs()
    assert candidate_of(produced).data.tags["cached"] == "false"
    assert candidate_of(cached).data.tags["cached"] == "true"
    assert candidate_of(cached).data.tags["produced_by"] == candidate_of(produced).info.run_id


def test_a_damaged_shard_of_the_activation_store_is_told_and_made_again(project):
    found, *_ = (project.folder / ".headstart/tfx/Embedder/activations").glob("*/train-*.arrow")
    content = bytearray(found.read_bytes())
    content[len(content) // 2] ^= 1
    found.write_bytes(bytes(content))
    params = project.params
    params["study"] |= {"strategies": ["fine_tune"], "fractions": [0.5]}
    project.write(params)
    again = project.run("headstart", "study")
    assert f"{found.name} is damaged or missing. It is made again" in again.replace("\n", " ")
    assert "Embedder: unchanged" in again  # the first time; then it was run
    assert "Transform: unchanged" in again
    (made,) = (project.folder / ".headstart/tfx/Embedder/activations").glob(f"*/{found.name}")
    assert made.parent != found.parent
    assert project.read("reports/metrics.json")["labelled_images"] == 24


def test_decoding_that_was_killed_resumes_from_its_shards(project):
    params = project.params
    params["base"]["image_size"] = 20
    params["study"] |= {"strategies": ["frozen"], "fractions": [1.0], "references": False}
    project.write(params)
    dying = (
        "import os, signal; from headstart.components.shared.activations import store as s; write = s.write; "
        "calls = []; "
        "s.write = lambda *a: (calls.append(a), "
        "os.kill(os.getpid(), signal.SIGKILL) if len(calls) == 3 else write(*a))[1]"
    )
    assert project.patched(dying).returncode == -signal.SIGKILL
    decoded = project.folder / ".headstart/tfx/Decoder/images"
    kept = {file.name: file.stat().st_mtime_ns for file in decoded.glob("unfinished-*/*.arrow")}
    assert len(kept) == 2
    project.run("headstart", "study")
    made = {file.name: file.stat().st_mtime_ns for file in decoded.glob("[0-9]*/*.arrow")}
    assert kept.items() <= made.items()

"""What headstart needs of TFX: its runner's parts, its cache, what ML Metadata records.

A failure here after an upgrade of TFX says that the library has moved: see the module named in the message.
"""

import time

import pytest
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import Model

from headstart.pipeline.study import lineage
from headstart.pipeline.study.runner import WatchedRunner


@component
def Sleeper(model: OutputArtifact[Model], number: Parameter[int]):  # noqa: N802
    time.sleep(0.3)
    with open(f"{model.uri}/number", "w") as file:
        file.write(str(number))
    model.set_string_custom_property("number", str(number))


class Watcher:
    def __init__(self):
        self.told = []

    def begin(self, node):
        self.told.append(("begin", node))

    def end(self, node, info, ran):
        self.told.append(("end", node, ran))
        self.execution = info.execution_id


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def once(number=1):
        watcher = Watcher()
        pipeline = Pipeline(
            pipeline_name="contract",
            pipeline_root="work/tfx",
            components=[Sleeper(number=number)],
            enable_cache=True,
            metadata_connection_config=metadata.sqlite_metadata_connection_config("work/metadata.db"),
        )
        WatchedRunner(watcher).run(pipeline)
        return watcher

    return once


@pytest.fixture
def database(tmp_path):
    return tmp_path / "work/metadata.db"


def test_a_watcher_is_told_of_each_node_and_whether_the_cache_answered(run):
    assert run().told == [("begin", "Sleeper"), ("end", "Sleeper", True)]
    assert run().told == [("begin", "Sleeper"), ("end", "Sleeper", False)], (
        "TFX's cache does not answer, or its launcher says so in another way: see pipeline/study/runner.py"
    )
    assert run(number=2).told[-1] == ("end", "Sleeper", True)


def test_a_cached_node_has_the_outputs_and_the_times_of_the_run_that_made_them(run, database):
    before = time.time()
    made = lineage.node(database, run().execution)
    assert not made.cached
    assert made.properties["model"]["number"] == "1"
    assert (database.parent.parent / made.outputs["model"] / "number").read_text() == "1"
    assert before - 0.01 <= made.began < made.ended - 0.25
    time.sleep(0.3)
    cached = lineage.node(database, run().execution)
    assert cached.cached
    assert (cached.outputs, cached.properties) == (made.outputs, made.properties)
    assert (cached.began, cached.ended) == (made.began, made.ended)
    assert lineage.last_run(database) == {"Sleeper": cached}


def test_the_cache_does_not_answer_with_an_artifact_whose_folder_is_gone(run, database):
    lineage.forget(lineage.node(database, run().execution).outputs["model"])
    assert run().told[-1] == ("end", "Sleeper", True), (
        "TFX's cache no longer looks whether an artifact is there: pipeline/study/lineage.py (forget) and "
        "components/shared/activations/store.py (prune, give_back) rely on it"
    )


def test_places_are_relative_so_that_the_cache_holds_where_the_folder_was_moved(
    run, database, tmp_path, monkeypatch
):
    assert lineage.node(database, run().execution).outputs["model"].parts[:2] == ("work", "tfx")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").rename(tmp_path / "elsewhere/work")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run().told[-1] == ("end", "Sleeper", False)

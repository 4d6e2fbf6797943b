"""From what the nodes of a run left, and the manifest, to the results of a study."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from headstart.components.shared import predictions
from headstart.pipeline.config import file as config
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.study import collect
from headstart.pipeline.study.lineage import Node
from headstart.pipeline.study.plan import PlannedCell

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"
NAMES = ["bright", "dark"]
ALL, HALF, AGAIN = Subset(1.0, 12, None, 0), Subset(0.5, 6, None, 0), Subset(0.5, 6, None, 1)
REFERENCES = [("pixels_logistic", ALL), ("pixels_svm", ALL), ("pixels_logistic", HALF), ("pixels_svm", HALF)]
TEST = {f"test/{number}.png": number % 2 for number in range(6)}  # the class of each image, by path


def row(path: str, split: str = "test", sha256: str = "", **columns: str) -> dict[str, str]:
    return {"path": path, "label": "a", "split": split, "sha256": sha256 or path, **columns}


MANIFEST = [row(path) for path in TEST] + [row(f"validation/{number}", "validation") for number in range(4)]


def answers(right):
    """Probabilities of the test images, of which the first ones are right: float [images, classes]."""
    classes = np.array(list(TEST.values()))
    answered = np.where(np.arange(len(classes)) < right, classes, 1 - classes)
    return np.where(np.arange(2) == answered[:, None], 0.8, 0.2)


@pytest.fixture
def cell(tmp_path):
    """Makes a cell of the plan and its node, with the files that a training leaves."""
    from headstart.components.trainer import progression, run_fn

    def make(strategy, subset=ALL, right=5, epochs=0, cached=False, **figures):
        plan = PlannedCell(strategy, subset, promotable=subset == ALL)
        outputs = {key: tmp_path / plan.node / key for key in ("model_run", "model")}
        predictions.write(
            outputs["model_run"], list(TEST), np.array(list(TEST.values())), answers(right), NAMES
        )
        seconds = dict.fromkeys(("seconds_to_best", "cpu_seconds", "setup_seconds", "tuning_seconds"), 1.0)
        told = {"strategy": strategy, "labels": NAMES, "train_accuracy": 0.9, "val_accuracy": 0.8}
        history = [
            progression.Epoch(number, "scratch", 0.5, 0.6, math.inf, 0.7, 0.1, 0.4, 0.5 + number, 1000.0)
            for number in range(epochs)
        ]
        run_fn.write(
            outputs["model_run"],
            {**told, **seconds, "train_seconds": 2.0, **figures},
            progression.rows(history),
        )
        (outputs["model"] / "Format-Serving").mkdir(parents=True)
        return plan, Node(cached, outputs, {}, 1000.0, 1002.0)

    return make


@pytest.fixture
def references(tmp_path, monkeypatch):
    """Makes the node of the references, fitted on pixels; those named fail on the whole subset."""
    from headstart.components.references import classifiers, executor
    from headstart.components.references.images import Images

    monkeypatch.chdir(tmp_path)
    Path("subsets").mkdir()
    labels = np.arange(12) % 2
    gray = np.where(labels, 50, 200).astype(np.uint8)
    pixels = np.broadcast_to(gray[:, None, None, None], (12, 2, 2, 3))
    training = Images([f"train/{number}.png" for number in range(12)], labels, np.arange(12), pixels)
    test = Images(list(TEST), labels[:6], np.full(6, -1), pixels[:6])
    splits = {"train": training, "validation": test, "test": test}
    for subset in (ALL, HALF):
        paths = training.paths[: subset.images]
        subset.file.write_text("path,label\n" + "".join(f"{path},\n" for path in paths))

    def failing(training, *_):
        raise MemoryError("cannot allocate 9 GB")

    def make(*failed, cached=False):
        folder = tmp_path / "References/predictions/7"
        for strategy, subset in REFERENCES:
            fails = strategy in failed and subset == ALL
            fit = failing if fails else getattr(classifiers, strategy.removeprefix("pixels_"))
            reference = executor._Reference(strategy, fit, 100, executor._pixels(splits))
            chosen = {"key": subset.key, **subset.choice()}
            place = folder / executor.folder_name(strategy, chosen)
            executor._run(reference, chosen, splits, NAMES, place)
        return Node(cached, {"predictions": folder}, {}, 1000.0, 1009.0)

    return make


def test_a_trained_cell_has_its_figures_its_history_and_its_answers(cell):
    plan, node = cell("scratch", right=4, epochs=3, tuning_seconds=7.5)
    found = collect.trained(plan, node)
    assert (found.name, found.subset, found.cached) == ("scratch-100%", ALL, False)
    assert (found.figures["tuning_seconds"], found.figures["labels"]) == (7.5, NAMES)
    assert [(one["epoch"], one["elapsed"], one["val_loss"]) for one in found.history] == [
        ("0", "0.5", "inf"),
        ("1", "1.5", "inf"),
        ("2", "2.5", "inf"),
    ]
    assert [one["path"] for one in found.predictions] == list(TEST)
    assert [one["label_rank"] for one in found.predictions] == [0, 0, 0, 0, 1, 1]
    assert found.metrics["test_accuracy"] == pytest.approx(4 / 6)
    assert found.result(4).history[1] == (1.5, 0.5, math.inf, 0.7)


def test_a_convex_fit_has_no_history_and_a_cell_of_the_cache_says_so(cell):
    found = collect.trained(*cell("frozen", cached=True, convex=True))
    assert found.history == [] and found.cached
    assert found.result(4).convex


def test_only_a_cell_that_could_be_promoted_has_a_model(cell):
    plan, node = cell("frozen")
    assert collect.trained(plan, node).model == node.outputs["model"] / "Format-Serving"
    assert collect.trained(*cell("frozen", HALF)).model is None


def test_the_figures_of_a_cell_that_failed_are_the_reason(cell):
    from headstart.components.trainer import run_fn

    _, node = cell("frozen")
    assert collect.figures(node.outputs["model_run"])["val_accuracy"] == 0.8
    _, node = cell("scratch")
    run_fn.write(node.outputs["model_run"], {"failure": "ArithmeticError: no number"}, [])
    assert collect.figures(node.outputs["model_run"]) == {"failure": "ArithmeticError: no number"}


def test_a_reference_is_a_cell_without_a_model_in_the_folder_of_its_subset(references):
    node = references(cached=True)
    found = collect.reference("pixels_svm", HALF, node)
    assert isinstance(found, Cell)
    assert (found.name, found.images, found.model, found.history) == ("pixels_svm-50%", 6, None, [])
    assert found.cached and found.metrics["test_accuracy"] == 1.0
    assert found.figures["images_used"] == 6
    assert collect.reference("pixels_svm", ALL, node).figures["images_used"] == 12
    with pytest.raises(FileNotFoundError, match=r"pixels_svm\.0\.5\.1"):
        collect.reference("pixels_svm", AGAIN, node)


def test_a_reference_that_failed_is_its_reason(references):
    node = references("pixels_svm")
    told = "pixels_svm on 12 images failed: MemoryError: cannot allocate 9 GB."
    assert collect.reference("pixels_svm", ALL, node) == told
    assert isinstance(collect.reference("pixels_logistic", ALL, node), Cell)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """An evaluation as the Evaluator leaves it: of four images, three of them right."""
    import tensorflow as tf
    import tensorflow_model_analysis as tfma
    from apache_beam.options.pipeline_options import PipelineOptions

    from headstart.components.evaluator.config import eval_config

    gate = dict(min_accuracy=0.8, min_class_recall=0.6, min_slice_accuracy=0.6)
    wanted = eval_config(2, [], [("label", "dark")], gate, "")
    for metric in wanted.metrics_specs[0].metrics:
        for one in metric.per_slice_thresholds:
            one.threshold.ClearField("change_threshold")  # there is no model before it
    del wanted.model_specs[1:]
    for key in ("name", "signature_name", "preprocessing_function_names"):  # the examples have the answers
        wanted.model_specs[0].ClearField(key)
    folder = tmp_path_factory.mktemp("evaluation")
    with tf.io.TFRecordWriter(str(folder / "examples")) as writer:
        for label, dark in ((0, 0.1), (0, 0.2), (1, 0.3), (1, 0.9)):
            example = tf.train.Example()
            feature = example.features.feature
            feature["label"].bytes_list.value.append(NAMES[label].encode())
            feature["label_index"].int64_list.value.append(label)
            feature["probabilities"].float_list.value.extend([1 - dark, dark])
            writer.write(example.SerializeToString())
    tfma.run_model_analysis(
        eval_config=wanted,
        data_location=str(folder / "examples"),
        output_path=str(folder / "out"),
        pipeline_options=PipelineOptions([]),
    )
    return folder / "out"


@pytest.fixture
def collected(cell, references, evaluation, tmp_path):
    """Collects a study of these cells; `chosen` is the strategy whose model the Candidate node chose."""
    from headstart.components.relatedness import report

    report.write(tmp_path / "relatedness", {"base": {"sentence": "The base is related."}, "ranking": []})

    def run(*made, chosen="frozen", failed=None, node=None, **base):
        plans, nodes = [plan for plan, _ in made], {plan.node: node for plan, node in made}
        (model,) = [
            nodes[plan.node].outputs["model"] for plan in plans if plan.promotable and plan.strategy == chosen
        ]
        for name in failed or ():
            del nodes[name]  # nobody looks at what it left
        for name, outputs in {
            "Candidate": {"model": model},
            "Evaluator": {"evaluation": evaluation},
            "Relatedness": {"report": tmp_path / "relatedness"},
        }.items():
            nodes[name] = Node(False, outputs, {}, 1000.0, 1001.0)
        if node:
            nodes["References"] = node
        loaded = config.load(TEMPLATE)
        loaded = loaded.model_copy(update={"base": loaded.base.model_copy(update=base)})
        return collect.collect(loaded.base, loaded.verdict, plans, REFERENCES, nodes, failed or {}, MANIFEST)

    return run


@pytest.mark.slow
def test_a_study_is_its_cells_then_its_references_with_all_that_was_found(collected, cell, references):
    node = references()
    made = cell("frozen", HALF), cell("frozen"), cell("scratch", right=3, epochs=2)
    found = collected(*made, node=node)
    names = ["frozen-50%", "frozen-100%", "scratch-100%"]
    names += [f"{strategy}-{subset.name}" for strategy, subset in REFERENCES]
    assert [one.name for one in found.cells] == names
    assert found.failures == {} and node.outputs["predictions"].is_dir()
    assert found.labels == NAMES
    assert found.relatedness["base"]["sentence"] == "The base is related."
    assert found.evaluation.overall.metrics["accuracy"] == 0.75
    assert [(one.column, one.value, one.images) for one in found.evaluation.slices] == [
        ("label", "bright", 2),
        ("label", "dark", 2),
    ]
    assert found.evaluation.failures == [
        "accuracy is 0.750, 0.800 is asked",
        "accuracy on label dark is 0.500, 0.600 is asked",
    ]
    assert found.verdict.strategy == "frozen"
    judged = {(one.strategy, one.images): one.accuracy for one in found.verdict.rows}
    assert len(judged) == len(names)
    assert judged["scratch", 12] == 0.5 and judged["frozen", 6] == pytest.approx(5 / 6)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["frozen", "scratch"])
def test_the_candidate_is_the_cell_whose_model_was_chosen(collected, cell, chosen):
    found = collected(cell("scratch", epochs=1), cell("frozen", HALF), cell("frozen"), chosen=chosen)
    assert found.candidate.name == f"{chosen}-100%"
    assert found.candidate in found.cells


@pytest.mark.slow
def test_a_cell_that_failed_is_named_with_its_reason_and_is_not_judged(collected, cell, references):
    node = references()
    failed = {"Trainer.scratch.1.0": "ArithmeticError: no number; .headstart/logs has the traceback"}
    found = collected(cell("frozen"), cell("scratch"), failed=failed, node=node)
    assert found.failures == {"scratch-100%": failed["Trainer.scratch.1.0"]}
    assert "scratch-100%" not in [one.name for one in found.cells]
    assert any("Scratch has no result" in note for note in found.verdict.notes)
    assert node.outputs["predictions"].is_dir()  # the references did not fail


@pytest.mark.slow
def test_references_with_a_failure_are_named_and_forgotten_so_that_they_run_again(
    collected, cell, references
):
    node = references("pixels_svm")
    found = collected(cell("frozen"), node=node)
    assert found.failures == {
        "pixels_svm-100%": "pixels_svm on 12 images failed: MemoryError: cannot allocate 9 GB."
    }
    assert [one.name for one in found.cells] == [
        *("frozen-100%", "pixels_logistic-100%", "pixels_logistic-50%", "pixels_svm-50%")
    ]
    assert not node.outputs["predictions"].exists()
    assert [one["label_rank"] for one in found.cells[-1].predictions] == [0] * len(TEST)  # read before


@pytest.mark.slow
def test_a_base_that_is_the_champion_is_no_evidence_and_the_first_note_says_so(collected, cell):
    made = cell("frozen")
    told = [collected(made, weights=weights).verdict.notes for weights in ("champion", "imagenet")]
    assert told[0][0].startswith("The base is this data set's own champion")
    assert told[0][1:] == told[1]


def test_cross_validation_is_read_where_its_node_ran(tmp_path):
    assert collect._cross_validation({}) is None
    (tmp_path / "figures.json").write_text(json.dumps({"folds": [{"accuracy": 0.9}], "gap": None}))
    found = collect._cross_validation(
        {"CrossValidation": Node(True, {"predictions": tmp_path}, {}, 1000.0, 1001.0)}
    )
    assert found.made and found.figures["gap"] is None
    assert found.predictions == tmp_path / "out_of_fold.csv"


def test_the_seconds_of_our_own_pretraining_are_known_and_those_of_others_are_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos = config.load(TEMPLATE).base
    letters = photos.model_copy(update={"weights": "letters"})
    assert collect._pretraining(letters) is None
    Path("bases").mkdir()
    Path("bases/letters.json").write_text(json.dumps({"seconds": 90}))
    assert collect._pretraining(letters) == 90.0
    assert collect._pretraining(photos) is None

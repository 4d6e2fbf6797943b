"""Runs a study: checks first, then the TFX pipeline, then what it found goes to MLflow and the reports."""

from __future__ import annotations

import hashlib
import json
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from components.activations.store import CorruptedError, give_back, prune
from components.errors import HeadstartError
from components.features import LABEL, MANIFEST_COLUMNS, TEST, TRAIN
from pipeline import lineage, manifest, quiet, receipts, reports, serving, tracking
from pipeline.config import Config
from pipeline.data import split
from pipeline.outcome import Cell
from pipeline.places import CANDIDATE, DATA, LETTERS, MANIFEST, WORK

_STEPS = {
    "ImageExampleGen": "reading images",
    "StatisticsGen": "statistics",
    "SchemaGen": "schema",
    "StoppingExampleValidator": "looking for anomalies",
    "Transform": "decoding and resizing",
    "Embedder": "running the frozen part once an image",
    "Trainer": "training",
    "Baseline": "finding the last blessed model",
    "Evaluator": "evaluating on slices",
    "Pusher": "handing over if blessed",
}


def study(config: Config, console: Console) -> list[Cell]:
    """Train and evaluate by `config`; log, report and hand over to promotion.

    Raises:
        HeadstartError: anything the user can mend: no manifest, a tracking server or weights out of reach,
            another run under way, a component that failed.
    """
    started = time.time()
    rows = manifest.read(MANIFEST)
    WORK.mkdir(exist_ok=True)
    with _alone():
        experiment = tracking.reach(config.dataset)
        console.print("[dim]loading TensorFlow and TFX …[/]")
        weights, base = _load(config)
        inputs, receipt = _inputs(config, weights, base, rows, console)
        _run(inputs, console)
        nodes = lineage.last_run(WORK / "metadata.db")
        prune(nodes["Embedder"].outputs["activations"], config.store.budget_gb * 1e9)
        cell = _collect(config, nodes)
        tags = {
            "manifest": manifest.fingerprint(MANIFEST),
            "data_version": _data_version(),
            "git_commit": tracking.commit(),
            "trigger": "dvc repro",
        }
        (logged,) = tracking.log_study(experiment, config, [cell], tags, started)
        reports.write(cell)
        handed = {
            "dataset": config.dataset,
            "run_id": logged.run_id,
            "model_uri": logged.model_uri,
            "model": str(cell.model),
            "accuracy": cell.overall.metrics["accuracy"],
            "failures": cell.failures,
        }
        CANDIDATE.write_text(json.dumps(handed, indent=2) + "\n", encoding="utf-8")
        receipts.write("study", receipt)
    return [cell]


def _load(config: Config) -> tuple[str, Any]:
    """What `base.weights` stands for (`imagenet`, `random`, or a path), and the base built with it.

    Raises:
        HeadstartError: the weights cannot be had, or do not fit.
    """
    with quiet.loading():
        from components.base import bases

    named = config.base.weights
    if named == "letters":
        named = str(LETTERS)
    elif named == "champion":
        model = serving.champion(config.dataset)
        if model is None:
            raise HeadstartError(
                f"base.weights is 'champion', but {config.dataset} has none yet: "
                "start from 'imagenet' or a weights file, and promote a model first."
            )
        named = str(model / "assets.extra" / "base.weights.h5")
    return named, bases.load(**{**config.base.model_dump(), "weights": named})


def _inputs(
    config: Config, weights: str, base: Any, rows: list[manifest.Row], console: Console
) -> tuple[Any, dict[str, Any]]:
    """The pipeline's inputs, and the receipt of this run."""
    from components.activations.plan import plan
    from components.evaluator.config import eval_config
    from pipeline import graph

    # A column that says the same of every image makes no slices.
    columns = [n for n in rows[0] if n not in MANIFEST_COLUMNS and len({row[n] for row in rows}) > 1]
    sizes = Counter((name, row[name]) for row in rows if row["split"] == TEST for name in (LABEL, *columns))
    gated = sorted(pair for pair, count in sizes.items() if count >= config.gate.min_slice_images)
    digest = manifest.fingerprint(MANIFEST)
    weights_digest = _digest(Path(weights)) if Path(weights).is_file() else weights
    images = Counter(row["split"] for row in rows)
    classes = len({row[LABEL] for row in rows})
    augment = config.augment.model_dump()
    views = augment.pop("views")
    planned = plan(base, images, config.fine_tune.unfreeze_depth, views, config.store.budget_gb * 1e9)
    if planned.pixels and config.train.strategy == "fine_tune":
        console.print(f"fine-tuning will start from the images: {planned.pixels}", soft_wrap=True)
    loaded = {
        "base": {**config.base.model_dump(), "weights": weights},
        "weights_digest": weights_digest,
    }
    embedder = {
        **loaded,
        "depth": planned.depth,
        "views": planned.views,
        "chunk": planned.chunk,
        "augment": augment if planned.views > 1 else {},
        "code": _code("embedder", "activations", "base", "augment.py"),
    }
    sections = ("head", "augment", "frozen", "fine_tune", "train")
    trainer = {
        **loaded,
        **{name: getattr(config, name).model_dump() for name in sections},
        "images": split.subset_size(config.train.fraction, images[TRAIN], classes),
        "pixels": bool(planned.pixels),
        "code": _code("trainer", "activations", "base", "augment.py"),
    }
    inputs = graph.Inputs(
        name=re.sub(r"[^A-Za-z0-9-]", "-", config.dataset),
        work=WORK.resolve(),
        data=DATA.resolve(),
        manifest=MANIFEST.resolve(),
        fingerprints={"image_example_gen": f"{digest}-{_code('image_example_gen')}"},
        transform={"image_size": config.base.image_size, "code": _code("transform")},
        embedder=embedder,
        trainer=trainer,
        eval_config=eval_config(classes, columns, gated, config.gate.model_dump(), _code("evaluator")),
        beam_args=list(config.beam.args),
    )
    settings = json.dumps(
        config.model_dump(exclude={"demo", "pretrain", "prepare", "promotion", "beam"}), sort_keys=True
    )
    receipt = {
        "manifest": digest,
        "params": hashlib.sha256(settings.encode()).hexdigest(),
        "weights": weights_digest,
        "code": _code(),
    }
    return inputs, receipt


def _run(inputs: Any, console: Console) -> None:
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline import graph

    with _told(console) as running:
        try:
            try:
                LocalDagRunner().run(graph.create_pipeline(inputs))
            except CorruptedError as error:
                console.print(
                    f"[yellow]{error.path.name} in the activation store is damaged or gone: made again.[/]",
                    soft_wrap=True,
                )
                give_back(error.path.parent)
                LocalDagRunner().run(graph.create_pipeline(inputs))
        except Exception as error:
            raise _explain(error, running[-1] if running else "The pipeline") from error


@contextmanager
def _told(console: Console) -> Iterator[list[str]]:
    """Say which component runs, for how long, or that its result was there already."""
    from tfx.orchestration.portable import launcher

    launch = launcher.Launcher.launch
    running: list[str] = []

    def told(self: Any) -> Any:
        node = self._pipeline_node.node_info.id
        running.append(node)
        started = time.perf_counter()
        if console.is_terminal:
            console.print(f"  {node} [dim]{_STEPS.get(node, '')} …[/]", end="\r")
        info = launch(self)
        ran = getattr(info, "execution_output_uri", None)  # not where the cache, or the resolver, answered
        took = f"{time.perf_counter() - started:.1f} s" if ran else "unchanged"
        console.print(f"[green]✓[/] {node}: {took} [dim]({_STEPS.get(node, '')})[/]")
        return info

    launcher.Launcher.launch = told
    try:
        yield running
    finally:
        launcher.Launcher.launch = launch


def _collect(config: Config, nodes: dict[str, lineage.Node]) -> Cell:
    """Read what the nodes of a run left."""
    from components.evaluator import results
    from components.trainer import run_fn

    trainer, evaluator = nodes["Trainer"], nodes["Evaluator"]
    model = trainer.outputs["model"] / "Format-Serving"
    figures, history = run_fn.read(trainer.outputs["model_run"])
    found = results.read(evaluator.outputs["evaluation"])
    labels = figures.pop("labels")
    counts = [[found.confusion.get((a, p), 0) for p in range(len(labels))] for a in range(len(labels))]
    return Cell(
        strategy=config.train.strategy,
        fraction=config.train.fraction,
        model=model,
        cached=trainer.cached,
        labels=labels,
        figures=figures,
        history=history,
        overall=found.overall,
        slices=found.slices,
        confusion=counts,
        baseline_accuracy=found.baseline_accuracy,
        failures=found.failures,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Two studies would race for one metadata store."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(WORK / "lock", timeout=0):
            yield
    except Timeout:
        raise HeadstartError(
            f"Another run is under way in this folder (it holds {WORK / 'lock'}): wait for it, or stop it."
        ) from None


def _explain(error: Exception, component: str) -> HeadstartError:
    """The sentence for the user; Beam wraps our own errors in its, as text."""
    if isinstance(error, HeadstartError):
        return error
    text = "".join(traceback.format_exception(error))
    ours = re.search(r"HeadstartError: (.+?)(?: \[while running.*)?$", text, re.MULTILINE)
    if ours:
        return HeadstartError(ours.group(1))
    log = WORK / "error.log"
    log.write_text(text, encoding="utf-8")
    first = (str(error).strip().splitlines() or [""])[0][:300]
    return HeadstartError(
        f"{component} failed ({type(error).__name__}: {first}): {log} has the whole story; what was done "
        "before it is kept, and `dvc repro` goes on from there."
    )


def _code(*parts: str) -> str:
    """Digest of some of the components' source and of the libraries they compute with.

    TFX's cache sees neither. Without `parts`: of all the source, without the libraries.
    """
    from importlib.metadata import version

    import components

    root = Path(components.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not parts or name.parts[0] in ("features.py", *parts):
            digest.update(name.as_posix().encode() + path.read_bytes())
    if parts:
        digest.update(f"{version('tfx')} {version('tensorflow')} {version('keras')}".encode())
    return digest.hexdigest()[:16]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _data_version() -> str:
    """DVC's digest of the data folder, as data.dvc has it; empty where the data is not tracked."""
    found = re.search(r"md5: (\S+)", Path("data.dvc").read_text()) if Path("data.dvc").is_file() else None
    return found.group(1) if found else ""

"""Seconds and memory of each step from a folder of images to a promoted model, beside a bare decoding loop.

    make bench-data DATA=folder WEIGHTS=file

The data path is what comes before a trainer can read pixels. The loop decodes and resizes the same files with
`preprocessing.decode`, in one process of the same run; imports of our own and of the libraries and `dvc add`
are listed apart.
Memory is the most that the process had to itself while the step ran; pages of mapped files are not counted.
`benchmarks/more_photos.py` makes folders of many images.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
FILES = ("params.yaml", "dvc.yaml", "code.json", ".gitignore", ".dvcignore")
DATA_PATH = (
    *("import", "prepare", "ImageExampleGen", "StatisticsGen", "SchemaGen", "StoppingExampleValidator"),
    *("Transform", "Decoder"),
)

Spent = dict[str, tuple[float, float, float]]  # CPU seconds, wall seconds and peak megabytes by step

app = typer.Typer()


@app.command("measure")
def main(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="folder of labelled images")],
    weights: Annotated[Path, typer.Option(exists=True, help="MobileNetV2 without its top")],
    size: Annotated[int, typer.Option(help="side of the images, pixels")] = 224,
    alpha: Annotated[float, typer.Option(help="width of MobileNetV2")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="write the figures as JSON too")] = None,
) -> None:
    """Import, prepare, study with the frozen head alone, promote; then the bare loop."""
    spent: Spent = {}
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as folder:
        project = Path(folder)
        for name in FILES:
            shutil.copy(ROOT / name, project)
        for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(command, cwd=project, check=True)
        _child(project, "import", spent, data.resolve())
        _set(project / "params.yaml", weights.resolve(), size, alpha)
        for step in ("prepare", "study", "promote"):
            _child(project, step, spent)
        _child(project, "loop", spent, size)
    _show(spent)
    if out:
        out.write_text(json.dumps(spent, indent=1) + "\n", encoding="utf-8")


def _set(params: Path, weights: Path, size: int, alpha: float) -> None:
    content = yaml.safe_load(params.read_text(encoding="utf-8"))
    options = {} if alpha == 1.0 else {"alpha": alpha}
    content["base"] |= {"weights": str(weights), "image_size": size, "options": options}
    content["study"] |= {"strategies": ["frozen"], "references": False, "fractions": [0.1, 1.0]}
    content["study"] |= {"frozen_draws": 5}
    params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _child(project: Path, step: str, spent: Spent, *arguments: Any) -> None:
    command = [sys.executable, "-m", "benchmarks.data_path", "step", step, *map(str, arguments)]
    settings = {"PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "true", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        command, cwd=project, env=os.environ | settings, check=True, stdout=subprocess.PIPE, text=True
    )
    for name, (cpu, wall, memory) in json.loads(done.stdout.splitlines()[-1]).items():
        _add(spent, name, cpu, wall, memory)


def _add(spent: Spent, name: str, cpu: float, wall: float, memory: float) -> None:
    before = spent.get(name, (0.0, 0.0, 0.0))
    spent[name] = before[0] + cpu, before[1] + wall, max(before[2], memory)


@app.command("step", hidden=True)
def step(name: str, argument: Annotated[str, typer.Argument()] = "") -> None:
    """One step in a process of its own; its figures are the last line of standard output."""
    spent: Spent = {}
    console = Console(stderr=True)
    began = time.perf_counter()
    STEPS[name](spent, console, argument)
    total = time.process_time(), time.perf_counter() - began
    inside = [one for key, one in spent.items() if key != "dvc add"]
    cpu, wall = (max(0.0, total[i] - sum(one[i] for one in inside)) for i in range(2))
    spent["the rest"] = cpu, wall, 0.0  # of a study: timing steps, verdict, report, MLflow
    print(json.dumps(spent))


@contextmanager
def _counted(spent: Spent, name: str) -> Iterator[None]:
    done, peaks = threading.Event(), [_own_memory()]

    def watch() -> None:
        while not done.wait(0.2):
            peaks.append(_own_memory())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done.set()
    watcher.join()
    _add(spent, name, cpu, wall, max(peaks))


def _own_memory() -> float:
    """Anonymous memory of this process, megabytes; 0 where the system does not tell."""
    with suppress(OSError), open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Anonymous:"))
    return 0.0


def _import(spent: Spent, console: Console, source: str) -> None:
    with _counted(spent, "imports"):
        from headstart.pipeline.data import importing

    real = importing._dvc

    def timed(*arguments: Any) -> None:
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        real(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        spent["dvc add"] = cpu, time.perf_counter() - wall, after.ru_maxrss / 1024

    importing._dvc = timed
    with _counted(spent, "import"):
        importing.import_folder(Path(source), console=console)
    cpu, wall, memory = spent["import"]
    spent["import"] = cpu, wall - spent["dvc add"][1], memory


def _prepare(spent: Spent, console: Console, _: str) -> None:
    with _counted(spent, "imports"):
        from headstart.pipeline.config import file as config
        from headstart.pipeline.data.prepare import prepare

    loaded = config.load()
    with _counted(spent, "prepare"):
        prepare(loaded, console=console)


def _study(spent: Spent, console: Console, _: str) -> None:
    from headstart.pipeline.startup import blas

    blas.choose_kernels()
    with _counted(spent, "imports"):
        from tfx.orchestration.portable import launcher

        from headstart.pipeline.config import file as config
        from headstart.pipeline.study import graph
        from headstart.pipeline.study.study import study

        assert graph

    launch = launcher.Launcher.launch

    def timed(self: Any) -> Any:
        node = self._pipeline_node.node_info.id
        with _counted(spent, "cells" if node.startswith("Trainer") else node):
            return launch(self)

    launcher.Launcher.launch = timed
    study(config.load(), console)


def _promote(spent: Spent, console: Console, _: str) -> None:
    wall = time.perf_counter()
    subprocess.run(["headstart", "promote"], check=True, stdout=sys.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime
    spent["promote"] = cpu, time.perf_counter() - wall, after.ru_maxrss / 1024


def _loop(spent: Spent, console: Console, size: str) -> None:
    import tensorflow as tf

    from headstart.components.transform.preprocessing import decode
    from headstart.pipeline.data import manifest

    paths = [f"data/{row['path']}" for row in manifest.read()]
    dataset = tf.data.Dataset.from_tensor_slices(paths)
    images = dataset.map(lambda path: decode(tf.io.read_file(path), int(size)), tf.data.AUTOTUNE)
    with _counted(spent, "bare loop"):
        count = sum(1 for _ in images.prefetch(tf.data.AUTOTUNE))
    assert count == len(paths)
    console.print(f"{count} images")


STEPS: dict[str, Callable[[Spent, Console, str], None]] = {
    "import": _import,
    "prepare": _prepare,
    "study": _study,
    "promote": _promote,
    "loop": _loop,
}


def _show(spent: Spent) -> None:
    loop = spent["bare loop"][0]
    table = Table("step", "CPU s", "wall s", "CPU / bare loop", "peak MB", box=None)
    for name, (cpu, wall, memory) in spent.items():
        table.add_row(name, f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / loop:.2f}", f"{memory:.0f}")
    sums = {
        "data path": [one for name, one in spent.items() if name in DATA_PATH],
        "everything": [one for name, one in spent.items() if name != "bare loop"],
    }
    for name, steps in sums.items():
        cpu, wall = (sum(one[i] for one in steps) for i in range(2))
        memory = max(one[2] for one in steps)
        table.add_row(f"[bold]{name}", f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / loop:.2f}", f"{memory:.0f}")
    Console().print(table)


if __name__ == "__main__":
    app()

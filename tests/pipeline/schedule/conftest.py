"""A project in which `dvc` is a small script, and headstart runs in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "pipeline/cli/template/params.yaml"
HEADSTART = [sys.executable, "-m", "headstart.pipeline.cli.main"]


class Project:
    """A folder with params.yaml, and what `dvc` does in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        folder.mkdir(exist_ok=True)
        (folder / ".headstart").mkdir()
        self.params(dataset="birds")

    def params(self, **changes) -> None:
        """Change params.yaml; `dataset` at the top, any other key in the section `schedule`."""
        file = self.folder / "params.yaml"
        values = yaml.safe_load((file if file.exists() else TEMPLATE).read_text(encoding="utf-8"))
        values["dataset"] = changes.pop("dataset", values["dataset"])
        values["schedule"].update(changes)
        file.write_text(yaml.safe_dump(values), encoding="utf-8")

    def dvc(self, script: str) -> None:
        """Let `dvc repro` be a shell script; the variable `call` counts its calls."""
        bin_ = self.folder / "bin"
        bin_.mkdir(exist_ok=True)
        text = '#!/bin/bash\necho "$HEADSTART_TRIGGER" >> calls\ncall=$(grep -c "" calls)\n' + script
        (bin_ / "dvc").write_text(text)
        (bin_ / "dvc").chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What `dvc` was told about the trigger, for each call."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART")}
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**outside, "PATH": path, "PYTHONPATH": str(ROOT)}

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start `headstart schedule` with options."""
        process = subprocess.Popen(
            [*HEADSTART, "schedule", *options],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.processes.append(process)
        return process

    def run(self, *options: str) -> tuple[int, str]:
        """Run it to its end; its exit code, and what it printed."""
        process = self.start(*options)
        told, _ = process.communicate(timeout=60)
        return process.returncode, told

    def write_state(self, cron: str, done: str) -> None:
        state = {"cron": cron, "done": done}
        (self.folder / ".headstart/schedule.json").write_text(json.dumps(state))

    @property
    def log(self) -> str:
        """The log of the latest run."""
        return max((self.folder / ".headstart/logs/schedule").iterdir()).read_text()


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "birds")
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def wait_until(condition, seconds=30.0):
    """Wait for a condition; an error where it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def read_until(process, text):
    """The lines that a process prints until one has this text; the later ones stay to be read."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} did not come: {''.join(lines)}")

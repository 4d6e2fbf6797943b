"""Writes the file of a scheduler that a team has already: systemd, Kubernetes, GitHub Actions, Airflow."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing
from headstart.pipeline import project
from headstart.pipeline.config.schedule import Schedule
from headstart.pipeline.schedule.cron import Cron

_FOLDER = Path("deploy")
_TEMPLATES = Path(__file__).with_name("templates")
_MOUNTED = ["headstart"]  # in the image
_ADD = "--add"


@dataclass(frozen=True)
class Written:
    """The files, the commands to type next, and what the files need beside them, a sentence each."""

    files: list[Path]
    commands: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Wanted:
    """What to write.

    Args:
        cron: when.
        settings: the section `schedule`.
        dataset: its name; the names of files and objects come from it.
        options: of `headstart schedule` and their values, for every run.
        image: with headstart, for Kubernetes and GitHub.
        runner: GitHub's labels, with commas between them.
    """

    cron: Cron
    settings: Schedule
    dataset: str
    options: dict[str, str]
    image: str | None
    runner: str

    @property
    def name(self) -> str:
        """As every scheduler takes it: small letters, digits, dashes, at most 52 characters."""
        return "headstart-" + re.sub(r"[^a-z0-9]+", "-", self.dataset.lower())[:42].strip("-")

    @property
    def local(self) -> list[str]:
        """The command in this environment."""
        script = Path(sys.executable).with_name("headstart")
        headstart = (
            [str(script)] if script.is_file() else [sys.executable, "-m", "headstart.pipeline.cli.main"]
        )
        return [*headstart, *self.run]

    @property
    def run(self) -> list[str]:
        """What follows the program's name. `--once` is last: Airflow takes what ends in .sh for a file."""
        return ["schedule", *chain.from_iterable(self.options.items()), "--once"]

    def environment(self, kind: str, here: bool) -> dict[str, str]:
        """Variables of a run, which inherits nothing from this shell.

        Args:
            kind: of scheduler.
            here: whether it runs in this environment.
        """
        found = {project.TRIGGER: f"{kind}: {self.cron.expression}", "DVC_NO_ANALYTICS": "true"}
        tracking = os.environ.get("MLFLOW_TRACKING_URI", "")
        if tracking and "@" not in tracking:  # a password does not go to a file
            found["MLFLOW_TRACKING_URI"] = tracking
        if here:
            found["PATH"] = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        return found


def write(kind: str, wanted: Wanted, force: bool = False) -> Written:
    """Write the files of a scheduler.

    Args:
        kind: systemd, kubernetes, github or airflow.
        wanted: what to write.
        force: overwrite files that differ.

    Raises:
        HeadstartError: a file is there and differs, or the image is missing where it is needed.
    """
    notes: list[str] = []
    if kind in _CONTAINERS and _ADD in wanted.options:
        wanted, notes = _with_a_path_of_the_project(wanted)
    files, commands = _KINDS[kind](wanted)
    differing = [
        file for file, text in files.items() if file.is_file() and file.read_text(encoding="utf-8") != text
    ]
    if differing and not force:
        raise HeadstartError(
            f"{' and '.join(map(str, differing))} would change: move the changes of your own to "
            "another place, and give --force."
        )
    for file, text in files.items():
        with replacing(file) as fresh:
            fresh.write_text(text, encoding="utf-8")
    return Written(list(files), commands, notes)


def _with_a_path_of_the_project(wanted: Wanted) -> tuple[Wanted, list[str]]:
    """`--add` relative to the project, which is elsewhere in a container; a note where it is outside."""
    add = Path(wanted.options[_ADD])
    if not add.resolve().is_relative_to(Path.cwd()):
        return wanted, [
            f"{_ADD} {add} is outside the project: mount that folder in the container, at the same path."
        ]
    inside = str(add.resolve().relative_to(Path.cwd()))
    return replace(wanted, options={**wanted.options, _ADD: inside}), []


def _systemd(wanted: Wanted) -> tuple[dict[Path, str], list[str]]:
    service, timer = (_FOLDER / f"{wanted.name}.{suffix}" for suffix in ("service", "timer"))
    values = {"command": wanted.local, "environment": wanted.environment("systemd", here=True)}
    files = {
        service: _render("systemd.service", wanted, **values),
        timer: _render("systemd.timer", wanted),
    }
    return files, [
        f"systemctl --user link {_shell(service.absolute())}",
        f"systemctl --user enable --now {_shell(timer.absolute())}",
        "loginctl enable-linger   # it also runs while you are logged out",
        f"journalctl --user --unit {service.name}",
    ]


def _kubernetes(wanted: Wanted) -> tuple[dict[Path, str], list[str]]:
    file = _FOLDER / f"{wanted.name}.yaml"
    values = {"command": _MOUNTED + wanted.run, "environment": wanted.environment("kubernetes", here=False)}
    text = _render("kubernetes.yaml", wanted, image=_image(wanted), **values)
    return {file: text}, [
        f"kubectl apply --filename {_shell(file)}",
        f"kubectl create job --from=cronjob/{wanted.name} {wanted.name}-first",
        f"kubectl logs --follow job/{wanted.name}-first",
    ]


def _github(wanted: Wanted) -> tuple[dict[Path, str], list[str]]:
    git = ["git", "rev-parse", "--show-prefix"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    below = done.stdout.strip()  # empty, or the project's folder in the repository, with a slash
    top = Path(*[".."] * below.count("/"))
    file = top / ".github/workflows" / f"{wanted.name}.yml"
    environment = wanted.environment("github", here=False)
    environment.pop("MLFLOW_TRACKING_URI", None)  # a variable of the repository
    labels = [label.strip() for label in wanted.runner.split(",")]
    text = _render(
        "github.yaml",
        wanted,
        image=_image(wanted),
        command=_MOUNTED + wanted.run,
        environment=environment,
        runner=labels[0] if len(labels) == 1 else labels,
        gpu="gpu" in wanted.runner.lower(),
        folder=below.rstrip("/") or ".",
        below=below,
    )
    return {file: text}, [
        f"git add {_shell(file)} && git commit --message 'headstart on a schedule' && git push",
        "gh variable set MLFLOW_TRACKING_URI",
        f"gh workflow run {file.name}",
    ]


def _airflow(wanted: Wanted) -> tuple[dict[Path, str], list[str]]:
    file = _FOLDER / f"{wanted.name.replace('-', '_')}.py"
    # Airflow tries again, so that its pages show every try.
    command = replace(wanted, options={**wanted.options, "--retries": "0"}).local
    values = {"command": command, "environment": wanted.environment("airflow", here=True)}
    return {file: _render("airflow.py", wanted, **values)}, [
        f'cp {_shell(file)} "$AIRFLOW_HOME/dags/"   # Airflow has an environment of its own',
        f"airflow dags test {wanted.name}",
        f"airflow dags unpause {wanted.name}",
    ]


_KINDS: dict[str, Callable[[Wanted], tuple[dict[Path, str], list[str]]]] = {
    "systemd": _systemd,
    "kubernetes": _kubernetes,
    "github": _github,
    "airflow": _airflow,
}
_CONTAINERS = ("kubernetes", "github")  # which have the project at a place of its own


def _image(wanted: Wanted) -> str:
    if not wanted.image:
        raise HeadstartError(
            "An image with headstart is needed: build and push one with the Dockerfile of headstart's "
            "repository, and name it with --image."
        )
    return wanted.image


def _render(template: str, wanted: Wanted, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "json": _json,
        "percent": _percent,
        "python": _json,  # a text is written the same way
        "raw": lambda text: f"{{% raw %}}{text}{{% endraw %}}" if "{" in text else text,  # Airflow renders it
        "shell": _shell,
        "systemd": lambda text: _systemd_value(text).replace(
            "$", "$$"
        ),  # of ExecStart, which expands variables
        "systemd_value": _systemd_value,
    }
    return environment.get_template(f"{template}.jinja").render(
        name=wanted.name,
        dataset=wanted.dataset,
        cron=wanted.cron,
        missed=wanted.settings.missed,
        settings=wanted.settings,
        project=str(Path.cwd()),
        **values,
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shell(text: object) -> str:
    return shlex.quote(str(text))


def _percent(text: str) -> str:
    """In a systemd unit, a per cent sign starts a specifier."""
    return text.replace("%", "%%")


def _systemd_value(text: str) -> str:
    """In quotes where systemd would split or unescape it."""
    text = _percent(text)
    if re.fullmatch(r"[\w@%+=:,./$-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

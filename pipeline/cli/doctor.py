"""`headstart doctor`: what a run needs, looked at one by one, and what to do about it."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.data import swapping
from headstart.pipeline.project import DATA
from headstart.pipeline.serving import models
from headstart.pipeline.tracking import client

_NEEDED_GB = 5


def examine(console: Console) -> bool:
    """Print one line a check; return whether all is well.

    Every check returns what it found, or raises HeadstartError with the remedy.
    """
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("stack", _stack),
        ("disk", _disk),
        ("parameters", _parameters),
        ("data", _data),
        ("tracking", _tracking),
        ("champion", _champion),
    ]
    well = True
    for name, check in checks:
        try:
            console.print(f"[green]✓[/] {name}: {escape(check())}", soft_wrap=True)
        except HeadstartError as error:
            well = False
            console.print(f"[red]✗[/] {name}: {escape(str(error))}", soft_wrap=True)
    return well


def _python() -> str:
    if sys.version_info[:2] not in ((3, 10), (3, 12), (3, 13)):
        raise HeadstartError(
            f"{platform.python_version()} has no TFX: install headstart with Python 3.10, 3.12 or 3.13."
        )
    return f"{platform.python_version()} on {platform.platform()}"


def _stack() -> str:
    packages = ("tfx", "tensorflow", "keras", "apache-beam", "mlflow", "dvc")
    try:
        return ", ".join(f"{name} {version(name)}" for name in packages)
    except PackageNotFoundError as error:
        raise HeadstartError(
            f"{error.name} is not installed: install headstart again, with its dependencies."
        ) from error


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < _NEEDED_GB:
        raise HeadstartError(f"{free:.1f} GB are free here: make room for at least {_NEEDED_GB} GB.")
    return f"{free:.0f} GB free"


def _parameters() -> str:
    loaded = config.load()
    base = loaded.base
    return f"{config.PARAMS} is valid; {base.architecture}, {base.weights} weights, {base.image_size} px"


def _data() -> str:
    returned = " (an import was killed: the images from before it are back)" if swapping.repair() else ""
    classes = sorted(path.name for path in DATA.iterdir() if path.is_dir()) if DATA.is_dir() else []
    if not classes:
        raise HeadstartError(f"{DATA}/ has no images: run `headstart data import FOLDER`.")
    return f"{DATA}/ has {len(classes)} folders: {', '.join(classes[:12])}{returned}"


def _tracking() -> str:
    client.reach(config.load().dataset)
    return f"{client.address()} answers"


def _champion() -> str:
    found = models.champion(config.load().dataset)
    return f"served from {found}" if found else "none yet; the first blessed model becomes it"

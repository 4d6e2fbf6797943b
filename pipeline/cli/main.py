"""The entry point: all commands, Ctrl-C, and errors as one sentence."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli import app as application

# Importing them adds their commands, in the order in which `--help` shows them.
# ruff: isort: off
from headstart.pipeline.cli import projects
from headstart.pipeline.cli import images
from headstart.pipeline.cli import studies
from headstart.pipeline.cli import tuning
from headstart.pipeline.cli import planning
from headstart.pipeline.cli import thresholds
from headstart.pipeline.cli import models
from headstart.pipeline.cli import serving
from headstart.pipeline.cli import schedule

# ruff: isort: on

__all__ = [
    "images",
    "main",
    "models",
    "planning",
    "projects",
    "schedule",
    "serving",
    "studies",
    "thresholds",
    "tuning",
]


class Interrupted(BaseException):
    """Ctrl-C; not a KeyboardInterrupt, which click would turn into a bare "Aborted!"."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def main() -> None:
    """Run the command line; an error is one sentence, the place of the log, and exit code 1."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        application.app()
    except HeadstartError as error:
        _fail(error, str(error))
    except Exception as error:
        _fail(error, f"This should not happen ({type(error).__name__}: {error}).")
    except Interrupted:
        Console(stderr=True).print(
            "\nStopped. Finished work is kept; the same command resumes.", soft_wrap=True
        )
        sys.stdout.flush()
        os._exit(130)  # Beam's worker threads would hold the process


def _fail(error: Exception, told: str) -> NoReturn:
    """Log an error with its traceback, tell it in a sentence, and end."""
    logging.getLogger(__name__).error("%s", told, exc_info=error)
    if application.log is None and not isinstance(error, HeadstartError):
        raise error  # nowhere else would the traceback be
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]error:[/] {escape(told)}", soft_wrap=True)
    if application.log is not None and application.log.is_file():
        console.print(f"[dim]log: {application.log}[/]", soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()

"""The entry point: all commands, Ctrl-C, and errors as one sentence."""

from __future__ import annotations

import os
import signal
import sys

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli import app as application

# Importing them adds their commands, in the order in which `--help` shows them.
# ruff: isort: off
from headstart.pipeline.cli import projects
from headstart.pipeline.cli import images
from headstart.pipeline.cli import studies
from headstart.pipeline.cli import models

# ruff: isort: on

__all__ = ["images", "main", "models", "projects", "studies"]


class Interrupted(BaseException):
    """Ctrl-C; not a KeyboardInterrupt, which click would turn into a bare "Aborted!"."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def main() -> None:
    """Run the command line; an error that the user can fix is one sentence and exit code 1."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        application.app()
    except HeadstartError as error:
        if application.verbose and error.__cause__:
            import traceback

            traceback.print_exception(error.__cause__)
        Console(stderr=True, highlight=False).print(
            f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True
        )
        sys.exit(1)
    except Interrupted:
        Console(stderr=True).print(
            "\nStopped. Finished work is kept; the same command resumes.", soft_wrap=True
        )
        sys.stdout.flush()
        os._exit(130)  # Beam's worker threads would hold the process


if __name__ == "__main__":
    main()

"""Logs of libraries and of this program go to a file; the terminal shows them only with `--verbose`."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

_BYTES, _KEPT = 5_000_000, 3  # of one file; older files
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_native_to = os.devnull  # where native code writes while TensorFlow is imported; empty: to the terminal


class _File(logging.handlers.RotatingFileHandler):
    """Makes its folder when the first line is written."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


def set_up(file: Path | None, verbose: bool = False) -> None:
    """Send all logs to a file, and keep the terminal quiet; call it before the first heavy import.

    Python 3.10 is past its end of life, and Google's client libraries say so once each; CUDA factories
    are registered twice; Beam explains its runner. The user can fix none of that.

    Args:
        file: where to write; None, outside a project, drops the logs.
        verbose: show them on the terminal too.
    """
    global _native_to
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    handlers: list[logging.Handler] = []
    if file is not None:
        handlers.append(_File(file, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True))
    if verbose:
        handlers.append(logging.StreamHandler())
    # A root logger with a handler also keeps TensorFlow and absl from adding one for the terminal.
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=handlers or [logging.NullHandler()])
    if verbose:
        _native_to = ""
        return
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.simplefilter("ignore")
    # Some libraries reset the filters while they are imported; this one they inherit.
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.unraisablehook = lambda _: None  # TensorFlow's functions complain while the interpreter ends


@contextmanager
def loading() -> Iterator[None]:
    """Import TensorFlow inside this: its native code writes to descriptor 2 before any setting counts."""
    if not _native_to:
        yield
        return
    kept, nowhere = os.dup(2), os.open(_native_to, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

"""Libraries keep their notices to themselves, unless `--verbose` asks for them."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def hush(verbose: bool = False) -> None:
    """Set what libraries may print; call it before the first heavy import.

    Python 3.10 is past its end of life, and Google's client libraries say so once each; CUDA factories
    are registered twice; Beam explains its runner. The user can fix none of that.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if verbose:
        logging.basicConfig(level=logging.INFO)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.simplefilter("ignore")
    # Some libraries reset the filters while they are imported; this one they inherit.
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda _: None  # TensorFlow's functions complain while the interpreter ends


@contextmanager
def loading() -> Iterator[None]:
    """Import TensorFlow inside this: its native code writes to descriptor 2 before any setting counts."""
    if not logging.root.manager.disable:  # verbose
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

"""Logs go to a file, in a process of its own: logging is set up once a process."""

import subprocess
import sys

CODE = """
import logging, os
from pathlib import Path
from headstart.pipeline.startup import library_logs
library_logs.set_up({file}, verbose={verbose})
import absl.logging
absl.logging.warning("from absl")
logging.getLogger("tensorflow").info("from tensorflow")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("headstart").exception("it failed")
with library_logs.loading():
    os.write(2, b"native")
"""


def _run(folder, file, verbose=False):
    code = CODE.format(file=file, verbose=verbose)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


def test_the_terminal_is_quiet_and_the_file_has_everything_with_the_traceback(tmp_path):
    assert _run(tmp_path, 'Path("logs/study.log")') == ""
    log = (tmp_path / "logs/study.log").read_text(encoding="utf-8")
    assert "WARNING absl: from absl" in log
    assert "INFO tensorflow: from tensorflow" in log
    assert "ERROR headstart: it failed\nTraceback" in log and "ZeroDivisionError" in log


def test_verbose_shows_it_on_the_terminal_too(tmp_path):
    told = _run(tmp_path, 'Path("logs/study.log")', verbose=True)
    log = (tmp_path / "logs/study.log").read_text(encoding="utf-8")
    for text in ("from absl", "from tensorflow", "ZeroDivisionError"):
        assert text in told and text in log
    assert "native" in told


def test_outside_a_project_no_file_is_made(tmp_path):
    assert _run(tmp_path, None) == ""
    assert not list(tmp_path.iterdir())

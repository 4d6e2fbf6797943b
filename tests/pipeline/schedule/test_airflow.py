"""The written DAG in Airflow itself, in an environment of its own: a task that fails once is tried again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".tools/airflow"  # kept for the next time
PACKAGES = Path(__file__).with_name("airflow.txt")


def _run(*command, **options):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=900, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def airflow():
    """The command `airflow`, installed if it is not there yet."""
    uv = shutil.which("uv", path=os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]]))
    if uv is None:
        pytest.skip("uv is not here: `make setup` brings it")
    pythons = sorted(Path.home().glob(".pyenv/versions/3.12.*/bin/python3.12"))
    python = pythons[-1] if pythons else shutil.which("python3.12")
    if python is None:
        pytest.skip("Airflow 3.3 has its own environment, of Python 3.12, which is not here")
    stamp = ENVIRONMENT / "packages.txt"
    if not stamp.is_file() or stamp.read_bytes() != PACKAGES.read_bytes():
        settings = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
        _run(uv, "venv", "--clear", "--python", python, ENVIRONMENT, env=settings)
        _run(uv, "pip", "sync", "--python", ENVIRONMENT / "bin/python", PACKAGES, env=settings)
        shutil.copy(PACKAGES, stamp)
    return ENVIRONMENT / "bin/airflow"


@pytest.mark.long
def test_a_task_that_fails_once_is_tried_again_and_succeeds(airflow, project, tmp_path):
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=project.folder, check=True)
    failing = (
        'if [ ! -e tried ]; then touch tried; echo "error: The disk is full: make room." >&2; exit 1; fi'
    )
    (project.folder / "once.sh").write_text(f'{failing}\necho "$HEADSTART_TRIGGER" > out\n')
    (project.folder / "dvc.yaml").write_text("stages:\n  a:\n    cmd: sh once.sh\n    outs: [out]\n")
    project.params(backoff_minutes=0.01)
    place = project.folder.with_name("it's 100% {{ a }}")
    project.folder.rename(place)
    project.folder = place
    code, told = project.run("--cron", "0 3 * * 1", "--write", "airflow")
    assert code == 0, told

    dags = tmp_path / "airflow/dags"
    dags.mkdir(parents=True)
    (written,) = (place / "deploy").glob("*.py")
    shutil.copy(written, dags)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(dags.parent),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "NO_COLOR": "1",
    }
    _run(airflow, "db", "migrate", env=environment)
    told = _run(airflow, "dags", "test", "headstart-birds", env=environment)
    assert told.count("[DAG TEST] running task") == 2
    assert "failed: The disk is full: make room;" in told
    assert "new_state=up_for_retry" in told and "new_state=success" in told
    assert "done; ran a;" in told
    assert (place / "out").read_text() == "airflow: 0 3 * * 1\n"
    assert len(list((place / ".headstart/logs/schedule").iterdir())) == 2

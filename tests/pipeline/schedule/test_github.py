"""The steps of GitHub's workflow around a run: what they keep, what they commit, where they run."""

import subprocess

import pytest
import yaml

KEPT = ("dvc.lock", "data.dvc", "splits.csv", "accepted.json", "schema.pbtxt")


@pytest.fixture
def job(project):
    """The job of the workflow."""
    image = ("--image", "registry.example/headstart:1")
    code, told = project.run("--cron", "0 3 * * 1", "--write", "github", *image)
    assert code == 0, told
    (file,) = (project.folder / ".github/workflows").iterdir()
    return yaml.safe_load(file.read_text())["jobs"]["run"]


def _git(folder, *arguments):
    me = ("-c", "user.name=me", "-c", "user.email=me@localhost")
    done = subprocess.run(["git", *me, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one commit, as on a runner; the repository, and a person's clone, beside it."""
    _git(tmp_path, "init", "-q", "--bare", "--initial-branch=main", "repository")
    _git(tmp_path, "clone", "-q", "repository", "person")
    (tmp_path / "person/dvc.lock").write_text("old\n")
    (tmp_path / "person/README.md").write_text("old\n")
    _git(tmp_path / "person", "add", ".")
    _git(tmp_path / "person", "commit", "-qm", "first")
    _git(tmp_path / "person", "push", "-q", "origin", "HEAD:main")
    _git(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path}/repository", "runner")
    return tmp_path / "runner"


def _commit(job, folder, tmp_path):
    (step,) = [step for step in job["steps"] if step.get("name") == "Commit what the run changed"]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), **step["env"]}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_later_runs_must_know_is_committed_on_top_of_what_a_person_pushed_meanwhile(
    job, checkout, tmp_path
):
    for name in (*KEPT, "README.md", "other"):
        (checkout / name).write_text("new\n")
    (tmp_path / "person/mine").write_text("mine\n")
    _git(tmp_path / "person", "add", "mine")
    _git(tmp_path / "person", "commit", "-qm", "a person's")
    _git(tmp_path / "person", "push", "-q", "origin", "HEAD:main")

    done = _commit(job, checkout, tmp_path)
    assert done.returncode == 0, done.stderr
    log = _git(tmp_path / "repository", "log", "--format=%an: %s", "main").splitlines()
    assert log == ["headstart: headstart: a scheduled run", "me: a person's", "me: first"]
    changed = _git(tmp_path / "repository", "diff", "--name-only", "main~1", "main").split()
    assert changed == sorted(KEPT)


def test_a_run_that_changed_nothing_commits_nothing(job, checkout, tmp_path):
    done = _commit(job, checkout, tmp_path)
    assert done.returncode == 0, done.stderr
    assert _git(tmp_path / "repository", "log", "--format=%s", "main").splitlines() == ["first"]


def test_finished_work_is_kept_after_a_failed_run_too(job):
    steps = job["steps"]
    (restore,) = [step for step in steps if step.get("uses") == "actions/cache/restore@v4"]
    (save,) = [step for step in steps if step.get("uses") == "actions/cache/save@v4"]
    run = next(step for step in steps if step.get("run", "").startswith("headstart schedule"))
    assert steps.index(restore) < steps.index(run) < steps.index(save)
    assert save["if"] == "always()"
    assert save["with"]["path"] == restore["with"]["path"]
    assert save["with"]["key"] == restore["with"]["key"]

"""The written files, as the tools of those who read them see them."""

import ast
import os
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

KINDS = ("systemd", "kubernetes", "github", "airflow")
AWKWARD = "it's 100% $HOME {{ a }} \\ \\"
RUNNER = "self-hosted,gpu"


def _write(project, kind, *options):
    return project.run(
        "--cron", "0 3 * * 1", "--image", "registry.example/headstart:1", "--write", kind, *options
    )


def _written(project, kind, *options):
    code, told = _write(project, kind, *options)
    assert code == 0, told
    patterns = {
        "systemd": "deploy/headstart-*.*",
        "kubernetes": "deploy/headstart-*.yaml",
        "github": ".github/workflows/*.yml",
        "airflow": "deploy/*.py",
    }
    return sorted(project.folder.glob(patterns[kind]))


@pytest.fixture(params=["birds", AWKWARD])
def anywhere(project, request):
    """The project, in a folder of a plain name and in one that needs every kind of quotes."""
    place = project.folder.with_name(request.param)
    project.folder.rename(place)
    project.folder = place
    return project


@pytest.mark.parametrize("kind", KINDS)
def test_it_prints_the_files_and_the_commands_to_type_next(project, kind):
    code, told = _write(project, kind)
    assert code == 0
    assert told.startswith("Wrote ") and ". Next:\n" in told
    (commands,) = [told.partition("Next:\n")[2].strip().splitlines()]
    assert len(commands) == {"systemd": 4}.get(kind, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_differs_is_overwritten_only_by_force(project, kind):
    file = _written(project, kind)[0]
    text = file.read_text()
    assert _write(project, kind)[0] == 0  # the same again
    file.write_text(text + "# mine\n")
    code, told = _write(project, kind)
    assert code == 1
    assert f"{file.relative_to(project.folder)} would change" in told and "--force" in told
    assert file.read_text() == text + "# mine\n"
    assert _write(project, kind, "--force")[0] == 0
    assert file.read_text() == text


@pytest.mark.parametrize("kind", ["kubernetes", "github"])
def test_without_an_image_nothing_is_written(project, kind):
    code, told = project.run("--cron", "0 3 * * 1", "--write", kind)
    assert code == 1
    assert "name it with --image" in told
    assert not (project.folder / "deploy").exists() and not (project.folder / ".github").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("manager", ["--user", "--system"])
def test_systemd_accepts_the_units(anywhere, manager, tmp_path):
    files = _written(anywhere, "systemd", "--add", "new images/50%")
    assert [file.suffix for file in files] == [".service", ".timer"]
    done = subprocess.run(
        ["systemd-analyze", "verify", manager, "--recursive-errors=yes", *map(str, files)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_makes_up_for_missed_runs_as_asked(project):
    for missed, told in (("run", "true"), ("skip", "false")):
        _, timer = _written(project, "systemd", "--missed", missed, "--force")
        assert f"Persistent={told}\n" in timer.read_text()


def test_what_systemd_would_expand_is_escaped(anywhere):
    service, timer = _written(anywhere, "systemd", "--add", 'a $b\\c"d%e')
    lines = service.read_text().splitlines()
    assert f"WorkingDirectory={str(anywhere.folder).replace('%', '%%')}/" in lines
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert command.endswith(r' schedule --add "a $$b\\c\"d%%e" --once')
    assert 'Environment="HEADSTART_TRIGGER=systemd: 0 3 * * 1"' in lines
    assert "OnCalendar=Mon *-*-* 03:00:00" in timer.read_text().splitlines()


@pytest.mark.parametrize("kind", ["systemd", "kubernetes", "airflow"])
def test_the_tracking_server_goes_into_the_file_and_a_password_does_not(project, monkeypatch, kind):
    for address, there in (("https://tracking.example", True), ("https://me:secret@tracking.example", False)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        file = _written(project, kind, "--force")[0]
        assert ("tracking.example" in file.read_text()) is there


@pytest.mark.parametrize("kind", ["kubernetes", "github"])
def test_a_folder_of_the_project_is_named_as_the_container_has_it(project, kind):
    (file,) = _written(project, kind, "--add", str(project.folder / "new"))
    text = file.read_text()
    assert str(project.folder) not in text
    assert "headstart schedule --add new --once" in re.sub(r'[",\[\]]', "", text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("add", ["/mnt/new", "../new"])
def test_a_folder_outside_the_project_has_to_be_mounted_in_a_container(project, kind, add):
    code, told = _write(project, kind, "--add", add)
    assert code == 0
    note = f"--add {add} is outside the project: mount that folder in the container, at the same path."
    assert (note in told) == (kind in ("kubernetes", "github"))


@pytest.mark.parametrize("missed", ["run", "skip"])
def test_kubernetes_accepts_the_objects(anywhere, missed):
    (file,) = _written(anywhere, "kubernetes", "--missed", missed, "--retries", "3")
    claim, job = yaml.safe_load_all(file.read_text())
    for document in (claim, job):
        kubernetes_validate.validate(document, "1.31", strict=True)
    assert job["spec"]["schedule"] == "0 3 * * 1"
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert ("startingDeadlineSeconds" in job["spec"]) == (missed == "skip")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/headstart:1"
    assert container["command"] == ["headstart", "schedule", "--retries", "3", "--once"]
    assert {"name": "HEADSTART_TRIGGER", "value": "kubernetes: 0 3 * * 1"} in container["env"]


def test_kubernetes_refuses_what_is_misspelt(project):
    (file,) = _written(project, "kubernetes")
    text = file.read_text().replace("concurrencyPolicy", "concurencyPolicy")
    _, job = yaml.safe_load_all(text)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.31", strict=True)


def test_the_names_are_those_that_kubernetes_takes(project):
    project.params(dataset="Birds of the_Whole.World seen from a very high place")
    (file,) = _written(project, "kubernetes")
    _, job = yaml.safe_load_all(file.read_text())
    assert job["metadata"]["name"] == "headstart-birds-of-the-whole-world-seen-from-a-very"
    kubernetes_validate.validate(job, "1.31", strict=True)


@pytest.fixture
def inner(project):
    """The project, as a folder of a larger repository."""
    place = project.folder / "models/birds"
    place.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    shutil.move(project.folder / "params.yaml", place)
    return place


def test_github_runs_at_the_top_of_the_repository_in_the_projects_folder(project, inner):
    top, project.folder = project.folder, inner
    code, told = _write(project, "github", "--runner", RUNNER)
    assert code == 0, told
    (file,) = (top / ".github/workflows").iterdir()
    workflow = yaml.safe_load(file.read_text())
    assert workflow[True] == {"schedule": [{"cron": "0 3 * * 1"}], "workflow_dispatch": None}  # `on`, to YAML
    job = workflow["jobs"]["run"]
    assert job["runs-on"] == ["self-hosted", "gpu"]
    assert job["container"]["options"] == "--user root --gpus all"
    assert job["defaults"]["run"]["working-directory"] == "models/birds"
    steps = [step.get("run") for step in job["steps"]]
    assert (
        steps.index("dvc pull --allow-missing")
        < steps.index("headstart schedule --once")
        < steps.index("dvc push")
    )


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
@pytest.mark.parametrize("runner", ["ubuntu-latest", RUNNER])
def test_actionlint_accepts_the_workflow(anywhere, runner, tmp_path):
    (file,) = _written(anywhere, "github", "--runner", runner, "--add", "new images")
    labels = tmp_path / "actionlint.yaml"
    labels.write_text("self-hosted-runner:\n  labels: [gpu]\n")
    done = subprocess.run(
        ["actionlint", "-config-file", labels, file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_dag_is_python_with_the_projects_folder_and_command(anywhere):
    (file,) = _written(anywhere, "airflow", "--add", "new images")
    tree = ast.parse(file.read_text())
    calls = {
        node.func.id: node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and hasattr(node.func, "id")
    }
    given = {
        word.arg: word.value.value
        for name in ("DAG", "BashOperator")
        for word in calls[name].keywords
        if isinstance(word.value, ast.Constant)
    }
    assert (given["schedule"], given["catchup"], given["max_active_runs"]) == ("0 3 * * 1", False, 1)
    assert given["retries"] == 2 and given["retry_exponential_backoff"] == 2.0
    assert given["cwd"].replace("{% raw %}", "").replace("{% endraw %}", "") == str(anywhere.folder)
    assert given["bash_command"].endswith(" schedule --add 'new images' --retries 0 --once")


def test_only_airflow_tries_again_as_often_as_asked(project):
    (file,) = _written(project, "airflow", "--retries", "7", "--busy", "leave")
    assert " schedule --busy leave --retries 0 --once" in file.read_text()
    assert "retries=7," in file.read_text()

"""One unattended run: what it prints, how it ends, when it tries again, whom it tells."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer

import pytest
from rich.console import Console

from headstart.pipeline.config import file as config
from headstart.pipeline.schedule import unattended

UNCHANGED = 'echo "Data and pipelines are up to date."'
DECIDE = """
echo "Running stage 'study':"
echo "Running stage 'promote':"
echo '{"candidate": "0a", "alias": "%s", "version": "4", "reason": "%s"}' > .headstart/promotion.json
"""
PROMOTE = DECIDE % ("champion", "blessed, and the first")
BLOCK = DECIDE % ("challenger", "not blessed: accuracy 0.41 is under 0.8")
FAIL = """
echo "Running stage 'study':"
echo "error: The tracking server does not answer: start it."
echo "ERROR: failed to reproduce 'study': failed to run: headstart study, exited with 1"
exit 255
"""


@pytest.fixture
def server():
    """A local server; its attribute `bodies` has what was posted, `status` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.bodies.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        made.bodies, made.status = [], 200
        made.address = f"http://127.0.0.1:{made.server_port}/token-of-mine"
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def echo():
    """The address of a server that does not speak HTTP: it sends back what it gets."""

    class Handler(StreamRequestHandler):
        def handle(self):
            self.wfile.write(self.rfile.readline())

    with TCPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_address[1]}/token-of-mine"
        made.shutdown()


def test_a_run_that_finds_nothing_changed_says_so(project):
    project.dvc(UNCHANGED)
    code, told = project.run("--once")
    assert code == 0
    assert "nothing changed" in told and told.count("\n") == 1
    assert "Data and pipelines are up to date." in project.log


def test_a_promotion_is_told_with_version_reason_and_stages(project):
    project.dvc(PROMOTE)
    code, told = project.run("--once")
    assert code == 0
    assert "promoted: version 4, blessed, and the first; ran study, promote;" in told


def test_a_blocked_promotion_is_no_failure(project):
    project.dvc(BLOCK)
    code, told = project.run("--once")
    assert code == 0
    assert "blocked: version 4, not blessed: accuracy 0.41 is under 0.8; ran study, promote;" in told


def test_a_champion_that_stays_is_not_promoted_again(project):
    project.params(on_promoted="echo promoted >> hooks")
    project.dvc(PROMOTE)
    project.run("--once")
    project.dvc(DECIDE % ("champion", "it is the champion already"))
    code, told = project.run("--once")
    assert code == 0
    assert "done: version 4, it is the champion already; ran study, promote;" in told
    assert (project.folder / "hooks").read_text() == "promoted\n"


def test_an_old_decision_is_not_told_again(project):
    project.dvc(PROMOTE)
    project.run("--once")
    project.dvc("echo \"Running stage 'prepare':\"")
    code, told = project.run("--once")
    assert code == 0
    assert "promoted" not in told
    assert "done; ran prepare;" in told


@pytest.mark.parametrize("text", ["", "{", "[1]", "7"])
def test_a_damaged_decision_is_none(project, text):
    (project.folder / ".headstart/promotion.json").write_text(text)
    project.dvc("echo \"Running stage 'prepare':\"")
    code, told = project.run("--once")
    assert (code, "done; ran prepare;" in told) == (0, True)
    project.dvc(PROMOTE)
    assert "promoted: version 4" in project.run("--once")[1]


def test_an_unexpected_error_is_a_failure_that_is_tried_again_and_calls_the_hook(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.params(on_failure="touch hooked", retries=1, backoff_minutes=0.0)
    tries = []

    def broken(*arguments):
        tries.append(arguments)
        raise RuntimeError("no such thing")

    monkeypatch.setattr(unattended, "repro", broken)
    console = Console(record=True, width=300)
    outcome = unattended.Job(config.load().schedule, "birds", "schedule: once", None, console).run()
    assert (outcome.result, outcome.exit_code, len(tries)) == ("failed", 1, 2)
    assert "failed: RuntimeError: no such thing" in console.export_text()
    assert (project.folder / "hooked").exists()


def test_the_trigger_is_the_expression_unless_the_caller_has_named_one(project, monkeypatch):
    project.dvc(UNCHANGED)
    project.run("--once")
    project.run("--once", "--cron", "0 3 * * 1")
    environment = {**project.environment, "HEADSTART_TRIGGER": "airflow: 0 3 * * 1"}
    monkeypatch.setattr(type(project), "environment", environment)
    project.run("--once", "--cron", "0 4 * * 1")
    assert project.calls == ["schedule: once", "schedule: 0 3 * * 1", "airflow: 0 3 * * 1"]


def test_a_failure_that_passes_is_tried_again(project):
    project.dvc(f"if [ $call -lt 3 ]; then {FAIL} fi\n{PROMOTE}")
    code, told = project.run("--once", "--retries", "2", "--backoff", "0.005")
    assert code == 0
    lines = told.splitlines()
    assert "try 1 of 3 failed: The tracking server does not answer: start it; next try at" in lines[0]
    assert "try 2 of 3 failed" in lines[1]
    assert "promoted: version 4" in lines[2]


def test_a_failure_that_stays_ends_with_the_runs_exit_code_and_calls_the_hook_once(project):
    project.params(on_failure='cat > "$HEADSTART_EVENT.json"; echo "$HEADSTART_REASON" >> reasons')
    project.dvc(FAIL)
    code, told = project.run("--once", "--retries", "1", "--backoff", "0")
    assert code == 255
    assert len(project.calls) == 2
    reason = "The tracking server does not answer: start it."
    assert f"failed: {reason[:-1]};" in told.splitlines()[-1]
    assert (project.folder / "reasons").read_text() == f"{reason}\n"
    facts = json.loads((project.folder / "failure.json").read_text())
    assert facts["event"] == "failure" and facts["dataset"] == "birds" and facts["reason"] == reason
    assert facts["project"] == str(project.folder)
    assert "ERROR: failed to reproduce 'study'" in Path(facts["log"]).read_text()


def test_a_run_that_a_signal_ended_has_the_shells_exit_code(project):
    project.dvc("kill -KILL $$")
    code, told = project.run("--once", "--retries", "0")
    assert code == 137
    assert "failed: exit code 137" in told


def test_a_blocked_promotion_is_posted_to_a_webhook(project, server):
    project.params(on_blocked=server.address, on_failure="touch failed", on_promoted="touch promoted")
    project.dvc(BLOCK)
    project.run("--once", "--cron", "0 3 * * 1")
    ((kind, facts),) = server.bodies
    assert kind == "application/json"
    assert facts == {
        "event": "blocked",
        "project": str(project.folder),
        "dataset": "birds",
        "reason": "not blessed: accuracy 0.41 is under 0.8",
        "version": "4",
        "trigger": "schedule: 0 3 * * 1",
        "log": facts["log"],
    }
    assert not (project.folder / "failed").exists() and not (project.folder / "promoted").exists()


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ("webhook", "webhook at 127.0.0.1: HTTP status 500"),
        ("nobody listens", "webhook at 127.0.0.1: ConnectionRefusedError"),
        ("another protocol", "webhook at 127.0.0.1: BadStatusLine"),
        ("command", "it exited with 3"),
    ],
)
def test_a_hook_that_fails_is_reported_and_changes_nothing(project, server, echo, hook, why):
    server.status = 500
    hooks = {
        "webhook": server.address,
        "nobody listens": "http://127.0.0.1:9/token-of-mine",
        "another protocol": echo,
        "command": "exit 3",
    }
    project.params(on_promoted=hooks[hook])
    project.dvc(PROMOTE)
    code, told = project.run("--once")
    assert code == 0
    assert "promoted: version 4" in told
    assert "The hook on_promoted failed" in told
    assert "token-of-mine" not in told and why in told


def test_the_logs_of_the_last_hundred_runs_are_kept(project):
    project.dvc(UNCHANGED)
    logs = project.folder / ".headstart/logs/schedule"
    logs.mkdir(parents=True)
    for number in range(105):
        (logs / f"2020-01-01T00-00-{number:03}.log").touch()
    project.run("--once")
    kept = sorted(file.name for file in logs.iterdir())
    assert len(kept) == 100
    assert kept[0] == "2020-01-01T00-00-006.log" and not kept[-1].startswith("2020")


def test_without_a_time_and_with_a_bad_one_the_error_says_what_to_give(project):
    project.dvc(UNCHANGED)
    code, told = project.run()
    assert code == 1 and "give --cron '0 3 * * 1'" in told
    code, told = project.run("--cron", "0 25 * * 1")
    assert code == 1 and "the hour is '25', and it goes from 0 to 23" in told
    assert project.calls == []

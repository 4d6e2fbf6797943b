"""A schedule runs what has changed, and nothing else."""

from __future__ import annotations

SCHEDULE = ("headstart", "schedule", "--once", "--cron", "0 3 * * 1")


def test_a_scheduled_run_names_itself_in_mlflow_and_tells_what_was_decided(project):
    assert "nothing changed" in project.run(*SCHEDULE)
    params = project.params
    params["study"]["strategies"] = ["fine_tune"]
    params["train"]["seed"] = 1
    params["fine_tune"]["steps"] = 10
    params["gate"] |= {"min_accuracy": 0.0}
    params["schedule"]["on_blocked"] = 'echo "$HEADSTART_REASON" > reason.txt'
    project.write(params)

    told = project.run(*SCHEDULE)
    reason = project.read(".headstart/promotion.json")["reason"]
    assert reason.startswith(("worse", "not shown to be better"))
    assert f"blocked: version 2, {reason}; ran tune, study, promote;" in told
    assert (project.folder / "reason.txt").read_text() == f"{reason}\n"
    _, parent, _ = project.runs()
    assert parent.data.tags["trigger"] == "schedule: 0 3 * * 1"
    assert "nothing changed" in project.run(*SCHEDULE)

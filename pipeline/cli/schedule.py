"""The command `schedule`: unattended runs, in the foreground or by a scheduler that is there already."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import app, console


@app.command(rich_help_panel="The project")
def schedule(
    cron: Annotated[
        str | None,
        typer.Option(help="When: minute, hour, day, month, weekday. '0 3 * * 1' is Mondays at 03:00."),
    ] = None,
    add: Annotated[
        Path | None, typer.Option(file_okay=False, help="Import new images of this folder before each run.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Run once at the start, too.")] = False,
    once: Annotated[
        bool,
        typer.Option("--once", help="Run once, and exit with its code; 75: another run was under way."),
    ] = False,
    missed: Annotated[
        Literal["run", "skip"] | None, typer.Option(help="Whether one run makes up for missed ones.")
    ] = None,
    busy: Annotated[
        Literal["wait", "leave"] | None, typer.Option(help="What to do while another run is under way.")
    ] = None,
    retries: Annotated[int | None, typer.Option(min=0, help="Further tries of a run that fails.")] = None,
    backoff: Annotated[
        float | None, typer.Option(min=0.0, help="Minutes before the first of them; doubles with each.")
    ] = None,
    write: Annotated[
        Literal["systemd", "kubernetes", "github", "airflow"] | None,
        typer.Option(help="Write the files of this scheduler instead, and print how to install them."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="An image with headstart, for --write kubernetes and --write github.")
    ] = None,
    runner: Annotated[
        str, typer.Option(help="Runner labels for --write github, such as self-hosted,gpu.")
    ] = "ubuntu-latest",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
) -> None:
    """Run the pipeline unattended: `dvc repro`, which includes promotion, at the times of a cron expression.

    Defaults and hooks are in the section `schedule` of params.yaml.
    """
    from headstart.pipeline.config import file as config
    from headstart.pipeline.project import TRIGGER
    from headstart.pipeline.schedule import loop, writing
    from headstart.pipeline.schedule.cron import Cron
    from headstart.pipeline.schedule.outcome import LEFT
    from headstart.pipeline.schedule.unattended import Job

    loaded = config.load()
    given = {"cron": cron, "missed": missed, "busy": busy, "retries": retries, "backoff_minutes": backoff}
    settings = loaded.schedule.model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    times = Cron(settings.cron) if settings.cron else None
    if times is None and (write or not once):
        raise HeadstartError("No time is set: give --cron '0 3 * * 1', or set schedule.cron in params.yaml.")
    if times and write:
        repeated = {"--add": add, "--busy": busy, "--retries": retries, "--backoff": backoff}
        options = {name: str(value) for name, value in repeated.items() if value is not None}
        wanted = writing.Wanted(times, settings, loaded.dataset, options, image, runner)
        written = writing.write(write, wanted, force)
        console.print(
            "Wrote " + " and ".join(map(str, written.files)) + ". Next:\n", markup=False, soft_wrap=True
        )
        for command in written.commands:
            console.print(f"  {command}", markup=False, soft_wrap=True)
        for note in written.notes:
            console.print(f"\n[yellow]{escape(note)}[/]", soft_wrap=True)
        return

    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # a service is stopped like Ctrl-C
    trigger = os.environ.get(TRIGGER) or f"schedule: {settings.cron or 'once'}"
    job = Job(settings, loaded.dataset, trigger, add, console)
    if once:
        raise typer.Exit(job.run().exit_code)
    if times and not loop.forever(times, job, now):
        raise typer.Exit(LEFT)

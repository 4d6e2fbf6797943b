"""Commands about the project as a whole: `new`, `upgrade`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.pipeline.cli.app import app, console


@app.command(rich_help_panel="The project")
def new(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
) -> None:
    """Make a project: parameters, pipeline, Git and DVC, ready for `headstart data import`."""
    from headstart.pipeline.cli.new_project import create

    create(folder)
    console.print(
        f"Made the project {folder}/. Next:\n\n"
        f"  cd {folder}\n"
        "  headstart data import ~/photos   one sub-folder for each class\n"
        "  dvc repro                        train, compare, judge, promote\n",
        markup=False,
        highlight=False,
    )


@app.command(rich_help_panel="The project")
def upgrade() -> None:
    """Bring a project to this version: its stages and the digests of their code; name what will run again."""
    from headstart.pipeline.cli import stages
    from headstart.pipeline.cli.upgrade import update
    from headstart.pipeline.config import file as config

    files = update()
    config.load()  # what is wrong beside a missing key
    if changed := stages.changed():
        stages.write()
        files.append(str(stages.FILE))
    if not files:
        console.print("Nothing to do: the project has the files of this version.")
        return
    again = f"The next `dvc repro` runs again: {', '.join(changed)}. " if changed else ""
    console.print(f"{again}Commit {', '.join(files)}.", soft_wrap=True)


@app.command(rich_help_panel="The project")
def doctor() -> None:
    """Check Python, the stack, disk, tracking store and data, and say what to fix."""
    from headstart.pipeline.cli.doctor import examine

    raise typer.Exit(0 if examine(console) else 1)

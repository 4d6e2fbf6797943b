"""Commands about the project as a whole: `new`, `upgrade`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.pipeline.cli.app import app, console


@app.command()
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


@app.command()
def upgrade() -> None:
    """Accept the code of this version of headstart: name the stages that will run again, and note it."""
    from headstart.pipeline import code_digest
    from headstart.pipeline.config import file as config

    config.load()  # says so where this is no project
    if not (stages := code_digest.changed_stages()):
        console.print("Nothing to do: this project has run with the same code.")
        return
    code_digest.write()
    console.print(
        f"The next `dvc repro` runs again: {', '.join(stages)}. Commit {code_digest.FILE}.", soft_wrap=True
    )


@app.command()
def doctor() -> None:
    """Check Python, the stack, disk, tracking store and data, and say what to fix."""
    from headstart.pipeline.cli.doctor import examine

    raise typer.Exit(0 if examine(console) else 1)

"""Commands that bring images in: `data import`, `demo`, `prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import app, console

data_app = typer.Typer(no_args_is_help=True, help="Bring images in, accept them.")
app.add_typer(data_app, name="data", rich_help_panel="Images")


@data_app.command("import")
def data_import(
    folder: Annotated[
        Path, typer.Argument(help="One sub-folder a class, or train/validation/test above them.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the data set; the folder's by default.")] = None,
    add: Annotated[bool, typer.Option("--add", help="Let the images join those that data/ has.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --add: also images that were removed from data/ before.")
    ] = False,
) -> None:
    """Copy a labelled image folder into data/ and track it with DVC.

    What was in data/ before stays in DVC's cache. Files that are not readable images are skipped, with the
    reason. If the demo's base is set, params.yaml gets an ImageNet base at 224 px, and what training needs.

    With --add the images join data/. Those that it has are skipped, and so are those that somebody removed
    from it. params.yaml stays as it is.
    """
    if add:
        from headstart.pipeline.data.adding import add_folder

        if name is not None:
            raise HeadstartError("--name goes with a whole import: with --add the data set keeps its name.")
        add_folder(folder, console=console, again=again)
        return
    if again:
        raise HeadstartError("--again goes with --add: a whole import takes all images.")
    from headstart.pipeline.data.importing import import_folder

    import_folder(folder, name=name, console=console)


@app.command(rich_help_panel="Images")
def demo() -> None:
    """Make the demo's images in data/: real handwritten digits in drawn scenes. Needs no network.

    Does nothing where data/ holds images of your own.
    """
    from headstart.pipeline.config import file as config
    from headstart.pipeline.demo import digits
    from headstart.pipeline.project import DATA

    if DATA.exists():
        console.print(f"[dim]{DATA}/ is there already.[/]")
        return
    if config.load().dataset != "digits-in-the-wild":
        raise HeadstartError(
            "data/ is missing, and params.yaml is not the demo's: import images with `headstart data import "
            "FOLDER`, or get tracked ones back with `dvc checkout data.dvc`. The demo runs in a clone of "
            "headstart's repository, with its own params.yaml and data.dvc."
        )
    counts = digits.write(DATA, config.load().demo.seed)
    console.print(f"Made {sum(counts.values())} images of {len(counts)} classes in {DATA}/.")


@app.command(rich_help_panel="Images")
def prepare() -> None:
    """Write the manifest: splits, nested subsets, content hashes, slices (the DVC stage `prepare`)."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.data import accepted, memory
    from headstart.pipeline.data.prepare import prepare as run
    from headstart.pipeline.project import not_in_git

    prepared = run(config.load(), console=console)
    for note in prepared.notes:
        console.print(f"[yellow]{escape(note)}[/]", soft_wrap=True)
    console.print(prepared.sentence())
    if missing := " ".join(map(str, not_in_git(memory.FILE, accepted.FILE))):
        console.print(
            f"[yellow]Not in git: {missing}. The run goes on. Run `git add {missing}` and commit: "
            "without them a clone or `dvc exp run --temp` draws other splits.[/]",
            soft_wrap=True,
        )


@data_app.command("accept")
def data_accept() -> None:
    """Take the present images as right: the next `dvc repro` compares later ones with them.

    Removes accepted.json and schema.pbtxt; that run writes them anew. The splits stay as they are.
    """
    from headstart.pipeline.config import file as config
    from headstart.pipeline.data import accepted
    from headstart.pipeline.project import SCHEMA

    config.load()  # an error where this is no project
    known = [file for file in (accepted.FILE, SCHEMA) if file.is_file()]
    if not known:
        console.print("There is nothing to accept: the next `dvc repro` accepts the images.")
        return
    for file in known:
        file.unlink()
    names = list(map(str, known))
    console.print(
        f"Removed {' and '.join(names)}: the next `dvc repro` accepts the present images. "
        f"To undo, `git checkout {' '.join(names)}`.",
        soft_wrap=True,
    )

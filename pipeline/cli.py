"""The `headstart` command. Heavy imports live inside the commands: `--help` answers at once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from components.errors import HeadstartError
from pipeline import quiet

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""From a folder of labelled images to a served classifier, by transfer learning.

    \b
    headstart data import ~/photos   take a folder with one sub-folder a class
    dvc repro                        train, compare, judge, promote
    headstart report                 did transfer learning save time and data?
    headstart ui                     compare the runs in MLflow
    headstart predict some.jpg       ask the champion

    Every number is in params.yaml; `dvc exp run -S fine_tune.steps=300` tries another.""",
)
data_app = typer.Typer(no_args_is_help=True, help="Bring images in.")
app.add_typer(data_app, name="data")
console = Console(highlight=False)


@app.callback()
def _options(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Let TensorFlow, Beam and TFX talk, and show tracebacks.")
    ] = False,
) -> None:
    global _verbose
    _verbose = verbose or bool(os.environ.get("HEADSTART_VERBOSE"))
    quiet.hush(_verbose)


_verbose = False


@data_app.command("import")
def data_import(
    folder: Annotated[
        Path, typer.Argument(help="One sub-folder a class, or train/validation/test above them.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the data set; the folder's by default.")] = None,
) -> None:
    """Copy a labelled image folder into data/ and track it with DVC.

    What was in data/ before stays in DVC's cache. Files that are not readable images are left out, and
    named. Coming from the demo, params.yaml is switched to an ImageNet base at 224 px, and to what
    training one needs.
    """
    from pipeline.data import import_folder

    import_folder(folder, name=name, console=console)


@app.command()
def demo() -> None:
    """Make the demo's images in data/: real handwritten digits in drawn scenes. Needs no network.

    Does nothing where data/ holds images of your own.
    """
    from pipeline import config
    from pipeline.demo import digits
    from pipeline.places import DATA

    if DATA.exists():
        console.print(f"[dim]{DATA}/ is there already.[/]")
        return
    if config.load().dataset != "digits-in-the-wild":
        raise HeadstartError(
            "data/ is missing and params.yaml names a data set of your own: get it back with "
            "`dvc checkout data.dvc` or `headstart data import FOLDER`; "
            "for the demo, `git checkout params.yaml data.dvc` first."
        )
    counts = digits.write(DATA, config.load().demo.seed)
    console.print(f"Made {sum(counts.values())} images of {len(counts)} classes in {DATA}/.")


@app.command()
def pretrain() -> None:
    """Train the demo's base on printed letters (the DVC stage `pretrain`; minutes)."""
    from pipeline import config
    from pipeline.places import LETTERS
    from pipeline.pretrain import pretrain as run

    console.print(run(config.load().pretrain, out=LETTERS))


@app.command()
def prepare() -> None:
    """Write the manifest: splits, nested subsets, content hashes, slices (the DVC stage `prepare`)."""
    from pipeline import config, manifest

    console.print(manifest.prepare(config.load(), console=console).sentence())


@app.command()
def study(
    full: Annotated[
        bool,
        typer.Option("--full", help="The large one: the cells of study.full in params.yaml."),
    ] = False,
) -> None:
    """Did transfer learning save time and data? Train every cell, compare, judge (the DVC stage `study`).

    What an earlier study trained with the same numbers is taken from there.
    """
    from pipeline import blas

    blas.choose_kernels()
    from pipeline import config, reports, runner

    runner.study(config.load(), console, full)
    if full:
        reports.show(console)
        console.print("[dim]headstart promote hands its best model over.[/]")


@app.command()
def report() -> None:
    """Open the last study's report, reports/report.html, in the browser."""
    import webbrowser

    from pipeline import reports

    if not reports.PAGE.is_file():
        raise HeadstartError(f"{reports.PAGE} is not here: run `dvc repro` first.")
    opened = webbrowser.open(reports.PAGE.resolve().as_uri())
    console.print(f"{reports.PAGE}{'' if opened else ' (there is no browser here to open it)'}")


@app.command()
def promote() -> None:
    """Register the candidate; serve it if it is blessed and beats the champion (the DVC stage `promote`)."""
    from pipeline import champion, config

    champion.promote(config.load(), console)


@app.command()
def show() -> None:
    """Print the last study's result and what was decided."""
    from pipeline import reports

    reports.show(console)


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 3,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object a line, all classes.")] = False,
) -> None:
    """Ask the champion what is in an image: label and probabilities."""
    import json

    from pipeline import config, serving

    for path, answer in zip(images, serving.ask_champion(config.load().dataset, images)):
        if json_output:
            typer.echo(
                json.dumps({"image": str(path), "label": answer.label, "probabilities": answer.probabilities})
            )
            continue
        best = list(answer.probabilities.items())[:top]
        told = ", ".join(f"{label} {probability:.1%}" for label, probability in best)
        console.print(f"{path}: [bold]{answer.label}[/] ({told})")


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 5000) -> None:
    """Compare the runs in MLflow's UI, on the loopback address."""
    from pipeline import config, tracking

    address = tracking.ui_address(config.load().dataset, port)
    console.print(f"{address} (in some seconds; Ctrl-C ends it)", soft_wrap=True)
    tracking.serve_ui(port)


@app.command()
def doctor() -> None:
    """Check Python, the stack, disk, tracking store and data, and say what to mend."""
    from pipeline.doctor import examine

    raise typer.Exit(0 if examine(console) else 1)


class Interrupted(BaseException):
    """Ctrl-C; not a KeyboardInterrupt, which click would turn into a bare "Aborted!"."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def main() -> None:
    """Run the command line; an error that the user can mend is one sentence and exit code 1."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except HeadstartError as error:
        if _verbose and error.__cause__:
            import traceback

            traceback.print_exception(error.__cause__)
        Console(stderr=True, highlight=False).print(
            f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True
        )
        sys.exit(1)
    except Interrupted:
        Console(stderr=True).print(
            "\nStopped; what had finished is kept, and the same command goes on from there.", soft_wrap=True
        )
        sys.stdout.flush()
        os._exit(130)  # Beam's worker threads would hold the process


if __name__ == "__main__":
    main()

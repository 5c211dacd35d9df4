"""The program: its help and its own options."""

from __future__ import annotations

from typing import Annotated

import typer

from handgrad import __version__
from handgrad.cli.usage import Commands

app = typer.Typer(
    name="handgrad",
    cls=Commands,
    help="Train, use and look inside a neural network whose every gradient is derived by "
    "hand.\n\nStart with [green]handgrad train[/]: it learns to read handwritten digits. Then "
    "[green]handgrad trace model.safetensors mnist-5k[/] shows every matrix of one digit's pass, "
    "and [green]handgrad check[/] checks each formula by machine.",
    epilog="A [bold]SOURCE[/] of data is one of:\n\n"
    "[cyan]mnist-5k[/]: 5,000 real handwritten digits, installed with handgrad\\[digits]\n\n"
    "[cyan]mnist[/]: the 70,000 digits of MNIST, downloaded once\n\n"
    "[cyan]digits[/]: scikit-learn's 8×8 digits\n\n"
    "[cyan]a folder[/]: with MNIST's four IDX files, or with one subfolder of images per class\n\n"
    "[cyan]a file[/]: .csv with a header and a label column, or .npz with X and y\n\n"
    "[cyan]Parquet, Arrow or Feather[/] with a label column: a file, a folder, a pattern such as "
    "'rows/*.parquet', or an address such as s3://bucket/rows\n\n"
    "Every command prints JSON under [bold]--json[/] and explains itself under [bold]--help[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"handgrad {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options of the program itself."""

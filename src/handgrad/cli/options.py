"""Arguments and options that several commands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from handgrad.engines.threads import MOST_THREADS

SourceArgument = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Data; handgrad --help lists what it can be.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model file that train wrote.")
]
LabelOption = Annotated[
    str | None,
    typer.Option(
        help="The label column of a table; by default that of the model, if there is one, "
        "or else 'label'. Several with commas hold several labels, or values."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
EngineOption = Annotated[
    Literal["auto", "native", "reference"], typer.Option(help="Engine that computes the passes.")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=MOST_THREADS, help="Threads of the native engine; all processors by default."
    ),
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Seed of the initial values, and of the order of rows.")
]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the page; if it is taken, a free one.")
]
BrowserOption = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page if there is a display.")
]


def above_zero(value: float | None) -> float | None:
    """Return a number, or refuse it unless it is finite and above 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a number above 0.")
    return value

"""The options of rows beyond memory, and of clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli import terminal
from handgrad.jobs.streaming import Streaming

StreamOption = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Read the rows in blocks even if they take less than a quarter of the free memory.",
    ),
]
WindowOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many leaves of 8,192 rows lie in memory together (8 by default); implies "
        "--stream.",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="A folder that keeps decoded rows; implies --stream."),
]
DaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Train on the workers of this Dask scheduler; 'local' starts some here. Implies "
        "--stream.",
    ),
]


def streaming_of(
    stream: bool, window: int | None, cache: Path | None, dask: str | None
) -> Streaming:
    """Return how the rows are read."""
    wanted = stream or dask is not None or window is not None or cache is not None
    return Streaming(wanted, window, cache, _say)


def _say(text: str) -> None:
    terminal.show_line(text, terminal.passing())

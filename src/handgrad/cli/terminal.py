"""What the command line shows: tables, pictures in characters, and a progress bar.

Names come from files and may contain any characters. They are shown unchanged, except that
unprintable characters are escaped, so that none of them can control the terminal.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from handgrad.quoting import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    import numpy.typing as npt

    from handgrad import engines
    from handgrad.derivation.checks import FormulaCheck

SHADES = " ░▒▓█"
WIDTH_OF_A_PIPE = 140
LARGE_COST = 1e6


def results() -> Console:
    """Return the console for results: standard output, wide enough for any table in a pipe."""
    width = None if sys.stdout.isatty() else WIDTH_OF_A_PIPE
    return Console(highlight=False, width=width)


def literal(text: str) -> Text:
    """Return a text that is shown without markup, with unprintable characters escaped."""
    return Text(escaped(text))


def show_line(text: str, console: Console | None = None) -> None:
    """Print a text that may contain names: without markup, and on one line of any length."""
    console = console or results()
    console.print(literal(text), soft_wrap=True)


def passing() -> Console:
    """Return the console for messages: standard error, so that results can be piped."""
    return Console(stderr=True, highlight=False)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show that something takes a while."""
    with passing().status(literal(text)):
        yield


@contextmanager
def training_progress(
    iterations: int, asked: Event
) -> Iterator[Callable[[engines.Progress], bool]]:
    """Show a bar with the newest cost and accuracy, if there is a terminal.

    Yields a callback for the run; it returns True once the event asks for the end of the run.
    """
    console = passing()
    bar = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=iterations, figures="")

        def show(progress: engines.Progress) -> bool:
            figures = f"cost {cost_text(progress.costs[-1])}"
            if not np.isnan(progress.accuracies[-1]):  # as for values
                figures += f"  accuracy {progress.accuracies[-1]:.2%}"
            bar.update(task, completed=len(progress.costs), figures=figures)
            return asked.is_set()

        yield show


def check_table(checks: Sequence[FormulaCheck]) -> Table:
    """Tabulate the checks, one row per formula."""
    table = Table("id", "formula", "checked against", title="The derivation, checked in float64")
    table.add_column("largest relative error", justify="right")
    table.add_column("")
    for check in checks:
        verdict = Text("pass", "green") if check.passed else Text("FAIL", "bold red")
        methods = Text(", ").join(
            Text(method, "bold red" if method in check.failed_methods else "")
            for method in check.methods
        )
        table.add_row(check.formula, Text(check.statement), methods, f"{check.error:.1e}", verdict)
    return table


def cost_text(cost: float) -> str:
    """Return a cost as a short text; the cost of values may have any size.

    Examples
    --------
    >>> cost_text(0.25), cost_text(2.5e30)
    ('0.2500', '2.5e+30')
    """
    return f"{cost:.4f}" if abs(cost) < LARGE_COST else f"{cost:.6g}"


def picture(x: npt.NDArray[Any], image_shape: tuple[int, int]) -> str:
    """Draw one sample, with values from 0 to 1, as shades: two characters per pixel."""
    levels = np.rint(np.clip(x, 0, 1) * (len(SHADES) - 1)).astype(int).reshape(image_shape)
    return "\n".join("".join(SHADES[level] * 2 for level in row).rstrip() for row in levels)


def fact_table(facts: Mapping[str, Any]) -> Table:
    """Tabulate facts, one per line."""
    table = Table(show_header=False, box=None)
    for name, fact in facts.items():
        shown = ", ".join(fact) if isinstance(fact, list) else str(fact)
        table.add_row(Text(name.replace("_", " "), "bold"), literal(shown))
    return table

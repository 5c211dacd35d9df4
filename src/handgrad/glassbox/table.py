"""A pass as a table for the terminal, with one row per matrix."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.glassbox.steps import TraceStep

WIDE = 100  # enough room for six numbers beside a formula
WIDTH_OF_A_FORMULA = 45  # including the shape and the borders
NARROWEST_NUMBERS = 40


def trace_table(steps: Sequence[TraceStep], *, full: bool, width: int) -> Table:
    """Return a table of every matrix of a pass, ``width`` characters wide.

    Large matrices are shortened unless ``full`` is true.
    """
    table = Table("id", "formula", "shape", title="Forward and backward", show_lines=True)
    table.add_column("values", no_wrap=True)
    for step in steps:
        formula = Text(f"{step.formula.statement}\n").append(step.formula.meaning, "dim")
        name = f"{step.name}\n{'×'.join(map(str, step.value.shape)) or '1'}"
        table.add_row(step.formula.id, formula, name, _numbers(step.value, full=full, width=width))
    return table


def as_text(table: Table, *, width: int) -> str:
    """Return a table as plain text with ``width`` characters per line."""
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _numbers(value: npt.NDArray[Any], *, full: bool, width: int) -> Text:
    numbers = np.array2string(
        value,
        precision=4,
        suppress_small=True,
        max_line_width=max(width - WIDTH_OF_A_FORMULA, NARROWEST_NUMBERS),
        threshold=sys.maxsize if full else 100,
        edgeitems=3 if width >= WIDE else 2,
    )
    return Text(numbers)

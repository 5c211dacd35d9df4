"""A pass as a table for the terminal, with one row per matrix."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handgrad.quoting import escaped, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.glassbox.steps import TraceStep
    from handgrad.model import Model

WIDE = 100  # enough room for six numbers beside a formula
WIDTH_OF_A_FORMULA = 45  # including the shape and the borders
NARROWEST_NUMBERS = 40
LONGEST_NAME = 60  # characters of a class in a list


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


def rows_note(model: Model) -> str:
    """Say what the rows of the last layer stand for.

    Examples
    --------
    >>> from handgrad import Network
    >>> from handgrad.model import Model
    >>> rows_note(Model.of(Network.initial(), class_names=tuple("abcdefghij")))
    'Rows of Z2 and A2: 0 a, 1 b, 2 c, 3 d, 4 e, 5 f, 6 g, 7 h, 8 i, 9 j.'
    >>> rows_note(Model.of(Network.initial(hidden=(3, 3), classes=1, output="logistic")))
    'A3 is the probability of class 1.'
    """
    last, names = len(model.layers), model.class_names
    Z, A = f"Z{last}", f"A{last}"
    is_numbered = list(names) == [str(k) for k in range(len(names))]
    shown = [shortened(escaped(name), LONGEST_NAME) for name in names]
    if model.columns > model.K:
        one = "class 1" if is_numbered else f"class 1, {shown[1]}; class 0 is {shown[0]}"
        return f"{A} is the probability of {one}."
    if is_numbered:
        each = {"classes": "class", "labels": "label", "values": "value"}[model.predicts]
        return f"Row k of {Z} and {A} stands for {each} k."
    return f"Rows of {Z} and {A}: {', '.join(f'{k} {name}' for k, name in enumerate(shown))}."


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

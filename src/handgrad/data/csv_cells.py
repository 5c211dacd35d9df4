"""Reads CSV cell by cell, for files with quotes, and to name the cell that is wrong."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

from handgrad.data.csv_header import number
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handgrad.data.csv_header import Layout

SPARE_COMMAS = 1 << 17  # within the cells of a row: as many as the longest cell has characters


class _Meter:
    """Passes lines on to Python's reader, and counts their commas and characters."""

    def __init__(self, layout: Layout, lines: Iterable[str], first: int) -> None:
        self.layout = layout
        self.lines = iter(lines)
        self.line = first - 1
        self.commas = self.characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.line += 1
        self.characters += len(line)
        self.commas += line.count(",")
        if self.commas >= len(self.layout.names) + SPARE_COMMAS:
            self.layout.fail(
                self.line, f"its row has more than {self.commas:,} cells", _cells(self.layout)
            )
        return line


def batches_of_rows(
    layout: Layout, lines: Iterable[str], first: int, most: int
) -> Iterator[list[tuple[int, list[str]]]]:
    """Yield batches of rows; a row is the number of its first line, and its cells.

    A batch ends when its lines have more than ``most`` characters.
    """
    meter = _Meter(layout, lines, first)
    reader = csv.reader(meter, strict=True)
    batch = []
    while True:
        line = meter.line + 1
        meter.commas = 0
        try:
            cells = next(reader, None)
        except csv.Error as error:
            layout.fail(line, f"it is not CSV ({error})", "cells between commas")
        if cells is None:
            break
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if len(cells) != len(layout.names):
            layout.fail(line, f"it has {len(cells):,} cells", _cells(layout))
        batch.append((line, cells))
        if meter.characters > most:
            yield batch
            batch = []
            meter.characters = 0
    if batch:
        yield batch


def read_label(layout: Layout, line: int, cells: list[str]) -> str:
    """Return the label of a row."""
    assert layout.label is not None  # noqa: S101 - for the type checker: callers have checked
    label = cells[layout.label].strip()
    if not label:
        layout.fail(line, f"column {quoted(layout.names[layout.label])} is empty", "a label")
    return label


def read_targets(layout: Layout, line: int, cells: list[str]) -> list[float]:
    """Return the labels or values of a row."""
    if layout.wanted.predicts == "labels":
        return [_mark(layout, line, column, cells[column]) for column in layout.numbers]
    return [_number(layout, line, column, cells[column]) for column in layout.numbers]


def read_features(layout: Layout, line: int, cells: list[str]) -> list[float]:
    """Return the features of a row."""
    return [_feature(layout, line, column, cells[column]) for column in layout.features]


def _feature(layout: Layout, line: int, column: int, cell: str) -> float:
    value = _number(layout, line, column, cell)
    if layout.pixels and not (0 <= value <= 255 and value.is_integer()):
        where = f"column {quoted(layout.names[column])} holds {quoted(cell.strip())}"
        layout.fail(line, where, "a pixel, a whole number from 0 to 255")
    return value


def _mark(layout: Layout, line: int, column: int, cell: str) -> float:
    value = number(cell)
    if value is None or value not in (0, 1):
        where = f"column {quoted(layout.names[column])} holds {quoted(cell.strip())}"
        layout.fail(line, where, layout.wanted.expected)
    return value


def _number(layout: Layout, line: int, column: int, cell: str) -> float:
    value = number(cell)
    where = f"column {quoted(layout.names[column])}"
    if not cell.strip():
        layout.fail(line, f"{where} is empty", "a number")
    where += f" holds {quoted(cell.strip())}"
    if value is None:
        layout.fail(line, where, "a number")
    if not math.isfinite(value):
        layout.fail(line, where, "a finite number")
    return value


def _cells(layout: Layout) -> str:
    return f"{len(layout.names):,}, one for each column of the header"

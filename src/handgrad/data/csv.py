"""CSV files with a header: one column of labels, numbers in all others.

Blocks of lines are parsed by NumPy. Where NumPy finds a fault, the block is read again cell by
cell, to name its line and column; so are files with quotes, which may hold commas.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from handgrad.data.dataset import Part
from handgrad.data.streams import open_unpacked
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

CELLS_A_BLOCK = 1_000_000
LONGEST_LINE = 1 << 24
PIXEL_NAME = re.compile(r"pixel\d+|\d+x\d+", re.ASCII | re.IGNORECASE)
COLUMNS_NAMED = 10


class _Layout(NamedTuple):
    """What the header says."""

    path: Path
    names: list[str]
    label: int | None  # index of the label column
    features: list[int]  # indices of all others
    pixels: bool  # whether features are pixels by their names

    def fail(self, line: int, found: str, expected: str) -> NoReturn:
        raise DataError(f"{self.path}, line {line}: {found}; expected {expected}.")


def read_csv(path: Path, label: str, *, needs_labels: bool) -> Part:
    """Read a CSV file, ``.csv`` or ``.csv.gz``."""
    with open_unpacked(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        lines = _lines(path, text)
        layout = _read_header(path, next(lines, ""), label, needs_labels=needs_labels)
        blocks = list(_blocks(layout, lines))
    if not blocks:
        raise DataError(f"{path} holds a header and no rows; expected one row a sample.")
    X = np.concatenate([block for block, _ in blocks])
    labels = None
    if layout.label is not None:
        labels = [label for _, block in blocks for label in block]
    side = math.isqrt(X.shape[1])
    is_square = layout.pixels and side * side == X.shape[1]
    names = None if layout.pixels else tuple(layout.names[column] for column in layout.features)
    return Part(X, labels, (side, side) if is_square else None, feature_names=names)


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise DataError(f"{path} has a line of more than {LONGEST_LINE:,} characters.")
        yield line


def _read_header(path: Path, line: str, label: str, *, needs_labels: bool) -> _Layout:
    names = [name.strip() for name in _cells(path, line)]
    if not any(names):
        raise DataError(f"{path} is empty; expected a header with the names of its columns.")
    if all(_number(name) is not None for name in names):
        raise DataError(
            f"{path} starts with numbers; expected a header with the names of its columns."
        )
    if len(names) == 1 and (";" in line or "\t" in line):
        raise DataError(f"{path} has no comma in its header; expected commas between the cells.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path} has two columns named {twice!r}; expected different names.")
    if needs_labels and label not in names:
        shown = ", ".join(names[:COLUMNS_NAMED]) + (", …" if len(names) > COLUMNS_NAMED else "")
        raise DataError(
            f"{path} has no column {label!r} among its columns ({shown}); "
            "expected a label column: name it with --label."
        )
    features = [column for column, name in enumerate(names) if name != label]
    if not features:
        raise DataError(f"{path} has no column besides {label!r}; expected at least one feature.")
    return _Layout(
        path,
        names,
        names.index(label) if label in names else None,
        features,
        all(PIXEL_NAME.fullmatch(names[column]) for column in features),
    )


def _blocks(layout: _Layout, lines: Iterator[str]) -> Iterator[tuple[npt.NDArray[Any], list[str]]]:
    """Yield rows and labels, some thousand lines at a time."""
    size = max(1, CELLS_A_BLOCK // len(layout.names))
    first = 2  # the number of the block's first line; the header is line 1
    while block := list(itertools.islice(lines, size)):
        if any('"' in line for line in block):  # a cell may span lines: read on cell by cell
            rest = _parse_by_cell(layout, itertools.chain(block, lines), first)
            while rows := list(itertools.islice(rest, size)):
                X, labels = _stack(layout, rows)
                yield _typed(layout, X), labels
            return
        X, labels = _parse_block(layout, block, first)
        if len(X):
            yield _typed(layout, X), labels
        first += len(block)


def _parse_block(
    layout: _Layout, block: list[str], first: int
) -> tuple[npt.NDArray[Any], list[str]]:
    """Parse lines without quotes: by NumPy, or by cell where NumPy or a check finds a fault."""
    filled = [line for line in block if not line.isspace()]
    if not filled:
        return np.empty((0, len(layout.features))), []
    X = _parse_by_numpy(layout, filled)
    if X is not None:
        labels = [] if layout.label is None else [_cell(line, layout.label) for line in filled]
        if all(labels):
            return X, labels
    return _stack(layout, list(_parse_by_cell(layout, block, first)))


def _stack(
    layout: _Layout, rows: list[tuple[list[float], str]]
) -> tuple[npt.NDArray[np.float64], list[str]]:
    X = np.array([x for x, _ in rows], dtype=np.float64).reshape(-1, len(layout.features))
    return X, [label for _, label in rows]


def _parse_by_numpy(layout: _Layout, lines: list[str]) -> npt.NDArray[Any] | None:
    """Return the features, or None where anything is not as it should be."""
    commas = len(layout.names) - 1
    if any(line.count(",") != commas for line in lines):
        return None
    if layout.pixels:
        X = _load(layout, lines, np.uint8)  # several times faster than floating numbers
        if X is not None:
            return X
    X = _load(layout, lines, np.float64)
    faultless = _are_pixels if layout.pixels else _are_finite
    return X if X is not None and faultless(X) else None


def _load(
    layout: _Layout, lines: list[str], dtype: type[np.number[Any]]
) -> npt.NDArray[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a fraction that would become a whole number
        try:
            return np.loadtxt(
                lines, dtype, delimiter=",", comments=None, usecols=layout.features, ndmin=2
            )
        except (ValueError, OverflowError, Warning):
            return None


def _are_finite(X: npt.NDArray[np.float64]) -> bool:
    return bool(np.isfinite(X).all())


def _are_pixels(X: npt.NDArray[np.float64]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((X >= 0) & (X <= 255) & (np.floor(X) == X)).all())


def _typed(layout: _Layout, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return X.astype(np.uint8, copy=False) if layout.pixels else X


def _parse_by_cell(
    layout: _Layout, lines: Iterable[str], first: int
) -> Iterator[tuple[list[float], str]]:
    """Yield features and label of each row, or say which cell is at fault."""
    reader = csv.reader(lines, strict=True)
    while True:
        line = first + reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            layout.fail(line, f"it is not CSV ({error})", "cells between commas")
        if cells is None:
            return
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if len(cells) != len(layout.names):
            layout.fail(
                line,
                f"it has {len(cells)} cells",
                f"{len(layout.names)}, one a column of the header",
            )
        label = "" if layout.label is None else cells[layout.label].strip()
        if layout.label is not None and not label:
            layout.fail(line, f"column {layout.names[layout.label]!r} is empty", "a label")
        yield [_feature(layout, line, column, cells[column]) for column in layout.features], label


def _feature(layout: _Layout, line: int, column: int, cell: str) -> float:
    value = _number(cell)
    where = f"column {layout.names[column]!r}"
    if not cell.strip():
        layout.fail(line, f"{where} is empty", "a number")
    if value is None:
        layout.fail(line, f"{where} holds {cell.strip()[:40]!r}", "a number")
    if not math.isfinite(value):
        layout.fail(line, f"{where} holds {cell.strip()}", "a finite number")
    if layout.pixels and not (0 <= value <= 255 and value.is_integer()):
        layout.fail(line, f"{where} holds {cell.strip()}", "a pixel, a whole number from 0 to 255")
    return value


def _cells(path: Path, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise DataError(f"{path}, line 1: it is not CSV ({error}); expected a header.") from error


def _cell(line: str, column: int) -> str:
    """Return one cell of a line without quotes."""
    return line.split(",", column + 1)[column].strip()


def _number(cell: str) -> float | None:
    """Return the number that a cell holds; Python's own grouping by _ is none in a CSV file."""
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None

"""CSV files with a header: one column of classes, or several of numbers; features in all others.

NumPy parses blocks of lines; if lines have quotes, Python's own reader first splits them into
cells. If NumPy finds a fault, the block is read again cell by cell to name the line and the column.
"""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data import lines
from handgrad.data.csv_cells import batches_of_rows, read_features, read_label, read_targets
from handgrad.data.csv_header import Layout, read_header
from handgrad.data.dataset import Part
from handgrad.data.streams import open_unpacked
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.data.targets import TargetColumns

    Targets = list[str] | npt.NDArray[np.float64]
    Block = tuple[npt.NDArray[Any], Targets]

# NumPy looks characters up in tables by their code points without a check of the range, and takes
# some control characters for blanks. So it only gets characters that occur in numbers.
OF_NUMBERS = b"0123456789+-.eE, \t\v\f\n"
HIDDEN = bytes(byte if byte in OF_NUMBERS else ord("?") for byte in range(256))


def read_csv(
    path: Path,
    targets: TargetColumns,
    features: Sequence[str] | None = None,
    *,
    needs_targets: bool,
) -> Part:
    """Read a CSV file, ``.csv`` or ``.csv.gz``; if features are given, only these columns."""
    parts: list[npt.NDArray[Any]] = []
    labels: list[Any] = []  # texts, or arrays of numbers
    known: dict[str, str] = {}  # one object per label, however often the label occurs
    with open_unpacked(path) as stream:
        blocks = lines.line_blocks(path, stream)
        header, rest = lines.split_first_line(next(blocks, b""))
        line = header.decode("utf-8-sig")
        layout = read_header(path, line, targets, features, needs_targets=needs_targets)
        for X, found in _parse(layout, itertools.chain([rest], blocks)):
            parts.append(X)
            if isinstance(found, list):
                labels += [known.setdefault(text, text) for text in found]
            else:
                labels.append(found)
    if not parts:
        raise DataError(f"{path} holds a header but no rows; expected one row per sample.")
    return Part(
        _joined(parts),
        (np.concatenate(labels) if layout.numbers else labels) if layout.targets else None,
        layout.image_shape,
        feature_names=tuple(layout.names[column] for column in layout.features),
        target_names=targets.names,
    )


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Join blocks of rows, and free each block as soon as it is copied."""
    X = np.empty((sum(map(len, parts)), parts[0].shape[1]), parts[0].dtype)
    end = len(X)
    while parts:
        part = parts.pop()
        X[end - len(part) : end] = part
        end -= len(part)
    return X


def _parse(layout: Layout, blocks: Iterator[bytes]) -> Iterator[Block]:
    first = 2  # the line number of the block's first line; the header is line 1
    for block in blocks:
        if b'"' in block:  # a cell may span lines, and blocks
            yield from _parse_quoted(layout, itertools.chain([block], blocks), first)
            return
        if block.isspace():
            first += lines.count_lines(block)
            continue
        plain = lines.with_line_feeds(block)
        rows = plain.decode().split("\n")
        X, labels = _parse_plain(layout, plain, rows, first)
        if len(X):
            yield X, labels
        first += len(rows) - 1


def _parse_plain(layout: Layout, block: bytes, rows: list[str], first: int) -> Block:
    """Parse lines without quotes, which are given both as bytes and as text."""
    hidden = block.translate(HIDDEN)
    numbers = rows if hidden == block else hidden.decode().split("\n")
    filled = [bool(row) and not row.isspace() for row in rows]
    if not all(filled):
        rows = list(itertools.compress(rows, filled))
        numbers = list(itertools.compress(numbers, filled))
    commas = len(layout.names) - 1
    if all(row.count(",") == commas for row in rows):
        X = _parse_by_numpy(layout, numbers, layout.features)
        targets = _plain_targets(layout, rows, numbers)
        if X is not None and targets is not None:
            return X, targets
    batches = list(batches_of_rows(layout, lines.text_lines([block]), first, len(block)))
    return _parse_by_cell(layout, [row for batch in batches for row in batch])


def _plain_targets(layout: Layout, rows: list[str], numbers: list[str]) -> Targets | None:
    """Return the targets, or None if anything is not as expected."""
    if not layout.numbers:
        labels = _plain_labels(layout, rows)
        return labels if all(labels) else None
    Y = _load(numbers, np.float64, layout.numbers, len(layout.numbers))
    return None if Y is None or layout.wanted.fault_in(Y) is not None else Y


def _plain_labels(layout: Layout, rows: list[str]) -> list[str]:
    if layout.label is None:
        return []
    before, after = layout.label, len(layout.names) - 1 - layout.label
    if before <= after:
        return [row.split(",", before + 1)[before].strip() for row in rows]
    return [row.rsplit(",", after + 1)[-1 - after].strip() for row in rows]


def _parse_quoted(layout: Layout, blocks: Iterator[bytes], first: int) -> Iterator[Block]:
    """Parse lines that may contain quotes."""
    for rows in batches_of_rows(layout, lines.text_lines(blocks), first, lines.BLOCK):
        numbers = [",".join([cells[column] for column in layout.features]) for _, cells in rows]
        hidden = [row.encode().translate(HIDDEN).decode() for row in numbers]
        X = _parse_by_numpy(layout, hidden, None)
        if X is None:
            yield _parse_by_cell(layout, rows)
        else:
            yield X, _as_block(layout, _targets(layout, rows))


def parse_cells(layout: Layout, content: bytes, first: int) -> Block:
    """Parse lines cell by cell; the first of them has this number in its file."""
    plain = content if b'"' in content else lines.with_line_feeds(content)
    batches = batches_of_rows(layout, lines.text_lines([plain]), first, lines.BLOCK)
    return _parse_by_cell(layout, [row for batch in batches for row in batch])


def _parse_by_cell(layout: Layout, rows: list[tuple[int, list[str]]]) -> Block:
    """Parse rows that NumPy refuses; in most cases this raises an error that names the cell."""
    values, targets = [], []
    for row in rows:
        values.append(read_features(layout, *row))
        targets += _targets(layout, [row])
    X = np.array(values, dtype=np.float64).reshape(len(values), len(layout.features))
    return X.astype(np.uint8) if layout.pixels else X, _as_block(layout, targets)


def _targets(layout: Layout, rows: list[tuple[int, list[str]]]) -> list[Any]:
    """Return a text for each row, or a list of numbers."""
    if layout.numbers:
        return [read_targets(layout, *row) for row in rows]
    return [] if layout.label is None else [read_label(layout, *row) for row in rows]


def _as_block(layout: Layout, targets: list[Any]) -> Targets:
    if not layout.numbers:
        return targets
    return np.array(targets, np.float64).reshape(len(targets), len(layout.numbers))


def _parse_by_numpy(
    layout: Layout, numbers: list[str], columns: list[int] | None
) -> npt.NDArray[Any] | None:
    """Return the features, or None if anything is not as expected."""
    width = len(layout.features)
    if not layout.pixels:
        X = _load(numbers, np.float64, columns, width)
        return X if X is not None and np.isfinite(X).all() else None
    X = _load(numbers, np.uint8, columns, width)  # several times faster than parsing floats
    if X is None:
        X = _load(numbers, np.float64, columns, width)  # 5.0 is also a pixel
        X = X.astype(np.uint8) if X is not None and _are_pixels(X) else None
    return X


def _load(
    numbers: list[str], dtype: type[np.number[Any]], columns: list[int] | None, width: int
) -> npt.NDArray[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns if a fraction becomes a whole number
        try:
            X = np.loadtxt(numbers, dtype, delimiter=",", comments=None, usecols=columns, ndmin=2)
        except (ValueError, OverflowError, Warning):
            return None
    # loadtxt skips empty lines.
    return X if X.shape == (len(numbers), width) else None


def _are_pixels(X: npt.NDArray[np.float64]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((X >= 0) & (X <= 255) & (np.floor(X) == X)).all())

"""The header of a CSV file: which columns are targets, which are features, and which are pixels."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from handgrad.data.targets import CLASSES, TargetColumns
from handgrad.errors import DataError
from handgrad.quoting import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIXEL_NAME = re.compile(r"pixel\d+|\d+x\d+", re.ASCII | re.IGNORECASE)
MOST_COLUMNS = 1 << 20
MISSING_NAMED = 3


class Layout(NamedTuple):
    """The columns of a file, as its header describes them."""

    path: Path
    names: list[str]
    targets: list[int]  # indices of the columns of targets; empty without targets
    features: list[int]  # indices of the feature columns, in the order of the columns of X
    pixels: bool  # whether these are pixels, by their names
    image_shape: tuple[int, int] | None  # if the pixels fill a picture in raster order
    wanted: TargetColumns = CLASSES

    @property
    def label(self) -> int | None:
        """The index of the column of classes."""
        return self.targets[0] if self.targets and self.wanted.predicts == "classes" else None

    @property
    def numbers(self) -> list[int]:
        """The indices of the columns of labels or values."""
        return [] if self.wanted.predicts == "classes" else self.targets

    def fail(self, line: int, found: str, expected: str) -> NoReturn:
        """Raise the error that says what is wrong in a line, counted from 1."""
        raise DataError(f"{self.path}, line {line}: {found}; expected {expected}.")


def read_header(
    path: Path,
    line: str,
    targets: TargetColumns,
    features: Sequence[str] | None,
    *,
    needs_labels: bool,
) -> Layout:
    """Read the header; if features are given, find these columns and ignore all others."""
    names = _names(path, line)
    features = None if features is None else [name.strip() for name in features]
    positions = {name: column for column, name in reversed(list(enumerate(names)))}
    wanted = set(names) if features is None else {*targets.names, *features}
    twice = next((name for name, n in Counter(names).items() if n > 1 and name in wanted), None)
    if twice is not None:
        raise DataError(f"{path} has two columns named {quoted(twice)}; expected different names.")
    check_target_columns(str(path), targets, names, needs_labels=needs_labels)
    if features is None:
        read = [column for column, name in enumerate(names) if name not in targets.names]
    else:
        _check_missing(path, features, positions)
        read = [positions[name] for name in features]
    if not read:
        raise DataError(
            f"{path} has no column other than {listed(targets.names)}; expected at least one "
            "feature."
        )
    pixels = all(PIXEL_NAME.fullmatch(names[column]) for column in read)
    order, image_shape = raster([names[column] for column in read]) if pixels else ([], None)
    if order and features is None:
        read = [read[place] for place in order]
    is_known = set(targets.names) <= positions.keys() - set(features or ())
    return Layout(
        path,
        names,
        [positions[name] for name in targets.names] if is_known else [],
        read,
        pixels,
        image_shape if features is None or order == sorted(order) else None,
        targets,
    )


def check_target_columns(
    where: str, targets: TargetColumns, names: Sequence[str], *, needs_labels: bool
) -> None:
    """Refuse a table that lacks a column of targets; if none is needed, all may be missing."""
    targets.check_number(len(targets.names), "label")
    missing = [name for name in targets.names if name not in names]
    if missing and (needs_labels or len(missing) < len(targets.names)):
        raise DataError(
            f"{where} has no column {quoted(missing[0])} among its columns ({listed(names)}); "
            f"expected a {targets.noun} column: name it with --label."
        )


def raster(names: Sequence[str]) -> tuple[list[int], tuple[int, int] | None]:
    """Return the order in which pixels fill a picture row by row, and the shape of the picture.

    Pixels are numbered from 0 or from 1: pixel0, pixel1, … of a square, or 1x1, 1x2, … of any
    rectangle. If a pixel is missing, the order is empty and the shape is None.
    """
    places = [tuple(map(int, re.findall(r"\d+", name))) for name in names]
    order = sorted(range(len(places)), key=places.__getitem__)
    first, last = places[order[0]], places[order[-1]]
    sizes = [end - start + 1 for start, end in zip(first, last, strict=False)]
    is_whole = (
        len({len(place) for place in places}) == 1
        and set(first) in ({0}, {1})
        and len(set(places)) == len(places) == math.prod(sizes)
        and all(max(place[axis] for place in places) == last[axis] for axis in range(len(last)))
    )
    if not is_whole:
        return [], None
    if len(sizes) == 2:
        return order, (sizes[0], sizes[1])
    side = math.isqrt(len(places))
    return order, (side, side) if side * side == len(places) else None


def _names(path: Path, line: str) -> list[str]:
    if line.count(",") >= MOST_COLUMNS:
        raise DataError(
            f"{path} has {line.count(',') + 1:,} columns; expected at most {MOST_COLUMNS:,}."
        )
    try:
        names = [name.strip() for name in next(csv.reader([line], strict=True), [])]
    except csv.Error as error:
        raise DataError(f"{path}, line 1: it is not CSV ({error}); expected a header.") from error
    if not any(names):
        raise DataError(f"{path} is empty; expected a header with the names of its columns.")
    if all(number(name) is not None for name in names):
        raise DataError(
            f"{path} starts with numbers; expected a header with the names of its columns."
        )
    if len(names) == 1 and (";" in line or "\t" in line):
        raise DataError(f"{path} has no comma in its header; expected commas between the cells.")
    return names


def number(cell: str) -> float | None:
    """Return the number in a cell, or None; 1_000, which Python takes, is not a number in CSV.

    Examples
    --------
    >>> number(" 1e3"), number("1_000"), number("0x10")
    (1000.0, None, None)
    """
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _check_missing(path: Path, features: Sequence[str], positions: dict[str, int]) -> None:
    missing = [name for name in features if name not in positions]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing):,} of the {len(features):,} columns that the model was "
            f"trained on ({listed(missing, MISSING_NAMED)}); expected all of them, in any order."
        )

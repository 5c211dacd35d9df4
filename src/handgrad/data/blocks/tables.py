"""Tables: consecutive rows of one file, or of another part of a source, and all of them as one.

A table is read forwards from any row on, in pieces. A cursor keeps such a reading open. Leaves that
are read in order continue it, so nothing is decoded twice.
"""

from __future__ import annotations

import bisect
import os
import threading
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from handgrad.data.blocks.recycling import Recycled
from handgrad.errors import DataError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.census import FoundTargets, SharedLabels
    from handgrad.data.classes import Labels
    from handgrad.data.dataset import Rows, Targets

IDLE_CURSORS = 2  # each holds an open file and what is left of its last piece


class Piece(Protocol):
    """Consecutive rows of a table, not decoded yet."""

    def __len__(self) -> int:
        """Count the rows."""

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> FoundTargets | None:
        """Decode the rows from start to stop into X, and return their targets if there are any."""


class Table(Protocol):
    """Consecutive rows of one file or of another part of a source; it can be pickled."""

    @property
    def name(self) -> str:
        """What errors call it."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def stamp(self) -> str:
        """Its name, and what changes when its content does; empty if nothing tells."""

    @property
    def in_processes(self) -> bool:
        """Whether decoding is slow and holds Python's lock."""

    def targets(self) -> Iterator[FoundTargets]:
        """Read all targets in their order."""

    def check(self) -> None:
        """Raise a DataError if it changed, where asking costs little."""

    def restart(self, row: int) -> int:
        """Return the row at which a reading begins that has to come to this row."""

    def pieces(self, row: int) -> Generator[Piece]:
        """Read forwards from the row ``restart(row)``; raise a DataError if the file changed."""


class Shape(NamedTuple):
    """What the rows of all tables of a source have in common."""

    features: int
    dtype: np.dtype[Any]
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, int] | None = None


class Opened(NamedTuple):
    """What a module that opens files returns."""

    tables: Sequence[Table]
    shape: Shape
    written: bool = False
    """Whether labels are texts that may be written numbers, as in CSV."""
    choice: str = ""
    """Which columns of the tables are rows and targets."""
    names: tuple[str, ...] = ()
    """The names of the columns of labels or values; none with classes."""


class _Cursor:
    """A reading of a table: its current piece, and the pieces that follow."""

    def __init__(self, table: Table, number: int, row: int) -> None:
        self.table, self.number = table, number
        self.start = table.restart(row)  # of the current piece
        self._pieces = table.pieces(row)
        self._piece: Piece | None = None

    @property
    def end(self) -> int:
        """The row after the current piece."""
        return self.start + (len(self._piece) if self._piece is not None else 0)

    def reaches(self, number: int, row: int) -> bool:
        """Tell whether this reading comes to a row of a table sooner than a new one would."""
        return self.number == number and self.table.restart(row) <= self.end and self.start <= row

    def read_into(self, X: npt.NDArray[Any], row: int) -> tuple[int, FoundTargets | None]:
        """Read some rows from this one on; return their number and targets."""
        while row >= self.end:
            self.start, self._piece = self.end, None  # frees it before the next one is read
            self._piece = next(self._pieces, None)
            if self._piece is None:
                raise DataError(
                    f"{self.table.name} ends after {self.start:,} rows, but had "
                    f"{self.table.rows:,} before; expected a file that does not change."
                )
        assert self._piece is not None  # noqa: S101 - for the type checker
        begin = row - self.start
        count = min(len(X), self.end - row)
        return count, self._piece.read_into(X[:count], begin, begin + count)

    def close(self) -> None:
        """Close the file."""
        self._pieces.close()


class TableRows:
    """The rows of tables, one after the other; several threads may read at once."""

    def __init__(self, tables: Sequence[Table], shape: Shape) -> None:
        self.tables, self.shape = tuple(tables), shape
        self._starts = [0, *accumulate(table.rows for table in tables)]
        self._memory = Recycled()
        self._start_without_cursors()

    def _start_without_cursors(self) -> None:
        self._process = os.getpid()
        self._idle: list[_Cursor] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return TableRows, (self.tables, self.shape)

    @property
    def rows(self) -> int:
        """Number of rows of all tables."""
        return self._starts[-1]

    @property
    def in_processes(self) -> bool:
        """Whether a table is slow to decode, and holds Python's lock while it is."""
        return any(table.in_processes for table in self.tables)

    def read(self, start: int, stop: int) -> tuple[Rows, list[Any]]:
        """Return the rows from start to stop, and their targets in parts."""
        X = self._room(stop - start)
        targets: list[FoundTargets] = []
        done = 0
        cursor: _Cursor | None = None
        try:
            while done < len(X):
                number = bisect.bisect_right(self._starts, start + done) - 1
                row = start + done - self._starts[number]
                cursor = self._cursor(cursor, number, row)
                most = self._starts[number + 1] - start
                count, part = cursor.read_into(X[done:most], row)
                cursor.table.check()
                targets += [] if part is None else [part]
                done += count
        except BaseException:
            if cursor is not None:
                cursor.close()
                cursor.table.check()  # a file that changed is the better reason
            raise
        if cursor is not None:
            self._keep(cursor)
        return X, targets

    def _room(self, rows: int) -> Rows:
        features = self.shape.features
        try:
            return self._memory.empty((rows, features), self.shape.dtype)
        except (MemoryError, ValueError) as error:
            raise DataError(
                f"{self.tables[0].name} has {features:,} values per row: {rows:,} rows do not fit "
                "into memory; expected narrower rows, or it is damaged."
            ) from error

    def _cursor(self, current: _Cursor | None, number: int, row: int) -> _Cursor:
        """Return a cursor that comes to a row soonest: the current, an idle, or a new one."""
        if current is not None:
            if current.number == number:
                return current
            current.close()
        if self._process != os.getpid():  # a fork shares its parent's positions in open files
            self._start_without_cursors()
        with self._lock:
            near = [cursor for cursor in self._idle if cursor.reaches(number, row)]
            if near:
                nearest = max(near, key=lambda cursor: cursor.end)
                self._idle.remove(nearest)
                return nearest
        return _Cursor(self.tables[number], number, row)

    def _keep(self, cursor: _Cursor) -> None:
        with self._lock:
            self._idle.append(cursor)
            dropped = self._idle[:-IDLE_CURSORS]
            del self._idle[:-IDLE_CURSORS]
        for other in dropped:
            other.close()


@dataclass(frozen=True, eq=False)
class TableLeaves:
    """The rows of tables as leaves, with the numbers of their classes, or labels or values."""

    table_rows: TableRows
    numbers: dict[Any, int]  # of the class of each label; empty with labels and values
    leaf_rows: int

    @property
    def in_processes(self) -> bool:
        """Whether the tables are slow to decode."""
        return self.table_rows.in_processes

    def read(self, leaf: int) -> tuple[Rows, Targets]:
        """Read a leaf."""
        start = leaf * self.leaf_rows
        X, parts = self.table_rows.read(start, min(start + self.leaf_rows, self.table_rows.rows))
        return X, np.concatenate([self._numbers(part) if self.numbers else part for part in parts])

    def _numbers(self, labels: SharedLabels) -> Labels:
        try:
            numbers = np.array([self.numbers[value] for value in labels.values], np.intp)
        except KeyError as error:
            raise DataError(
                f"The files now hold the label {quoted(str(error.args[0]))}, which they did not "
                "hold in the first pass; expected files that do not change."
            ) from error
        return numbers[labels.codes]

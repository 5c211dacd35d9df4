"""Record batches of Arrow as pieces of a table, and files that are read as record batches."""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from handgrad.data.blocks.columns import (
    Columns,
    Wanted,
    joined,
    read_columns,
    rows_into,
    with_width,
)
from handgrad.data.blocks.tables import Opened, Table
from handgrad.data.blocks.target_columns import targets_of
from handgrad.data.targets import CLASSES
from handgrad.errors import DataError, HandgradError, MissingPackageError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.census import FoundTargets
    from handgrad.data.blocks.paths import Stamped


ROWS_AT_ONCE = 8192
TARGETS_AT_ONCE = 1 << 17


class ColumnTable(Table, Protocol):
    """A table that is read as record batches."""

    def pieces(self, row: int) -> Generator[BatchPiece]:
        """Read forwards from a row on."""


@dataclass(frozen=True, eq=False)
class BatchPiece:
    """The rows of a record batch."""

    name: str
    columns: Columns
    batch: Any
    start: int  # the row of the table that comes first

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> FoundTargets | None:
        """Decode rows into X, and return their targets."""
        batch, first = self.batch.slice(start, stop - start), self.start + start
        last = first + stop - start
        with damaged(f"{self.name}, rows {first} to {last}"):
            rows_into(X, self.name, self.columns, batch, first)
            return targets_of(self.name, self.columns.targets, batch, first)


@dataclass(frozen=True, eq=False)
class BatchFile(ABC):
    """A file that is read as record batches, beginning at any of its groups; see `Table`."""

    file: Stamped
    groups: tuple[int, ...]
    """The rows of each group: a row group of Parquet, a record batch of Arrow."""
    columns: Columns

    @property
    def name(self) -> str:
        """Its address."""
        return str(self.file.location)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.groups)

    @property
    def stamp(self) -> str:
        """Its address, and what changes with its content."""
        return str(self.file)

    @property
    def in_processes(self) -> bool:
        """Whether it holds pictures."""
        return self.columns.in_processes

    def targets(self) -> Iterator[FoundTargets]:
        """Read the columns of the targets."""
        start, targets = 0, self.columns.targets or CLASSES
        for batch in self._batches(0, list(targets.names), TARGETS_AT_ONCE):
            with damaged(self.name):
                found = targets_of(self.name, targets, batch, start)
            assert found is not None  # noqa: S101 - for the type checker: callers need targets
            yield found
            start += batch.num_rows

    def check(self) -> None:
        """Raise a DataError if the file changed."""
        self.file.check_again()

    def restart(self, row: int) -> int:
        """Return the first row of the group of a row."""
        return self._starts[self._group(row)]

    def pieces(self, row: int) -> Generator[BatchPiece]:
        """Read batches, from the beginning of the group of a row on."""
        start = self.restart(row)
        for batch in self._batches(self._group(row), self.columns.names, ROWS_AT_ONCE):
            yield BatchPiece(self.name, self.columns, batch, start)
            start += batch.num_rows

    @property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self.groups)]

    def _group(self, row: int) -> int:
        return max(0, bisect.bisect_right(self._starts, row, hi=len(self.groups)) - 1)

    @abstractmethod
    def _batches(self, group: int, names: list[str], rows: int) -> Generator[Any]:
        """Yield record batches of some columns, from a group on.

        A batch ends where its group ends. It has about so many rows, if the format gives a choice.
        """


def open_columns(
    schemas: Sequence[tuple[str, Any]],
    wanted: Wanted,
    make: Callable[[Columns], Sequence[ColumnTable]],
) -> Opened:
    """Open tables with these names and schemas; ``make`` makes them when the columns are known."""
    found = []
    for name, schema in schemas:
        with damaged(name):
            found.append((name, read_columns(name, schema, wanted)))
    columns = joined(found)
    tables = make(columns)
    if columns.width is None:
        columns = _measured(tables, columns)
        tables = make(columns)
    targets = wanted.targets
    names = () if targets.predicts == "classes" else targets.names
    return Opened(tables, columns.shape, choice=repr(columns), names=names)


def _measured(tables: Sequence[ColumnTable], columns: Columns) -> Columns:
    """Find the width of the rows in the first row."""
    for table in tables:
        with closing(table.pieces(0)) as pieces:
            for piece in pieces:
                if len(piece):
                    with damaged(table.name):
                        return with_width(columns, table.name, piece.batch)
    return replace(columns, width=0)


@contextmanager
def damaged(what: str) -> Iterator[None]:
    """Turn errors of Arrow into one sentence."""
    try:
        yield
    except HandgradError:
        raise
    except MemoryError as error:
        raise DataError(
            f"{what} asks for more memory than there is; expected a smaller file, or it is damaged."
        ) from error
    except Exception as error:  # ArrowInvalid, ArrowNotImplementedError, OSError, …
        raise DataError(
            f"{what} cannot be read ({quoted(str(error))}); expected a whole file: it is damaged "
            "or of another kind."
        ) from error


def import_pyarrow(what: str) -> Any:
    """Import pyarrow, which ``what`` needs."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingPackageError(
            f"{what} can only be read with the package pyarrow, which is not installed; "
            "install it: pip install 'handgrad[blocks]'."
        ) from error
    return pa

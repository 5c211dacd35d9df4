"""Record batches of Arrow as pieces of a table."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from handgrad.data.blocks.columns import (
    Columns,
    Wanted,
    joined,
    labels_of,
    read_columns,
    rows_into,
    with_width,
)
from handgrad.data.blocks.tables import Opened, Table
from handgrad.errors import DataError, HandgradError, MissingPackageError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.census import SharedLabels


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

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> SharedLabels | None:
        """Decode rows into X, and return their labels."""
        batch, first = self.batch.slice(start, stop - start), self.start + start
        last = first + stop - start
        with damaged(f"{self.name}, rows {first} to {last}"):
            rows_into(X, self.name, self.columns, batch, first)
            if self.columns.label is None:
                return None
            return labels_of(self.name, batch.column(self.columns.label), first)


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
    return Opened(tables, columns.shape, choice=repr(columns))


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

"""Record batches of Arrow as pieces of a table."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks.columns import Columns, labels_of, rows_into
from handgrad.errors import DataError, HandgradError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.data.blocks.census import SharedLabels


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


@contextmanager
def damaged(what: str) -> Iterator[None]:
    """Turn errors of Arrow into one sentence."""
    try:
        yield
    except (HandgradError, MemoryError):
        raise
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
        from handgrad.errors import MissingPackageError

        raise MissingPackageError(
            f"{what} can only be read with the package pyarrow, which is not installed; "
            "install it: pip install 'handgrad[blocks]'."
        ) from error
    return pa

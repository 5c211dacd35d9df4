"""Rows from Python objects: data sets of Hugging Face, and sequences as in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.census import SharedLabels, shared_labels
from handgrad.data.blocks.columns import Columns, Wanted, check_finite, labels_of
from handgrad.data.blocks.record_batches import BatchPiece, damaged, open_columns
from handgrad.data.blocks.tables import Opened, Shape
from handgrad.data.npz import KEPT
from handgrad.errors import DataError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy.typing as npt

AT_ONCE = 1024  # rows


def is_hugging_face(source: object) -> bool:
    """Tell whether this is a `datasets.Dataset`, without importing its package."""
    return _is_of_datasets(source, "Dataset")


def is_hugging_face_parts(source: object) -> bool:
    """Tell whether this is a `datasets.DatasetDict`."""
    return _is_of_datasets(source, "DatasetDict")


def _is_of_datasets(source: object, name: str) -> bool:
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == "datasets"
        for kind in type(source).__mro__
    )


def is_sequence(source: object) -> bool:
    """Tell whether this has a length and gives rows by their numbers."""
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")


@dataclass(frozen=True, eq=False)
class HuggingFaceTable:
    """A `datasets.Dataset`, read as Arrow."""

    dataset: Any
    columns: Columns
    name: str = "the dataset"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.dataset)

    @property
    def stamp(self) -> str:
        """The fingerprint that the package gives every data set."""
        return str(getattr(self.dataset, "_fingerprint", ""))

    @property
    def in_processes(self) -> bool:
        """Whether it holds pictures."""
        return self.columns.in_processes

    def labels(self) -> Iterator[SharedLabels]:
        """Read the label column."""
        label = str(self.columns.label)
        for start, batch in self._batches(0, [label], AT_ONCE * 64):
            yield labels_of(self.name, batch.column(0), start)

    def check(self) -> None:
        """Do nothing: an object tells no changes."""

    def restart(self, row: int) -> int:
        """Return the row: any row can be read at once."""
        return row

    def pieces(self, row: int) -> Generator[BatchPiece]:
        """Read batches from a row on."""
        for start, batch in self._batches(row, self.columns.names, AT_ONCE):
            yield BatchPiece(self.name, self.columns, batch, start)

    def _batches(self, row: int, names: list[str], rows: int) -> Generator[tuple[int, Any]]:
        arrow = self.dataset.select_columns(names).with_format("arrow")
        for start in range(row, self.rows, rows):
            with damaged(f"{self.name}, rows from {start} on,"):
                found = arrow[start : min(start + rows, self.rows)].combine_chunks()
                batches = found.to_batches()
            for batch in batches:
                yield start, batch
                start += batch.num_rows


@dataclass(frozen=True, eq=False)
class SequencePiece:
    """Some rows of a sequence."""

    table: SequenceTable
    start: int
    rows: int

    def __len__(self) -> int:
        return self.rows

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> SharedLabels:
        """Ask the sequence for each row."""
        labels = []
        first = self.start + start
        for i, row in enumerate(X):
            values, label = self.table.item(first + i)
            if values.size != len(row):
                raise DataError(
                    f"{self.table.name} has {values.size:,} values in row {first + i}; expected "
                    f"{len(row):,}, as in row 0."
                )
            if row.dtype == np.uint8 and values.dtype != np.uint8:
                raise DataError(
                    f"{self.table.name} has {values.dtype} values in row {first + i}; expected "
                    "uint8, as in row 0."
                )
            row[:] = values
            labels.append(label)
        check_finite(self.table.name, X, first)
        del stop
        return shared_labels(self.table.name, np.array([*labels, None], dtype=object)[:-1])


@dataclass(frozen=True, eq=False)
class SequenceTable:
    """A sequence whose items are a row and its label."""

    sequence: Any
    name: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.sequence)

    @property
    def stamp(self) -> str:
        """Empty: nothing tells when a sequence changes."""
        return ""

    @property
    def in_processes(self) -> bool:
        """No: a sequence is asked where it is."""
        return False

    def labels(self) -> Iterator[SharedLabels]:
        """Ask for each item, and keep its label."""
        for start in range(0, self.rows, AT_ONCE):
            found = [self.item(i)[1] for i in range(start, min(start + AT_ONCE, self.rows))]
            yield shared_labels(self.name, np.array([*found, None], dtype=object)[:-1])

    def check(self) -> None:
        """Do nothing: an object tells no changes."""

    def restart(self, row: int) -> int:
        """Return the row: any row can be read at once."""
        return row

    def pieces(self, row: int) -> Generator[SequencePiece]:
        """Return the rest of the rows as one piece."""
        yield SequencePiece(self, row, self.rows - row)

    def item(self, row: int) -> tuple[npt.NDArray[Any], Any]:
        """Return the values of a row, and its label."""
        item = self.sequence[row]
        try:
            values, label = item
            values = np.asarray(values)
            label = getattr(label, "item", lambda: label)()
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{self.name} gives {shown(item)} as row {row}; expected a row of numbers and its "
                "label."
            ) from error
        if values.dtype.kind not in "buif":
            raise DataError(
                f"{self.name} has {values.dtype} values in row {row}; expected numbers."
            )
        return values.ravel(), label


def open_hugging_face(dataset: Any, wanted: Wanted) -> Opened:
    """Open a `datasets.Dataset`."""
    schema = dataset.with_format("arrow")[:0].schema
    return open_columns(
        [("the dataset", schema)], wanted, lambda columns: [HuggingFaceTable(dataset, columns)]
    )


def open_sequence(sequence: Any) -> Opened:
    """Open a sequence; its first item says what the rows look like."""
    table = SequenceTable(sequence, f"the {type(sequence).__name__}")
    if not table.rows:
        raise DataError(f"{table.name} holds no rows; expected at least one of each class.")
    values = np.asarray(sequence[0][0])
    dtype = values.dtype if values.dtype in KEPT else np.dtype(np.float64)
    shape = values.shape[1:] if values.ndim == 3 and values.shape[0] == 1 else values.shape
    image_shape = (shape[0], shape[1]) if len(shape) == 2 else None
    first, _ = table.item(0)
    return Opened([table], Shape(len(first), dtype, None, image_shape))

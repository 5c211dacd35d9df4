"""Rows from Python objects: data sets of Hugging Face, and sequences as in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.census import shared_labels
from handgrad.data.blocks.columns import Columns, Wanted, check_finite
from handgrad.data.blocks.record_batches import BatchPiece, damaged, open_columns
from handgrad.data.blocks.tables import Opened, Shape
from handgrad.data.blocks.target_columns import targets_of
from handgrad.data.npz import KEPT
from handgrad.data.targets import CLASSES, TargetColumns, check_numbers
from handgrad.errors import DataError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy.typing as npt

    from handgrad.data.blocks.census import FoundTargets

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

    def targets(self) -> Iterator[FoundTargets]:
        """Read the columns of the targets."""
        targets = self.columns.targets or CLASSES
        for start, batch in self._batches(0, list(targets.names), AT_ONCE * 64):
            found = targets_of(self.name, targets, batch, start)
            assert found is not None  # noqa: S101 - for the type checker: callers need targets
            yield found

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

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> FoundTargets:
        """Ask the sequence for each row."""
        targets = []
        first = self.start + start
        for i, row in enumerate(X):
            values, target = self.table.item(first + i)
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
            targets.append(target)
        check_finite(self.table.name, X, first)
        del stop
        return self.table.joined(targets, first)


@dataclass(frozen=True, eq=False)
class SequenceTable:
    """A sequence whose items are a row and its label, or its labels or values."""

    sequence: Any
    name: str
    wanted: TargetColumns = CLASSES
    outputs: int = 1
    """The labels or values of each item."""

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

    def targets(self) -> Iterator[FoundTargets]:
        """Ask for each item, and keep its target."""
        for start in range(0, self.rows, AT_ONCE):
            found = [self.item(i)[1] for i in range(start, min(start + AT_ONCE, self.rows))]
            yield self.joined(found, start)

    def joined(self, targets: list[Any], start: int) -> FoundTargets:
        """Return the targets of consecutive items, the first of which is that of row ``start``."""
        if self.wanted.predicts == "classes":
            return shared_labels(self.name, np.array([*targets, None], dtype=object)[:-1])
        for row, target in enumerate(targets, start):
            if len(target) != self.outputs:
                raise DataError(
                    f"{self.name} gives {len(target)} {self.wanted.predicts} in row {row}; "
                    f"expected {self.outputs}, as in row 0."
                )
        Y = np.array(targets).reshape(len(targets), self.outputs)
        check_numbers(self.name, Y, self.wanted, start)
        return Y

    def check(self) -> None:
        """Do nothing: an object tells no changes."""

    def restart(self, row: int) -> int:
        """Return the row: any row can be read at once."""
        return row

    def pieces(self, row: int) -> Generator[SequencePiece]:
        """Return the rest of the rows as one piece."""
        yield SequencePiece(self, row, self.rows - row)

    def item(self, row: int) -> tuple[npt.NDArray[Any], Any]:
        """Return the values of a row, and its label, or an array of its labels or values."""
        item = self.sequence[row]
        is_class = self.wanted.predicts == "classes"
        try:
            values, target = item
            values = np.asarray(values)
            if is_class:
                target = getattr(target, "item", lambda: target)()
            else:
                target = np.asarray(target, dtype=np.float64).ravel()
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{self.name} gives {shown(item)} as row {row}; expected a row of numbers and its "
                f"{'label' if is_class else self.wanted.predicts}."
            ) from error
        if values.dtype.kind not in "buif":
            raise DataError(
                f"{self.name} has {values.dtype} values in row {row}; expected numbers."
            )
        return values.ravel(), target


def open_hugging_face(dataset: Any, wanted: Wanted) -> Opened:
    """Open a `datasets.Dataset`."""
    schema = dataset.with_format("arrow")[:0].schema
    return open_columns(
        [("the dataset", schema)], wanted, lambda columns: [HuggingFaceTable(dataset, columns)]
    )


def open_sequence(sequence: Any, targets: TargetColumns = CLASSES) -> Opened:
    """Open a sequence; its first item says what the rows and the targets look like."""
    table = SequenceTable(sequence, f"the {type(sequence).__name__}", targets)
    if not table.rows:
        raise DataError(f"{table.name} holds no rows; expected at least {targets.fewest}.")
    values = np.asarray(sequence[0][0])
    dtype = values.dtype if values.dtype in KEPT else np.dtype(np.float64)
    shape = values.shape[1:] if values.ndim == 3 and values.shape[0] == 1 else values.shape
    image_shape = (shape[0], shape[1]) if len(shape) == 2 else None
    first, target = table.item(0)
    names: tuple[str, ...] = ()
    if targets.predicts != "classes":
        names = targets.names_of(table.name, len(target))
        table = replace(table, outputs=len(target))
    return Opened([table], Shape(len(first), dtype, None, image_shape), names=names)

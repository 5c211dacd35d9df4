"""Files of record batches: Arrow's file and stream formats, and Feather."""

from __future__ import annotations

import bisect
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks.batches import BatchPiece, damaged, import_pyarrow, open_columns
from handgrad.data.blocks.columns import labels_of
from handgrad.data.blocks.paths import Stamped
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from handgrad.data.blocks.census import SharedLabels
    from handgrad.data.blocks.columns import Columns, Wanted
    from handgrad.data.blocks.paths import Location
    from handgrad.data.blocks.tables import Opened

FILE, FEATHER_1 = b"ARROW1", b"FEA1"


def open_arrow(files: Sequence[Location], wanted: Wanted) -> Opened:
    """Open files."""
    stamped = [Stamped.now(file) for file in files]
    schemas = [_read_schema(file) for file in files]
    sizes: list[tuple[int, ...]] = []

    def make(columns: Columns) -> list[ArrowTable]:
        if not sizes:
            names = columns.names[-1]
            sizes.extend(
                _read_sizes(file, schema.names.index(names))
                for file, schema in zip(files, schemas, strict=True)
            )
        return [
            ArrowTable(file, tuple(schema.names), rows, columns)
            for file, schema, rows in zip(stamped, schemas, sizes, strict=True)
        ]

    return open_columns(list(zip(map(str, files), schemas, strict=True)), wanted, make)


def _read_schema(location: Location) -> Any:
    with _opened(location, None) as reader:
        return reader.schema


def _read_sizes(location: Location, field: int) -> tuple[int, ...]:
    """Return the rows of each record batch; of their content one column is read."""
    with _opened(location, [field]) as reader:
        return tuple(batch.num_rows for batch in _batches(str(location), reader, 0))


@dataclass(frozen=True, eq=False)
class ArrowTable:
    """One file of record batches."""

    file: Stamped
    schema: tuple[str, ...]  # the names of all columns
    sizes: tuple[int, ...]  # rows of each record batch
    columns: Columns

    @property
    def name(self) -> str:
        """Its address."""
        return str(self.file.location)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.sizes)

    @property
    def stamp(self) -> str:
        """Its address, and what changes with its content."""
        return str(self.file)

    @property
    def in_processes(self) -> bool:
        """Whether it holds pictures."""
        return self.columns.in_processes

    def labels(self) -> Iterator[SharedLabels]:
        """Read the label column."""
        start = 0
        for batch in self._read([str(self.columns.label)], 0):
            with damaged(self.name):
                labels = labels_of(self.name, batch.column(0), start)
            yield labels
            start += batch.num_rows

    def check(self) -> None:
        """Raise a DataError if the file changed."""
        self.file.check_again()

    def restart(self, row: int) -> int:
        """Return the first row of the record batch of a row."""
        return self._starts[self._batch(row)]

    def pieces(self, row: int) -> Generator[BatchPiece]:
        """Read record batches, from that of a row on."""
        start = self.restart(row)
        for batch in self._read(self.columns.names, self._batch(row)):
            yield BatchPiece(self.name, self.columns, batch, start)
            start += batch.num_rows

    @property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self.sizes)]

    def _batch(self, row: int) -> int:
        return max(0, bisect.bisect_right(self._starts, row, hi=len(self.sizes)) - 1)

    def _read(self, names: list[str], first: int) -> Generator[Any]:
        self.file.check()
        fields = sorted(self.schema.index(name) for name in names)
        with _opened(self.file.location, fields) as reader:
            yield from _batches(self.name, reader, first)


def _batches(name: str, reader: Any, first: int) -> Generator[Any]:
    """Yield record batches; streams are read from their beginning."""
    number = first
    is_file = hasattr(reader, "num_record_batches")
    if not is_file:
        for _ in range(first):
            with damaged(name):
                reader.read_next_batch()
    while not is_file or number < reader.num_record_batches:
        with damaged(f"{name}, record batch {number},"):
            try:
                batch = reader.get_batch(number) if is_file else reader.read_next_batch()
            except StopIteration:
                return
            batch.validate(full=True)  # offsets that lead outside would be a crash
        yield batch
        number += 1


@contextmanager
def _opened(location: Location, fields: list[int] | None) -> Iterator[Any]:
    pa = import_pyarrow(str(location))
    with location.open() as stream:
        start = stream.read(len(FILE))
        stream.seek(0)
        if start.startswith(FEATHER_1):
            raise DataError(f"{location} is Feather of version 1; expected version 2.")
        with damaged(str(location)):
            options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
            open_reader = pa.ipc.open_file if start == FILE else pa.ipc.open_stream
            reader = open_reader(stream, options=options)
        yield reader

"""Parquet files, read by row groups and within them by batches.

A row group may be larger than memory: its pages are read as they are needed, and a batch of rows
is decoded at a time.
"""

from __future__ import annotations

import bisect
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks.batches import BatchPiece, damaged, import_pyarrow, open_columns
from handgrad.data.blocks.columns import PICTURES, labels_of
from handgrad.data.blocks.paths import Stamped

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from handgrad.data.blocks.census import SharedLabels
    from handgrad.data.blocks.columns import Columns, Wanted
    from handgrad.data.blocks.paths import Location
    from handgrad.data.blocks.tables import Opened

BATCH = 8192  # rows
FEW_COLUMNS = 8  # which gain nothing from Arrow's threads
# Columns of a row group that is no larger are read in one piece each.
SMALL_ROW_GROUP = 64 << 20
BUFFERS = 32 << 20  # bytes of all columns' buffers together
SMALLEST_BUFFER = 1 << 16


def open_parquet(files: Sequence[Location], wanted: Wanted) -> Opened:
    """Open files."""
    stamped = [Stamped.now(file) for file in files]
    found = [_read_footer(file) for file in files]
    return open_columns(
        [(str(file), schema) for file, (schema, _) in zip(files, found, strict=True)],
        wanted,
        lambda columns: [
            ParquetTable(file, groups, columns)
            for file, (_, groups) in zip(stamped, found, strict=True)
        ],
    )


def _read_footer(location: Location) -> tuple[Any, tuple[int, ...]]:
    """Return the schema of a file, and the rows of each row group."""
    with _opened(location) as file:
        groups = (file.metadata.row_group(g).num_rows for g in range(file.num_row_groups))
        return file.schema_arrow, tuple(groups)


@dataclass(frozen=True, eq=False)
class ParquetTable:
    """One Parquet file."""

    file: Stamped
    groups: tuple[int, ...]  # rows of each row group
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

    def labels(self) -> Iterator[SharedLabels]:
        """Read the label column."""
        start = 0
        for batch in self._batches(0, [str(self.columns.label)], 1 << 17):
            with damaged(self.name):
                labels = labels_of(self.name, batch.column(0), start)
            yield labels
            start += batch.num_rows

    def check(self) -> None:
        """Raise a DataError if the file changed."""
        self.file.check_again()

    def restart(self, row: int) -> int:
        """Return the first row of the row group of a row."""
        return self._starts[self._group(row)]

    def pieces(self, row: int) -> Generator[BatchPiece]:
        """Read batches from the beginning of a row group on."""
        start = self.restart(row)
        for batch in self._batches(self._group(row), self._read_names(), BATCH):
            yield BatchPiece(self.name, self.columns, batch, start)
            start += batch.num_rows

    def _read_names(self) -> list[str]:
        """Return the columns to read; of pictures their bytes, and never their paths."""
        names = self.columns.names
        if self.columns.form == PICTURES:
            return [f"{names[0]}.bytes", *names[1:]]
        return names

    @property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self.groups)]

    def _group(self, row: int) -> int:
        return max(0, bisect.bisect_right(self._starts, row, hi=len(self.groups)) - 1)

    def _batches(self, group: int, names: list[str], rows: int) -> Generator[Any]:
        """Yield record batches of some columns; a batch ends where its row group ends."""
        start = self._starts[group]
        self.file.check()
        with _opened(self.file.location, len(names)) as file:
            for number in range(group, len(self.groups)):
                with damaged(self.name):
                    batches = file.iter_batches(
                        rows,
                        row_groups=[number],
                        columns=names,
                        use_threads=len(names) > FEW_COLUMNS,
                    )
                while True:
                    with damaged(f"{self.name}, rows from {start} on,"):
                        batch = next(batches, None)
                    if batch is None:
                        break
                    start += batch.num_rows
                    yield batch


@contextmanager
def _opened(location: Location, columns: int = 1) -> Iterator[Any]:
    import_pyarrow(str(location))
    import pyarrow.parquet as pq

    with location.open() as stream:
        with damaged(str(location)):
            metadata = pq.read_metadata(stream)
            groups = map(metadata.row_group, range(metadata.num_row_groups))
            is_large = max((group.total_byte_size for group in groups), default=0) > SMALL_ROW_GROUP
            file = pq.ParquetFile(
                stream,
                metadata=metadata,
                buffer_size=max(SMALLEST_BUFFER, BUFFERS // columns) if is_large else 0,
                pre_buffer=False,
                page_checksum_verification=True,
            )
        yield file

"""Parquet files, read by row groups and within them by batches.

A row group may be larger than memory: its pages are read as they are needed, and a batch of rows
is decoded at a time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks.columns import PICTURES
from handgrad.data.blocks.paths import Stamped
from handgrad.data.blocks.record_batches import BatchFile, damaged, import_pyarrow, open_columns

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from handgrad.data.blocks.columns import Wanted
    from handgrad.data.blocks.paths import Location
    from handgrad.data.blocks.tables import Opened

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


class ParquetTable(BatchFile):
    """One Parquet file; its groups are row groups."""

    def _batches(self, group: int, names: list[str], rows: int) -> Generator[Any]:
        start = self._starts[group]
        names = self._readable(names)
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

    def _readable(self, names: list[str]) -> list[str]:
        """Return columns as Parquet names them; of pictures only the bytes are read."""
        if self.columns.form != PICTURES:
            return names
        return [f"{name}.bytes" if name in self.columns.features else name for name in names]


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

"""Files of record batches: Arrow's file and stream formats, and Feather."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handgrad.data.blocks.paths import Stamped
from handgrad.data.blocks.record_batches import BatchFile, damaged, import_pyarrow, open_columns
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

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
            name = columns.names[-1]
            sizes.extend(
                _read_sizes(file, schema.names.index(name))
                for file, schema in zip(files, schemas, strict=True)
            )
        return [
            ArrowTable(file, groups, columns, tuple(schema.names))
            for file, schema, groups in zip(stamped, schemas, sizes, strict=True)
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
class ArrowTable(BatchFile):
    """One file of record batches, which are its groups."""

    schema: tuple[str, ...]
    """The names of all columns."""

    def _batches(self, group: int, names: list[str], rows: int) -> Generator[Any]:
        del rows  # the file has batches of its own
        self.file.check()
        fields = sorted(self.schema.index(name) for name in names)
        with _opened(self.file.location, fields) as reader:
            yield from _batches(self.name, reader, group)


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

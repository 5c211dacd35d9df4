"""CSV files with a header, parsed by Arrow in blocks of lines.

The first pass remembers where each block begins, so that a reading can begin at any block. If
Arrow refuses a block, `handgrad.data.csv` reads it cell by cell, and names the line and the column
that are wrong.
"""

from __future__ import annotations

import bisect
import codecs
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from handgrad.data import lines
from handgrad.data.blocks.census import SharedLabels, shared_labels
from handgrad.data.blocks.paths import Stamped
from handgrad.data.blocks.record_batches import import_pyarrow
from handgrad.data.blocks.tables import Opened, Shape
from handgrad.data.csv import parse_cells
from handgrad.data.csv_header import Layout, read_header
from handgrad.data.streams import unpacked
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.census import FoundTargets
    from handgrad.data.blocks.columns import Wanted
    from handgrad.data.blocks.paths import Location

    Parsed = tuple[npt.NDArray[Any], FoundTargets | None]


# Arrow reads text beside a quote, and 0x10 as 16; handgrad.data.csv refuses both.
MISPLACED_QUOTE = re.compile(rb'[^,\r\n"]"[^,\r\n"]|(?:^|[,\r\n])""[^,\r\n"]')
HEXADECIMAL = re.compile(rb"0[xX]")


class Block(NamedTuple):
    """Whole lines of a file."""

    offset: int  # in the unpacked file
    length: int  # in bytes
    line: int  # of the file, counted from 1
    row: int
    rows: int


@dataclass(frozen=True, eq=False)
class CsvPiece:
    """The rows of a block."""

    X: npt.NDArray[Any]
    found: FoundTargets | None

    def __len__(self) -> int:
        return len(self.X)

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> FoundTargets | None:
        """Copy rows into X, and return their targets."""
        X[:] = self.X[start:stop]
        if isinstance(self.found, SharedLabels):
            return SharedLabels(self.found.values, self.found.codes[start:stop])
        return None if self.found is None else self.found[start:stop]


@dataclass(frozen=True, eq=False)
class CsvTable:
    """One CSV file; its blocks are known after its first pass."""

    file: Stamped
    layout: Layout
    start: int  # of the first block
    blocks: list[Block]

    @property
    def name(self) -> str:
        """Its address."""
        return str(self.file.location)

    @property
    def rows(self) -> int:
        """Number of rows."""
        last = self.blocks[-1:] or [Block(0, 0, 0, 0, 0)]
        return last[0].row + last[0].rows

    @property
    def stamp(self) -> str:
        """Its address, and what changes with its content."""
        return str(self.file)

    @property
    def in_processes(self) -> bool:
        """No: Arrow parses without Python's lock."""
        return False

    def targets(self) -> Iterator[FoundTargets]:
        """Read the columns of the targets, and remember where each block begins."""
        self.blocks.clear()
        layout = self.layout._replace(features=[])
        for block, content in self._all_blocks():
            _, found = self._parse(layout, content, block)
            count = _count(found)
            self.blocks.append(block._replace(row=self.rows, rows=count))
            if found is not None:
                yield found

    def count_rows(self) -> None:
        """Remember where each block begins, in a file without labels."""
        self.blocks.clear()
        for block, content in self._all_blocks():
            X, _ = self._parse(self.layout, content, block)
            self.blocks.append(block._replace(row=self.rows, rows=len(X)))

    def check(self) -> None:
        """Raise a DataError if the file changed."""
        self.file.check_again()

    def restart(self, row: int) -> int:
        """Return the first row of the block of a row."""
        return self.blocks[self._block(row)].row

    def pieces(self, row: int) -> Generator[CsvPiece]:
        """Parse blocks, from that of a row on."""
        self.file.check()
        blocks = self.blocks[self._block(row) :]
        with opened(self.file.location) as stream:
            stream.seek(blocks[0].offset)
            for block in blocks:
                X, found = self._parse(self.layout, stream.read(block.length), block)
                if len(X) != block.rows:
                    raise DataError(
                        f"{self.name}, line {block.line}: {len(X):,} rows follow, but there were "
                        f"{block.rows:,} before; expected a file that does not change."
                    )
                yield CsvPiece(X, found)

    def _parse(self, layout: Layout, content: bytes, block: Block) -> Parsed:
        with self.file.location.errors():
            return _parse(layout, content, block.line)

    def _block(self, row: int) -> int:
        return bisect.bisect_right(self.blocks, row, key=lambda block: block.row) - 1

    def _all_blocks(self) -> Generator[tuple[Block, bytes]]:
        """Cut the file into blocks of whole rows, and yield each with its lines."""
        offset, line = self.start, 2
        with opened(self.file.location) as stream:
            stream.seek(offset)
            for content in _whole_rows(lines.line_blocks(self.layout.path, stream)):
                yield Block(offset, len(content), line, 0, 0), content
                offset += len(content)
                line += lines.count_lines(content)


def open_csv(files: Sequence[Location], wanted: Wanted) -> Opened:
    """Open files."""
    tables = [_open(Stamped.now(file), wanted) for file in files]
    shape = _common_shape(tables)
    tables = [_in_order(table, shape.feature_names or ()) for table in tables]
    if not wanted.needs_targets:  # no pass over the labels will come
        for table in tables:
            table.count_rows()
    targets = wanted.targets
    return Opened(
        tables,
        shape,
        written=True,
        choice=f"{targets} {shape.feature_names}",
        names=() if targets.predicts == "classes" else targets.names,
    )


def _open(file: Stamped, wanted: Wanted) -> CsvTable:
    location = file.location
    import_pyarrow(str(location))
    with opened(location) as stream:
        blocks = lines.line_blocks(cast("Any", location), stream)
        header, _ = lines.split_first_line(next(blocks, b""))
        line = header.decode("utf-8-sig")
    layout = read_header(
        cast("Any", location),
        line,
        wanted.targets,
        wanted.features,
        needs_targets=wanted.needs_targets,
    )
    return CsvTable(file, layout, len(header), [])


def _common_shape(tables: Sequence[CsvTable]) -> Shape:
    """Return what the rows of files have in common, or name the file that differs."""
    first = tables[0]
    names = _names(first)
    for table in tables[1:]:
        if sorted(_names(table)) != sorted(names) or bool(table.layout.targets) != bool(
            first.layout.targets
        ):
            raise DataError(
                f"{table.name} differs from {first.name}: it has other columns; expected files "
                "with the same columns."
            )
    layout = first.layout
    dtype = np.dtype(np.uint8 if layout.pixels else np.float64)
    return Shape(len(layout.features), dtype, tuple(names), layout.image_shape)


def _in_order(table: CsvTable, names: Sequence[str]) -> CsvTable:
    """Return a table whose features come in the order of these names."""
    layout = table.layout
    places = {layout.names[column]: column for column in layout.features}
    features = [places[name] for name in names]
    return replace(table, layout=layout._replace(features=features))


def _names(table: CsvTable) -> list[str]:
    return [table.layout.names[column] for column in table.layout.features]


@contextmanager
def opened(location: Location) -> Iterator[IO[bytes]]:
    """Open a file, and unpack it if its name ends with ``.gz``."""
    with location.errors(), location.open() as file, unpacked(location.name, file) as stream:
        yield stream


def _whole_rows(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Join blocks between which a quoted cell lies: then the quotes before are odd in number."""
    waiting = b""
    for block in blocks:
        waiting += block
        # A cell is never this long: a quote is missing, which the parser will say.
        if waiting.count(b'"') % 2 == 0 or len(waiting) > lines.LONGEST_LINE:
            yield waiting
            waiting = b""
    if waiting:
        yield waiting


def _parse(layout: Layout, content: bytes, line: int) -> Parsed:
    """Parse lines, the first of which has this number in its file."""
    parsed = None
    if _is_plain(content):
        if layout.pixels and not HEXADECIMAL.search(content):
            parsed = _by_arrow(layout, content, np.uint8)
        parsed = parsed or _by_arrow(layout, content, np.float64)
    if parsed is None:
        X, found = parse_cells(layout, content, line)
        if not layout.targets:
            return X, None
        if isinstance(found, list):
            return X, shared_labels("", np.array(found, dtype=object))
        return X, found
    return parsed


def _is_plain(content: bytes) -> bool:
    """Tell whether Arrow reads lines as Python's reader does."""
    return (
        content.count(b'"') % 2 == 0  # Arrow closes a quote that the file leaves open
        and not content.startswith(codecs.BOM_UTF8)  # it removes one from every block
        and not MISPLACED_QUOTE.search(content)
    )


def _by_arrow(layout: Layout, content: bytes, dtype: type[np.number[Any]]) -> Parsed | None:
    """Return rows and labels, or None if anything is not as expected."""
    import pyarrow as pa
    import pyarrow.csv

    names = [str(column) for column in range(len(layout.names))]
    features = [names[column] for column in layout.features]
    numbers = [names[column] for column in layout.numbers]
    kinds = dict.fromkeys(features, pa.from_numpy_dtype(dtype))
    kinds |= dict.fromkeys(numbers, pa.float64())
    if layout.label is not None:
        kinds[names[layout.label]] = pa.string()
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            pyarrow.csv.ReadOptions(
                column_names=names, block_size=len(content) + 1, use_threads=False
            ),
            pyarrow.csv.ParseOptions(newlines_in_values=b'"' in content),
            pyarrow.csv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), null_values=[]
            ),
        )
    except pa.ArrowException:
        return None
    X = _numbers(table, features, dtype)
    if dtype is not np.uint8 and not _are_sound(layout, X):
        return None
    found: FoundTargets | None = None
    if layout.label is not None:
        found = _labels(table.column(names[layout.label]).combine_chunks())
        if "" in found.values:
            return None
    if layout.numbers:
        found = np.ascontiguousarray(_numbers(table, numbers, np.float64).T)
        if layout.wanted.fault_in(found) is not None:
            return None
    rows = X.T.astype(np.uint8 if layout.pixels else np.float64, order="C")
    return rows, found


def _numbers(table: Any, names: Sequence[str], dtype: type[np.number[Any]]) -> npt.NDArray[Any]:
    """Return columns of a table, one per row of the result."""
    columns = np.empty((len(names), table.num_rows), dtype)
    for values, name in zip(columns, names, strict=True):
        values[:] = table.column(name).to_numpy()
    return columns


def _count(found: FoundTargets | None) -> int:
    if found is None:
        return 0
    return len(found.codes if isinstance(found, SharedLabels) else found)


def _are_sound(layout: Layout, X: npt.NDArray[Any]) -> bool:
    if not np.isfinite(X).all():
        return False
    return not layout.pixels or bool(((X >= 0) & (X <= 255) & (np.floor(X) == X)).all())


def _labels(column: Any) -> SharedLabels:
    coded = column.dictionary_encode()
    texts = [text.strip() for text in coded.dictionary.to_pylist()]
    distinct = list(dict.fromkeys(texts))
    place = {text: k for k, text in enumerate(distinct)}
    places = np.array([place[text] for text in texts], np.int64)
    return SharedLabels(distinct, places[coded.indices.to_numpy()])

"""Arrays in files, whose rows are read by their position: NPY, NPZ and IDX.

A packed array (gzip, or a deflated member of an NPZ file) is unpacked up to the wanted rows. So
reading rows in their order unpacks it once.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from handgrad.data.blocks.census import shared_labels
from handgrad.data.blocks.columns import check_finite
from handgrad.data.npz import label_values
from handgrad.data.streams import unpacked
from handgrad.data.targets import Predicts, TargetColumns, check_numbers
from handgrad.errors import DataError, HandgradError
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy.typing as npt

    from handgrad.data.blocks.census import FoundTargets
    from handgrad.data.blocks.paths import Location, Stamped

TARGETS_AT_ONCE = 1 << 17
LOCAL_HEADER = 30  # bytes of a member's header in a ZIP file, before its name


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, its rows one after the other.

    Attributes
    ----------
    offset : int
        Where the values begin: in the file, in the unpacked file, or in the unpacked member.
    member : str or None
        The packed member of a ZIP file that holds the array.
    """

    file: Stamped
    offset: int
    shape: tuple[int, ...]
    dtype: str
    member: str | None = None
    columns_together: bool = False
    """Fortran order: the values of a column lie together, not those of a row."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Values per row."""
        return math.prod(self.shape[1:])

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open what holds the array."""
        self.file.check()
        location = self.file.location
        with ExitStack() as stack:
            stack.enter_context(stored_errors(location))
            stream = stack.enter_context(location.open())
            if self.member is not None:
                archive = stack.enter_context(zipfile.ZipFile(stream))
                yield stack.enter_context(archive.open(self.member))
            else:
                yield stack.enter_context(unpacked(location.name, stream))

    def read(self, stream: IO[bytes], start: int, stop: int) -> npt.NDArray[Any]:
        """Read rows of the file's own type."""
        if not self.columns_together:
            values = np.empty((stop - start, self.width), self.dtype)
            self._read_into(values, stream, start * self.width)
            return values
        places = np.arange(self.width).reshape(self.shape[1:], order="F").ravel()
        columns = np.empty((self.width, stop - start), self.dtype)
        for column, place in zip(columns, places.tolist(), strict=True):
            self._read_into(column, stream, place * self.rows + start)
        return columns.T

    def _read_into(self, values: npt.NDArray[Any], stream: IO[bytes], first: int) -> None:
        """Read consecutive values of the file."""
        content = values.reshape(-1).view(np.uint8).data
        with stored_errors(self.file.location):
            stream.seek(self.offset + first * values.itemsize)
            done = 0
            while done < len(content):
                part = stream.read(len(content) - done)
                if not part:
                    raise DataError(
                        f"{self.file.location} is truncated: it ends within its {self.rows:,} rows."
                    )
                content[done : done + len(part)] = part
                done += len(part)


@dataclass(frozen=True, eq=False)
class StoredPiece:
    """All rows of arrays whose files are open."""

    table: StoredTable
    X_stream: IO[bytes]
    y_stream: IO[bytes] | None

    def __len__(self) -> int:
        return self.table.rows

    def read_into(self, X: npt.NDArray[Any], start: int, stop: int) -> FoundTargets | None:
        """Read rows into X, and return their targets."""
        with np.errstate(over="ignore", invalid="ignore"):
            X[:] = self.table.X.read(self.X_stream, start, stop)
        check_finite(self.table.name, X, start)
        if self.y_stream is None:
            return None
        return self.table.read_targets(self.y_stream, start, stop)


@dataclass(frozen=True, eq=False)
class StoredTable:
    """Rows and targets in arrays of their own."""

    X: StoredArray
    y: StoredArray | None
    predicts: Predicts = "classes"

    @property
    def name(self) -> str:
        """The address of the rows."""
        return str(self.X.file.location)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.X.rows

    @property
    def stamp(self) -> str:
        """The files, and what changes with their content."""
        return f"{self.X} {self.y}"

    @property
    def in_processes(self) -> bool:
        """No: reading takes no lock."""
        return False

    def targets(self) -> Iterator[FoundTargets]:
        """Read the array of targets."""
        assert self.y is not None  # noqa: S101 - for the type checker: callers need labels
        with self.y.opened() as stream:
            for start in range(0, self.rows, TARGETS_AT_ONCE):
                stop = min(start + TARGETS_AT_ONCE, self.rows)
                yield self.read_targets(stream, start, stop)

    def read_targets(self, stream: IO[bytes], start: int, stop: int) -> FoundTargets:
        """Read the targets of some rows from the opened array."""
        assert self.y is not None  # noqa: S101 - as above
        found, name = self.y.read(stream, start, stop), str(self.y.file.location)
        if self.predicts != "classes":
            with np.errstate(over="ignore"):  # to infinity, which is refused
                Y = np.ascontiguousarray(found, np.float64).reshape(stop - start, self.y.width)
            check_numbers(name, Y, TargetColumns(self.predicts), start)
            return Y
        labels = found.ravel()
        if labels.dtype.kind == "b":  # numbers, as data.load reads them
            labels = labels.astype(np.int64)
        if labels.dtype.kind in "US":
            labels = np.array(label_values(cast("Any", name), labels), dtype=object)
        return shared_labels(name, labels)

    def check(self) -> None:
        """Raise a DataError if a file changed."""
        self.X.file.check_again()
        if self.y is not None:
            self.y.file.check_again()

    def restart(self, row: int) -> int:
        """Return 0: every row can be read at once."""
        del row
        return 0

    def pieces(self, row: int) -> Generator[StoredPiece]:
        """Open the files."""
        del row
        with ExitStack() as stack:
            X = stack.enter_context(self.X.opened())
            y = None if self.y is None else stack.enter_context(self.y.opened())
            yield StoredPiece(self, X, y)


@contextmanager
def stored_errors(location: Location) -> Iterator[None]:
    """Turn errors of a file, and of an archive, into one sentence."""
    with location.errors():
        try:
            yield
        except (HandgradError, OSError, EOFError, MemoryError, zlib.error):
            raise
        except Exception as error:  # a damaged archive makes zipfile raise almost anything
            raise DataError(
                f"{location} is a damaged file of arrays ({quoted(str(error))}); save it again."
            ) from error


def data_offset(stream: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Return where the content of a member of a ZIP file begins."""
    stream.seek(member.header_offset)
    header = stream.read(LOCAL_HEADER)
    name, extra = struct.unpack("<HH", header[26:30]) if len(header) == LOCAL_HEADER else (0, 0)
    return int(member.header_offset + LOCAL_HEADER + name + extra)

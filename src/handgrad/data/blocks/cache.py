"""Decoded rows on local disk, so that later passes and runs need not decode them again.

A cache is one file: a line that names its format, one mark per leaf, and the leaves, each as the
bytes of its rows and of their targets, at a place that is known in advance. A leaf is written when
it is first read, and then its mark, which is a checksum of the leaf. So

- a killed writer leaves a leaf without a mark, which is read from the source again;
- two processes that write at once write the same bytes to the same place;
- a damaged leaf does not fit its mark, and is read from the source again;
- a file that is cut is begun anew. It has its full size from the start, so a cut is seen before
  later leaves extend the file with zeros.

The name of the file is a digest of all that the rows depend on, with the sizes and times of the
source's files, so a source that changed has another cache. Files are read into new arrays and
never mapped, because mapped pages count as memory of the process.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.recycling import Recycled
from handgrad.errors import DataError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.readers import LeafReader
    from handgrad.data.dataset import Rows, Targets

FORMAT = b"handgrad rows 1\n"
MARK = np.dtype("<u8")  # 1 in the upper half of a mark, and a CRC-32 in the lower half
WRITTEN = 1 << 32
NUMBER = np.dtype("<i4")  # of a class
VALUE = np.dtype("<f8")  # or a label


class CachedLeaves:
    """Leaves of a reader, kept in a file as they are read."""

    def __init__(
        self,
        reader: LeafReader,
        folder: Path,
        identity: str,
        sizes: Sequence[int],
        features: int,
        dtype: np.dtype[Any],
        columns: int = 0,
    ) -> None:
        """Keep leaves; ``columns`` counts the labels or values per row, and is 0 with classes."""
        self.reader, self.folder, self.identity = reader, folder, identity
        self.sizes, self.features, self.dtype = list(sizes), features, dtype
        self.columns = columns
        row_bytes = features * dtype.itemsize + (columns * VALUE.itemsize or NUMBER.itemsize)
        first = len(FORMAT) + MARK.itemsize * len(self.sizes)
        self._offsets = first + row_bytes * np.cumsum([0, *self.sizes])
        key = f"{identity} {self.sizes} {features} {dtype.str}".encode()
        self._size = int(self._offsets[-1])
        self.path = folder / f"{hashlib.blake2b(key, digest_size=16).hexdigest()}.rows"
        self._memory = Recycled()
        self._sound: dict[int, int] = {}  # the marks of leaves that were compared with them

    def __reduce__(self) -> tuple[Any, ...]:
        return CachedLeaves, (
            self.reader,
            self.folder,
            self.identity,
            self.sizes,
            self.features,
            self.dtype,
            self.columns,
        )

    @property
    def in_processes(self) -> bool:
        """Whether the reader is slow, and a leaf is not in the file yet."""
        return self.reader.in_processes and not self._is_whole()

    def read(self, leaf: int) -> tuple[Rows, Targets]:
        """Read a leaf from the file, or from the source."""
        if not self.folder.is_dir():  # another machine
            return self.reader.read(leaf)
        found = self._read(leaf)
        if found is None:
            found = self.reader.read(leaf)
            self._write(leaf, *found)
        return found

    def _read(self, leaf: int) -> tuple[Rows, Targets] | None:
        """Return a leaf of the file, or None if it is not there or damaged."""
        X = self._memory.empty((self.sizes[leaf], self.features), self.dtype)
        size = self.sizes[leaf]
        y: Targets = (
            np.empty((size, self.columns), VALUE) if self.columns else np.empty(size, NUMBER)
        )
        try:
            with self.path.open("rb", buffering=0) as file:
                mark = self._mark(file, leaf)
                if not mark:
                    return None
                file.seek(int(self._offsets[leaf]))
                if not (_fill(file, X) and _fill(file, y)):
                    return None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", error) from error
        if self._sound.get(leaf) != mark:
            if mark != _mark_of(X, y):
                return None
            self._sound[leaf] = mark
        return X, y.astype(np.float64 if self.columns else np.intp, copy=False)

    def _mark(self, file: Any, leaf: int) -> int:
        """Return the mark of a leaf; 0 if there is none."""
        if _size(file) != self._size or file.read(len(FORMAT)) != FORMAT:
            return 0
        file.seek(MARK.itemsize * leaf, os.SEEK_CUR)
        mark = np.zeros(1, MARK)
        return int(mark[0]) if _fill(file, mark) else 0

    def _write(self, leaf: int, X: Rows, y: Targets) -> None:
        numbers = np.ascontiguousarray(y, VALUE if self.columns else NUMBER)
        rows = np.ascontiguousarray(X)
        self._sound.pop(leaf, None)
        try:
            with self._open_to_write() as file:
                file.seek(int(self._offsets[leaf]))
                _write_all(file, rows)
                _write_all(file, numbers)
                file.seek(len(FORMAT) + MARK.itemsize * leaf)
                _write_all(file, np.array([_mark_of(rows, numbers)], MARK))
        except OSError as error:
            raise self._failed("written", error) from error

    def _open_to_write(self) -> Any:
        """Open the file; every writer gives it the same size and the same first line."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            size = _size(file)
            if size != self._size:
                if size:
                    file.truncate(0)  # also drops the marks of leaves that are cut off
                file.truncate(self._size)
            if file.read(len(FORMAT)) != FORMAT:
                file.seek(0)
                file.write(FORMAT)
        except BaseException:
            file.close()
            raise
        return file

    def _is_whole(self) -> bool:
        marks = np.zeros(len(self.sizes), MARK)
        with suppress(OSError), self.path.open("rb", buffering=0) as file:
            is_ours = _size(file) == self._size and file.read(len(FORMAT)) == FORMAT
            return is_ours and _fill(file, marks) and bool(marks.all())
        return False

    def _failed(self, what: str, error: OSError) -> DataError:
        advice = ": free some space, or name another folder" if error.errno == errno.ENOSPC else ""
        return DataError(
            f"The cache {named(self.path)} cannot be {what}: {error.strerror}{advice}."
        )


def make_folder(cache: str | os.PathLike[str]) -> Path:
    """Make the folder of a cache if it is missing."""
    folder = Path(cache).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"The folder {named(folder)} for the cache cannot be made: {error.strerror}."
        ) from error
    return folder


def _size(file: Any) -> int:
    return os.fstat(file.fileno()).st_size


def _bytes_of(values: npt.NDArray[Any]) -> memoryview:
    return memoryview(values.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _mark_of(X: npt.NDArray[Any], y: npt.NDArray[Any]) -> int:
    return WRITTEN | zlib.crc32(_bytes_of(y), zlib.crc32(_bytes_of(X)))


def _fill(file: Any, values: npt.NDArray[Any]) -> bool:
    """Read into an array; return whether the file was long enough."""
    content = _bytes_of(values)
    done = 0
    while done < len(content):
        count = file.readinto(content[done:])
        if not count:
            return False
        done += count
    return True


def _write_all(file: Any, values: npt.NDArray[Any]) -> None:
    content = _bytes_of(values)
    while content:
        content = content[file.write(content) :]

"""Reads files whose headers may be wrong about their size, and paths that may not be files."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from handgrad.errors import DataError
from handgrad.quoting import named, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_RATIO = 1032  # the highest compression ratio of deflate
CHUNK = 1 << 20


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors from a damaged or unreadable file into one sentence."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        kind = "gzip file" if path.suffix.lower() == ".gz" else "file"
        raise DataError(
            f"{path} is a truncated or damaged {kind} ({error}); expected a whole one."
        ) from error
    except OSError as error:
        found = error.strerror or quoted(error)
        raise DataError(f"{named(path)} cannot be read: {found}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}); expected UTF-8.") from error
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory; expected a smaller file.") from error


@contextmanager
def open_unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file; a file whose name ends with ``.gz`` is unpacked."""
    with reading(path):
        if not path.is_file():
            raise DataError(f"{path} is not a regular file; expected one.")
        file: IO[bytes] = path.open("rb")
        with file, unpacked(path.name, file) as stream:
            yield stream


def unpacked(name: str, file: IO[bytes]) -> IO[bytes]:
    """Return what an open file holds: a file whose name ends with ``.gz`` is unpacked."""
    if name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


def packed_position(stream: IO[bytes]) -> int:
    """Return how many bytes of the file itself, packed or not, have been read."""
    file: IO[bytes] = getattr(stream, "fileobj", stream)  # what gzip reads from
    return file.tell()


def capacity(path: Path) -> int:
    """Return the largest number of bytes that the file can unpack to."""
    size = path.stat().st_size
    return size * LARGEST_RATIO if path.suffix.lower() == ".gz" else size


def read_exactly(stream: IO[bytes], promised: int, *, most: int, what: str) -> bytearray:
    """Read the bytes that a header promised, and check that nothing follows.

    Memory is allocated as data arrives, so a false promise costs no memory. A promise of more than
    ``most`` bytes fails at once. Errors call the stream ``what``.
    """
    if promised > most:
        raise DataError(
            f"{what} is truncated or damaged: its header promises {promised:,} bytes, "
            f"but it can hold at most {most:,}."
        )
    content = bytearray()
    while len(content) <= promised:
        chunk = stream.read(min(CHUNK, promised + 1 - len(content)))
        if not chunk:
            break
        content += chunk
    if len(content) < promised:
        raise DataError(
            f"{what} is truncated: its header promises {promised:,} bytes of data, "
            f"but {len(content):,} follow."
        )
    if len(content) > promised:
        raise DataError(
            f"{what} is damaged: its header promises {promised:,} bytes of data, but more follow."
        )
    return content

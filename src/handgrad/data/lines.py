"""Text files as blocks of whole lines, so that memory depends on a block and not on the file."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from handgrad.data.streams import packed_position
from handgrad.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BLOCK = 1 << 21  # bytes: a million lines of one digit each take some 60 MB while they are parsed
LONGEST_LINE = 1 << 24  # bytes
# Real tables unpack to 2 to 30 times their size, and a table in which 1 number in 200 is not zero
# unpacks to 200 times its size.
LARGEST_RATIO = 256
SMALL = 1 << 23  # bytes that every file may unpack to


def line_blocks(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream, many at a time; a line ends with LF, CRLF or CR."""
    rest = b""
    total = 0
    while chunk := stream.read(BLOCK):
        total += len(chunk)
        if total > max(SMALL, packed_position(stream) * LARGEST_RATIO):
            raise DataError(
                f"{path} unpacks to more than {LARGEST_RATIO} times its size, as damaged "
                "or hostile files do; expected a table: if it is one, unpack it first (gunzip)."
            )
        # A CR at the very end may be half of a CRLF.
        end = 1 + max(chunk.rfind(b"\n"), chunk.rfind(b"\r", 0, len(chunk) - 1))
        if end:
            yield _checked(path, rest + chunk[:end])
            rest = chunk[end:]
        else:
            rest = _checked(path, rest + chunk)
    if rest:
        yield _checked(path, rest)


def split_first_line(block: bytes) -> tuple[bytes, bytes]:
    r"""Return the first line of a block, with its line end, and the rest of the block.

    Examples
    --------
    >>> split_first_line(b"a,b\r\n1,2\r\n")
    (b'a,b\r\n', b'1,2\r\n')
    """
    ends = [end for end in (block.find(b"\n"), block.find(b"\r")) if end >= 0]
    end = min(ends, default=len(block) - 1) + 1
    if block[end - 1 : end + 1] == b"\r\n":
        end += 1
    return block[:end], block[end:]


def count_lines(block: bytes) -> int:
    """Return the number of line ends: LF, CRLF or CR."""
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def with_line_feeds(block: bytes) -> bytes:
    r"""Return a block whose lines all end with LF.

    Examples
    --------
    >>> with_line_feeds(b"a\nb\r\nc\r")
    b'a\nb\nc\n'
    """
    if b"\r" not in block:
        return block
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def text_lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of blocks one by one, with their original line ends."""
    for block in blocks:
        yield from io.StringIO(block.decode(), newline="")


def _checked(path: Path, block: bytes) -> bytes:
    longest = len(block)
    if longest > LONGEST_LINE:  # rare; then check each line
        longest = max(map(len, with_line_feeds(block).split(b"\n")))
    if longest > LONGEST_LINE:
        raise DataError(
            f"{path} has a line of more than {LONGEST_LINE:,} bytes; "
            "expected one shorter line per sample."
        )
    return block

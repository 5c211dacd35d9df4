"""One array as NumPy writes it: a header that gives type and shape, and the values.

Arrays are read here and not by `numpy.load`, so that the header is compared with the size of the
file before memory is allocated. Pickled objects are refused and never read.
"""

from __future__ import annotations

import io
import math
import sys
import warnings
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.data.streams import read_exactly
from handgrad.errors import DataError
from handgrad.quoting import quoted, shown

if TYPE_CHECKING:
    import numpy.typing as npt

START = b"\x93NUMPY"
# Bytes of the header's length, by version.
LENGTH_BYTES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}
# Versions 2 and 3 differ only in the encoding of field names, and arrays with fields are refused.
LONGEST_HEADER = 10_000  # bytes, the limit of numpy.load
LONGEST_TEXT = 1 << 16  # bytes


class Header(NamedTuple):
    """The header of an array, after its checks."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """The number of bytes that follow the header."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], *, most: int, what: str) -> Header:
    """Read a header, and check that it promises at most ``most`` bytes."""
    shape, fortran_order, dtype = _parse_header(stream, what)
    if dtype.hasobject:
        raise DataError(f"{what} holds pickled objects, which can run code; expected numbers.")
    if dtype.kind not in "buifUS" or dtype.itemsize == 0 or dtype.fields is not None:
        raise DataError(f"{what} holds values of type {_name(dtype)}; expected numbers or texts.")
    if dtype.kind in "US" and dtype.itemsize > LONGEST_TEXT:
        raise DataError(
            f"{what} holds texts of up to {dtype.itemsize:,} bytes; "
            f"expected at most {LONGEST_TEXT:,}."
        )
    if not 1 <= len(shape) <= 4 or any(type(n) is not int or n < 0 for n in shape):
        raise DataError(
            f"{what} has shape {shown(shape)}; expected 1 to 4 dimensions of 0 or more."
        )
    header = Header(shape, bool(fortran_order), dtype)
    addressed = math.prod(max(n, 1) for n in shape) * dtype.itemsize
    if header.bytes > most or addressed > sys.maxsize:
        raise DataError(
            f"{what} is truncated or damaged: its header promises values of shape "
            f"{shown(shape)}, but it can hold at most {most:,} bytes."
        )
    return header


def read_values(stream: IO[bytes], header: Header, *, what: str) -> npt.NDArray[Any]:
    """Read the values that follow a header, in the order and byte order of the file."""
    content = read_exactly(stream, header.bytes, most=header.bytes, what=what)
    if not content:
        return np.empty(header.shape, header.dtype)
    values: npt.NDArray[Any] = np.frombuffer(content, header.dtype)
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")


def _parse_header(stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    start = stream.read(len(START) + 2)
    size = LENGTH_BYTES.get(start[len(START) :])
    if not start.startswith(START) or size is None:
        raise DataError(
            f"{what} starts with the bytes {start.hex(' ') or '(none)'} and has no readable "
            "header; expected an array that NumPy wrote."
        )
    length = stream.read(size)
    count = int.from_bytes(length, "little")
    if count > LONGEST_HEADER:
        raise DataError(
            f"{what} has no readable header: it has {count:,} bytes; "
            f"expected at most {LONGEST_HEADER:,}."
        )
    formats = np.lib.format
    read = formats.read_array_header_1_0 if size == 2 else formats.read_array_header_2_0
    content = io.BytesIO(length + stream.read(count))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for headers from Python 2, and for old types
            return read(content)
    except Exception as error:  # NumPy parses it as Python, which can raise almost anything
        raise DataError(
            f"{what} has no readable header ({quoted(error)}); expected an array that NumPy wrote."
        ) from error


def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name if dtype.kind in "cmM" else quoted(dtype)

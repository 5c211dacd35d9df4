"""One array as NumPy writes it: a header that says type and shape, and the values.

Arrays are read here rather than by `numpy.load`, so that a header is compared with what the file
can hold before memory is taken. Pickled objects are refused, never read.
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
LENGTH_BYTES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}  # of the header's length
# Versions 2 and 3 differ in the encoding of names of fields, which are refused anyway.
LONGEST_HEADER = 10_000  # bytes, as for numpy.load
LONGEST_TEXT = 1 << 16  # bytes


class Header(NamedTuple):
    """What an array's header says, checked to be possible."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """How many bytes follow."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], *, most: int, what: str) -> Header:
    """Read a header, and check that at most so many bytes can follow."""
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
    """Read what follows a header, in the order and with the bytes of the file."""
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
    version = np.lib.format.read_array_header_1_0
    if size > 2:
        version = np.lib.format.read_array_header_2_0
    content = io.BytesIO(length + stream.read(count))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a header that Python 2 wrote, or an old type
            return version(content)
    except Exception as error:  # NumPy evaluates it as Python, which can raise almost anything
        raise DataError(
            f"{what} has no readable header ({quoted(error)}); expected an array that NumPy wrote."
        ) from error


def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name if dtype.kind in "cmM" else quoted(dtype)

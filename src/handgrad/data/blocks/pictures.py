"""Pictures in a column of Arrow, in the layout of Hugging Face: ``{bytes, path}``.

Only the bytes are decoded. A path leads to wherever the pictures once lay, and is never opened.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from handgrad.data.images import decode
from handgrad.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

# Pillow's warnings are turned into errors, which changes a setting of the whole process.
_ONE_AT_A_TIME = threading.Lock()


def picture_size(name: str, column: Any) -> tuple[int, int]:
    """Return the rows and columns of the first picture of a column."""
    with _ONE_AT_A_TIME:
        pixels = decode(_content(name, column, 0, 0), _where(name, 0))
    return pixels.shape[0], pixels.shape[1]


def pictures_into(
    X: npt.NDArray[Any],
    name: str,
    column: Any,
    image_shape: tuple[int, int] | None,
    start: int,
) -> None:
    """Decode the pictures of a column into X; the first one is row ``start`` of the table."""
    assert image_shape is not None  # noqa: S101 - for the type checker: opening has found it
    for i, row in enumerate(X):
        content = _content(name, column, i, start)
        where = _where(name, start + i)
        with _ONE_AT_A_TIME:
            pixels = decode(content, where)
        if pixels.shape != image_shape:
            raise DataError(
                f"{where} has {pixels.shape[1]}×{pixels.shape[0]} pixels; expected "
                f"{image_shape[1]}×{image_shape[0]}, as in the first picture."
            )
        row[:] = pixels.ravel()


def _content(name: str, column: Any, i: int, start: int) -> bytes:
    picture = column[i].as_py()
    content = None if picture is None else picture["bytes"]
    if content is None:
        raise DataError(
            f"{name} holds only a path in row {start + i} (counted from 0), which is never "
            "opened; expected the bytes of the picture: embed them."
        )
    return bytes(content)


def _where(name: str, row: int) -> str:
    return f"{name}, row {row} (counted from 0),"

"""NumPy's files: NPZ with samples and labels, NPY with samples alone.

The members are read here rather than by `numpy.load`, so that a header is compared with what
the file can hold before memory is taken. Pickled objects are refused, never read.
"""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from handgrad.data.dataset import Part, Parts
from handgrad.data.streams import LARGEST_RATIO, open_unpacked, read_exactly, reading
from handgrad.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
HEADER_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    SyntaxError,
    RecursionError,
    EOFError,
    tokenize.TokenError,
)


def read_npz(path: Path) -> Parts:
    """Read ``X`` and ``y``, or ``x_train``, ``y_train``, ``x_test`` and ``y_test``."""
    with open_unpacked(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                arrays = _read_members(path, archive)
        except (zipfile.BadZipFile, RuntimeError, ValueError, KeyError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path} is a damaged NPZ file ({error}); save it again.") from error
    return _parts(path, arrays)


def read_npy(path: Path) -> Part:
    """Read samples without labels."""
    with open_unpacked(path) as stream:
        array = _read_array(stream, path.stat().st_size, str(path))
    return _part(path, array, None)


def _read_members(path: Path, archive: zipfile.ZipFile) -> dict[str, npt.NDArray[Any]]:
    names = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    for wanted in (
        ("x_train", "y_train", "x_test", "y_test"),
        ("x_train", "y_train"),
        ("X", "y"),
        ("X",),
    ):
        if names.issuperset(wanted):
            return {name: _read_member(path, archive, name) for name in wanted}
    raise DataError(
        f"{path} holds the arrays {', '.join(sorted(names)) or 'none'}; "
        "expected X and y, or x_train, y_train, x_test and y_test."
    )


def _read_member(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    what = f"{path}, array {name},"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{what} is packed in an unusual way; expected what numpy.savez writes.")
    packed = min(member.compress_size, path.stat().st_size)
    ratio = LARGEST_RATIO if member.compress_type == zipfile.ZIP_DEFLATED else 1
    with reading(path), archive.open(member) as stream:
        return _read_array(stream, packed * ratio, what)


def _read_array(stream: IO[bytes], most: int, what: str) -> npt.NDArray[Any]:
    shape, fortran_order, dtype = _read_header(stream, what)
    if dtype.hasobject:
        raise DataError(f"{what} holds pickled objects, which can run code; expected numbers.")
    if dtype.kind not in "buifUS" or dtype.itemsize == 0 or dtype.fields is not None:
        raise DataError(f"{what} holds values of type {dtype}; expected numbers or texts.")
    if not 1 <= len(shape) <= 4 or min(shape) < 0:
        raise DataError(f"{what} has shape {shape}; expected 1 to 4 dimensions.")
    content = read_exactly(stream, math.prod(shape) * dtype.itemsize, most=most, what=what)
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
    return np.ascontiguousarray(array, dtype=dtype.newbyteorder("="))


def _read_header(stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a header that Python 2 wrote
            return HEADER_READERS[version](stream)
    except HEADER_FAULTS as error:
        raise DataError(
            f"{what} has no readable header ({error}); expected an array that NumPy wrote."
        ) from error


def _parts(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> Parts:
    if "X" in arrays:
        return Parts(_part(path, arrays["X"], arrays.get("y")))
    train = _part(path, arrays["x_train"], arrays["y_train"])
    if "x_test" not in arrays:
        return Parts(train)
    return Parts(train, _part(path, arrays["x_test"], arrays["y_test"]))


def _part(path: Path, X: npt.NDArray[Any], y: npt.NDArray[Any] | None) -> Part:
    if X.dtype.kind in "US":
        raise DataError(f"{path} holds texts as samples; expected numbers.")
    if X.ndim == 4 and X.shape[3] == 1:
        X = X[:, :, :, 0]
    image_shape = (X.shape[1], X.shape[2]) if X.ndim == 3 else None
    if X.ndim not in (2, 3):
        raise DataError(
            f"{path} holds samples of shape {X.shape}; expected (samples, features) or "
            "(samples, rows, columns)."
        )
    X = X.reshape(len(X), math.prod(X.shape[1:]))
    if X.dtype not in (np.uint8, np.float32, np.float64):
        X = X.astype(np.float64)
    return Part(X, None if y is None else _labels(path, y), image_shape)


def _labels(path: Path, y: npt.NDArray[Any]) -> list[object]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"{path} holds labels of shape {y.shape}; expected (samples,), integers or texts, "
            "never one-hot."
        )
    if y.dtype.kind == "f" and not (np.isfinite(y) & (y == np.floor(y))).all():
        raise DataError(f"{path} holds labels that are not whole numbers; expected classes.")
    if y.dtype.kind == "S":
        return [label.decode("latin-1") for label in y.tolist()]
    if y.dtype.kind in "bf":
        y = y.astype(np.int64)
    return list(y.tolist())

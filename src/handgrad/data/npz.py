"""NumPy's files: NPZ with samples and targets, NPY with samples only.

All headers are read and compared before any value is read.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.dataset import Part, Parts, check_counts, check_same_features
from handgrad.data.npy import Header, read_header, read_values
from handgrad.data.streams import LARGEST_RATIO, open_unpacked, reading
from handgrad.data.targets import OR_MATRIX, OR_VALUES, as_matrix
from handgrad.errors import DataError
from handgrad.quoting import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from handgrad.data.targets import Predicts

KEPT = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
LAST_CODE_POINT = 0x10FFFF
ENCRYPTED = 1  # flag of an encrypted member


def read_npz(path: Path, predicts: Predicts = "classes") -> Parts:
    """Read ``X`` and ``y``, or ``x_train``, ``y_train``, ``x_test`` and ``y_test``."""
    with reading(path), open_unpacked(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                return _read_parts(path, archive, predicts)
        except (DataError, OSError, EOFError, MemoryError, zlib.error):
            raise
        except Exception as error:  # a damaged archive makes zipfile raise almost anything
            raise DataError(
                f"{path} is a damaged NPZ file ({quoted(error)}); save it again."
            ) from error


def read_npy(path: Path) -> Part:
    """Read samples without labels."""
    with open_unpacked(path) as stream:
        header = read_header(stream, most=path.stat().st_size, what=str(path))
        image_shape = check_samples(path, header)
        X = _as_rows(read_values(stream, header, what=str(path)))
    return Part(X, None, image_shape)


def _read_parts(path: Path, archive: zipfile.ZipFile, predicts: Predicts) -> Parts:
    wanted = wanted_arrays(path, archive)
    size = path.stat().st_size
    headers = {name: read_member_header(path, archive, name, size) for name in wanted}
    for X, y in pairs_of(wanted):
        check_samples(path, headers[X])
        if y is not None:
            count, _ = check_target_shape(path, headers[y], predicts)
            check_counts(str(path), flat_shape(headers[X]), count)
    if "x_test" in wanted:
        features = (flat_shape(headers[X])[1] for X in ("x_train", "x_test"))
        check_same_features(str(path), *features)
    train, *test = (
        _read_part(path, archive, headers, *pair, predicts) for pair in pairs_of(wanted)
    )
    return Parts(train, *test)


def wanted_arrays(path: Path, archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the names of the arrays to read: of samples, and of labels behind each."""
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    known = set(names)
    for wanted in (
        ("x_train", "y_train", "x_test", "y_test"),
        ("x_train", "y_train"),
        ("X", "y"),
        ("X",),
    ):
        if known.issuperset(wanted):
            twice = next((name for name in wanted if names.count(name) > 1), None)
            if twice is not None:
                raise DataError(f"{path} holds two arrays {quoted(twice)}; expected one.")
            return wanted
    raise DataError(
        f"{path} holds the arrays {listed(sorted(known)) or 'none'}; "
        "expected X and y, or x_train, y_train, x_test and y_test."
    )


def pairs_of(wanted: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the names of the arrays of samples, each with the name of its labels."""
    return [(X, next(iter(wanted[i + 1 : i + 2]), None)) for i, X in enumerate(wanted) if not i % 2]


def read_member_header(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> Header:
    """Read the header of an array in an archive that has so many bytes."""
    member = archive.getinfo(f"{name}.npy")
    what = _what(path, name)
    if member.flag_bits & ENCRYPTED:
        raise DataError(f"{what} is encrypted; expected what numpy.savez writes.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{what} is packed in an unusual way; expected what numpy.savez writes.")
    packed = min(member.compress_size, size)
    ratio = LARGEST_RATIO if member.compress_type == zipfile.ZIP_DEFLATED else 1
    with archive.open(member) as stream:
        return read_header(stream, most=packed * ratio, what=what)


def _read_member(
    path: Path, archive: zipfile.ZipFile, headers: dict[str, Header], name: str
) -> npt.NDArray[Any]:
    header = headers[name]
    what = _what(path, name)
    with archive.open(f"{name}.npy") as stream:
        read_header(stream, most=header.bytes, what=what)  # once more, because the values follow it
        return read_values(stream, header, what=what)


def _read_part(
    path: Path,
    archive: zipfile.ZipFile,
    headers: dict[str, Header],
    X: str,
    y: str | None,
    predicts: Predicts,
) -> Part:
    labels: Any = None
    if y is not None:
        found = _read_member(path, archive, headers, y)
        is_number = predicts != "classes"
        labels = as_matrix(str(path), found, predicts) if is_number else label_values(path, found)
    rows = _as_rows(_read_member(path, archive, headers, X))
    return Part(rows, labels, check_samples(path, headers[X]))


def _what(path: Path, name: str) -> str:
    return f"{path}, array {name},"


def check_samples(path: Path, header: Header) -> tuple[int, int] | None:
    """Check that an array can hold samples; return the shape of its pictures, if it has any."""
    if header.dtype.kind in "US":
        raise DataError(f"{path} holds texts as samples; expected numbers.")
    shape = header.shape
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) not in (2, 3):
        raise DataError(
            f"{path} holds samples of shape {shape}; expected (samples, features) or "
            "(samples, rows, columns)."
        )
    return (shape[1], shape[2]) if len(shape) == 3 else None


def check_target_shape(path: Path, header: Header, predicts: Predicts) -> tuple[int, int]:
    """Check that an array can hold targets; return how many, and the columns of each."""
    shape = header.shape
    if predicts != "classes":
        if len(shape) > 2 or 0 in shape[1:] or header.dtype.kind in "US":
            raise DataError(
                f"{path} holds {predicts} of type {header.dtype} and shape {shape}; expected "
                f"numbers of shape (samples, {predicts})."
            )
        return shape[0], math.prod(shape[1:])
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 1):
        raise DataError(
            f"{path} holds labels of shape {shape}; expected (samples,), integers or texts, "
            f"never one-hot{OR_MATRIX}."
        )
    return shape[0], 1


def flat_shape(header: Header) -> tuple[int, int]:
    """Return (m, D)."""
    return header.shape[0], math.prod(header.shape[1:])


def _as_rows(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return samples as rows of a type that the network takes; they are copied at most once."""
    native = array.dtype.newbyteorder("=")
    with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are refused later
        X = np.ascontiguousarray(array, dtype=native if native in KEPT else np.float64)
    return X.reshape(len(X), math.prod(X.shape[1:]))


def label_values(path: Path, array: npt.NDArray[Any]) -> list[object]:
    """Return labels as whole numbers or texts."""
    y = np.ascontiguousarray(array.ravel())
    if y.dtype.kind == "U":
        codes = y.view(y.dtype.byteorder + "u4")
        if codes.size and codes.max() > LAST_CODE_POINT:
            raise DataError(
                f"{path} holds a label with the character {codes.max():#x}, which Unicode does "
                "not have; expected texts."
            )
    if y.dtype.kind == "S":
        return list(_decoded(y.tolist()))
    if y.dtype.kind == "f":
        return list(_whole(path, y))
    if y.dtype.kind == "b":
        y = y.astype(np.int64)
    return list(y.tolist())


def _whole(path: Path, y: npt.NDArray[Any]) -> list[int]:
    """Return floats that are whole numbers as integers."""
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = y.astype(np.float64)
        exact = np.isfinite(numbers) & (numbers == y) & (numbers == np.floor(numbers))
    if not exact.all():
        raise DataError(
            f"{path} holds labels that are not whole numbers; expected classes{OR_VALUES}."
        )
    return list(map(int, numbers.tolist()))


def _decoded(labels: list[bytes]) -> list[str]:
    try:
        return [label.decode() for label in labels]
    except UnicodeDecodeError:
        return [label.decode("latin-1") for label in labels]

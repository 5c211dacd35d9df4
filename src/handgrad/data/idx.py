"""IDX files, the format in which MNIST is published.

A file starts with two zero bytes, a type (8: bytes), the number of dimensions, and the size of
each dimension in four bytes, most significant byte first. The data follows.
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING

import numpy as np

from handgrad.data.dataset import Part, Parts, check_same_features
from handgrad.data.streams import capacity, open_unpacked, read_exactly
from handgrad.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

UNSIGNED_BYTES = 8
DIMENSIONS = {"train-images": 3, "train-labels": 1, "t10k-images": 3, "t10k-labels": 1}
STEMS = tuple(DIMENSIONS)


def read_folder(folder: Path) -> Parts:
    """Read the four files of MNIST, or of a data set in the same layout (Fashion-MNIST, EMNIST)."""
    train, test = (
        (_find(folder, f"{prefix}-images"), _find(folder, f"{prefix}-labels"))
        for prefix in ("train", "t10k")
    )
    check_same_features(str(folder), _check_counts(*train), _check_counts(*test))
    return Parts(_read_part(*train), _read_part(*test))


def looks_like_idx(folder: Path) -> bool:
    """Tell whether a folder holds at least one of the four files."""
    return any(path.is_file() for stem in STEMS for path in _candidates(folder, stem))


def is_image_file(path: Path) -> bool:
    """Tell whether a file is named like a file of IDX images."""
    return path.is_file() and "idx3-ubyte" in path.name


def read_images(path: Path) -> Part:
    """Read images without labels."""
    images = read_array(path, dimensions=3)
    m, rows, columns = images.shape
    return Part(images.reshape(m, rows * columns), None, (rows, columns))


def read_array(path: Path, *, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of bytes with the given number of dimensions."""
    with open_unpacked(path) as stream:
        shape = read_shape(path, stream, dimensions)
        content = read_exactly(stream, math.prod(shape), most=capacity(path), what=str(path))
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_shape(path: Path, stream: IO[bytes], dimensions: int) -> tuple[int, ...]:
    """Read the header: the size of each dimension."""
    start = stream.read(4)
    expected = bytes([0, 0, UNSIGNED_BYTES, dimensions])
    if start != expected:
        raise DataError(
            f"{path} starts with the bytes {start.hex(' ') or '(none)'}; "
            f"expected {expected.hex(' ')}, an IDX file of {dimensions}-dimensional bytes."
        )
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise DataError(f"{path} is truncated: it ends within its header.")
    shape = tuple(np.frombuffer(header, ">u4").tolist())
    if 0 in shape:
        raise DataError(
            f"{path} holds {' × '.join(map(str, shape))} values; expected at least one."
        )
    return shape


def _check_counts(images: Path, labels: Path) -> int:
    """Check that two headers give the same number of samples; return the number of features."""
    shapes = []
    for path, dimensions in ((images, 3), (labels, 1)):
        with open_unpacked(path) as stream:
            shapes.append(read_shape(path, stream, dimensions))
    (m, rows, columns), (count,) = shapes
    if m != count:
        raise DataError(
            f"{images} holds {m:,} images and {labels.name} {count:,} labels; "
            "expected one label per image."
        )
    return rows * columns


def _read_part(images: Path, labels: Path) -> Part:
    return read_images(images)._replace(labels=read_array(labels, dimensions=1).tolist())


def _candidates(folder: Path, stem: str) -> list[Path]:
    name = f"idx{DIMENSIONS[stem]}-ubyte"
    return [folder / f"{stem}{mark}{name}{gz}" for mark in "-." for gz in ("", ".gz")]


def _find(folder: Path, stem: str) -> Path:
    candidates = _candidates(folder, stem)
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(
        f"{folder} lacks {candidates[0].name}; expected the four IDX files of training and test "
        "images and labels, gzipped or not."
    )

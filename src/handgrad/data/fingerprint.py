"""A text that tells labelled rows apart by their content, wherever they lie.

It is the same on every machine and for every form of the same rows: it holds no paths, times or
byte orders. It covers the shape, the type, all targets, and the rows of the first and of the last
leaf.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from handgrad.data.targets import Predicts

COVERED = 8192  # rows at either end whose numbers are covered
DIGITS = 16  # of 4 bits each


def fingerprint_of(
    X: Any, y: npt.NDArray[Any], class_names: Sequence[str], predicts: Predicts = "classes"
) -> str:
    """Return the fingerprint of rows in memory.

    Parameters
    ----------
    X : array or SciPy sparse array of shape (m, D)
    y : array of shape (m,) or (m, K)
        The number of each row's class, or its labels or values.
    class_names : sequence of str
        Those of labels and values do not count, as those of features do not.
    predicts : {"classes", "labels", "values"}

    Examples
    --------
    >>> X, y = np.array([[0.5, 2.0], [0.0, 1.0]]), np.array([1, 0])
    >>> fingerprint_of(X, y, ("cat", "dog"))
    '2x2 float64 26fb8d3ffe4e5111'
    """
    covered = (X[start:stop] for start, stop in covered_rows(len(y)))
    if predicts == "classes":
        return combined(X.shape, X.dtype, class_names, digest_of_labels(y, class_names), covered)
    digest = NumberDigest()
    digest.add(y)
    return combined(X.shape, X.dtype, (), digest.text(predicts), covered)


def combined(
    shape: tuple[int, int],
    dtype: npt.DTypeLike,
    class_names: Sequence[str],
    labels: str,
    covered: Iterable[Any],
) -> str:
    """Return the fingerprint of rows that are read a part at a time.

    ``labels`` is the text of a `LabelDigest` or of a `NumberDigest`; ``covered`` are the rows of
    `covered_rows`, in parts of any size, each an array or a SciPy sparse array.
    """
    rows = hashlib.sha256()
    for part in covered:
        for row in part.tocsr() if hasattr(part, "tocsr") else part:
            dense = row.toarray().ravel() if hasattr(row, "toarray") else row
            columns = np.flatnonzero(dense)
            rows.update(np.int64(len(columns)).astype("<i8").tobytes())
            rows.update(columns.astype("<i8").tobytes())
            rows.update(_little_endian(dense[columns]).tobytes())
    name = f"{shape[0]}x{shape[1]} {np.dtype(dtype).name}"
    parts = [name, list(map(str, class_names)), labels, rows.hexdigest()]
    return f"{name} {hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]}"


def without_held_out(fingerprint: str, every: int) -> str:
    """Return the fingerprint of rows without every n-th of each class, from that of all rows."""
    return f"{fingerprint} without every {every}th"


def covered_rows(m: int) -> list[tuple[int, int]]:
    """Return the start and the end of each range of rows whose numbers are covered.

    Examples
    --------
    >>> covered_rows(20000), covered_rows(16384), covered_rows(5)
    ([(0, 8192), (16384, 20000)], [(0, 8192), (8192, 16384)], [(0, 5)])
    """
    last = (m - 1) // COVERED * COVERED
    return [(0, min(m, COVERED))] + [(last, m)] * (last > 0)


class LabelDigest:
    """A digest of labels in their order, which may be added in parts of any size.

    Labels are places: 0 stands for the class of the first row, 1 for that of the first row of
    another class, and so on.

    Examples
    --------
    >>> digest = LabelDigest()
    >>> digest.add(np.array([0, 1]))
    >>> digest.text(["dog", "cat"]) == digest_of_labels(np.array([1, 0]), ("cat", "dog"))
    True
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, places: npt.NDArray[Any]) -> None:
        """Add the labels of consecutive rows."""
        self._digest.update(places.astype("<i4").tobytes())

    def text(self, names: Sequence[str]) -> str:
        """Return the digest of all labels, where a place stands for a name."""
        digest = self._digest.copy()
        digest.update(json.dumps(list(names)).encode())
        return digest.hexdigest()


class NumberDigest:
    """A digest of labels or values in their order, which may be added in parts of any size.

    Examples
    --------
    >>> digest, whole = NumberDigest(), NumberDigest()
    >>> digest.add(np.array([0.5, 2.0]))
    >>> digest.add(np.array([[4.0]]))
    >>> whole.add(np.array([[0.5], [2.0], [4.0]]))
    >>> digest.text("values") == whole.text("values") != whole.text("labels")
    True
    """

    def __init__(self) -> None:
        self._digest, self._columns = hashlib.sha256(), 1

    def add(self, Y: npt.NDArray[Any]) -> None:
        """Add the labels or values of consecutive rows."""
        if len(Y):
            self._columns = Y.size // len(Y)
        self._digest.update(Y.astype("<f8").tobytes())

    def text(self, predicts: Predicts) -> str:
        """Return the digest of all rows."""
        digest = self._digest.copy()
        digest.update(json.dumps([predicts, self._columns]).encode())
        return digest.hexdigest()


def digest_of_labels(y: npt.NDArray[Any], class_names: Sequence[str]) -> str:
    """Return the digest of labels that are numbers of classes."""
    found, first, each = np.unique(y, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty(len(found), np.intp)
    places[order] = np.arange(len(found))
    digest = LabelDigest()
    digest.add(places[each])
    return digest.text([str(class_names[int(number)]) for number in found[order]])


def _little_endian(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)

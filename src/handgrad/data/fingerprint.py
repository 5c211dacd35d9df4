"""A text that tells labelled rows apart by their content, wherever they lie.

It is the same on every machine and for every form of the same rows: it holds no paths, times or
byte orders. It covers the shape, the type, all labels, and the rows of the first and the last leaf.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

COVERED = 8192  # rows at either end whose numbers are covered
DIGITS = 16  # of 4 bits each


def fingerprint_of(X: Any, y: npt.NDArray[np.intp], class_names: Sequence[str]) -> str:
    """Return the fingerprint of rows in memory.

    Parameters
    ----------
    X : array or SciPy sparse array of shape (m, D)
    y : array of shape (m,)
        The number of each row's class.
    class_names : sequence of str

    Examples
    --------
    >>> X, y = np.array([[0.5, 2.0], [0.0, 1.0]]), np.array([1, 0])
    >>> fingerprint_of(X, y, ("cat", "dog"))
    '2x2 float64 1f42fc11a051cd3f'
    """
    found = Fingerprint()
    found.add_labels(y, class_names)
    for start, stop in covered_rows(len(y)):
        found.add_rows(X[start:stop])
    return found.text(features=X.shape[1], dtype=X.dtype, class_names=class_names)


def covered_rows(m: int) -> list[tuple[int, int]]:
    """Return the start and the end of each range of rows that `Fingerprint.add_rows` takes.

    Examples
    --------
    >>> covered_rows(20000), covered_rows(16384), covered_rows(5)
    ([(0, 8192), (16384, 20000)], [(0, 8192), (8192, 16384)], [(0, 5)])
    """
    last = (m - 1) // COVERED * COVERED
    return [(0, min(m, COVERED))] + [(last, m)] * (last > 0)


class Fingerprint:
    """The fingerprint of rows that are read a part at a time.

    All labels are added in the order of the rows, in parts of any size; meanwhile or later also the
    rows of `covered_rows`, in their order and in parts of any size.

    Examples
    --------
    >>> parts = Fingerprint()
    >>> parts.add_labels(np.array([0]), ["dog"])
    >>> parts.add_labels(np.array([0]), ["cat"])
    >>> parts.add_rows(np.array([[0.5, 2.0], [0.0, 1.0]]))
    >>> parts.text(features=2, dtype=np.float64, class_names=("cat", "dog"))
    '2x2 float64 1f42fc11a051cd3f'
    """

    def __init__(self) -> None:
        self._labels, self._rows = hashlib.sha256(), hashlib.sha256()
        self._numbers: dict[str, int] = {}  # by the first row of each class
        self._count = 0

    def add_labels(self, numbers: npt.NDArray[Any], names: Sequence[str]) -> None:
        """Add the labels of consecutive rows: the number of each, and the name of each number.

        Other parts may number the same names differently.
        """
        found, first, each = np.unique(numbers, return_index=True, return_inverse=True)
        own = np.empty(len(found), dtype="<i8")
        for place in np.argsort(first):
            name = str(names[int(found[place])])
            own[place] = self._numbers.setdefault(name, len(self._numbers))
        self._labels.update(own[each].tobytes())
        self._count += len(numbers)

    def add_rows(self, X: Any) -> None:
        """Add consecutive rows of those that are covered: an array, or a SciPy sparse array."""
        for row in X.tocsr() if hasattr(X, "tocsr") else X:
            dense = row.toarray().ravel() if hasattr(row, "toarray") else row
            columns = np.flatnonzero(dense)
            self._rows.update(np.int64(len(columns)).astype("<i8").tobytes())
            self._rows.update(columns.astype("<i8").tobytes())
            self._rows.update(_little_endian(dense[columns]).tobytes())

    def text(self, *, features: int, dtype: npt.DTypeLike, class_names: Sequence[str]) -> str:
        """Return the fingerprint of all that was added."""
        shape, kind = f"{self._count}x{features}", np.dtype(dtype).name
        parts = [
            shape,
            kind,
            list(map(str, class_names)),
            list(self._numbers),
            self._labels.hexdigest(),
            self._rows.hexdigest(),
        ]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return f"{shape} {kind} {digest[:DIGITS]}"


def _little_endian(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)

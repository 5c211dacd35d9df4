"""Blocks of rows: leaves of a fixed number of consecutive rows, read one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data.dataset import Labels, Rows

LEAF_ROWS = 8192


class RowReader(Protocol):
    """Reads consecutive rows of a source, in any order and again; it can be pickled."""

    def read(self, start: int, stop: int) -> tuple[Rows, npt.NDArray[Any]]:
        """Return the rows from start to stop, and their labels as they are in the source."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Labelled rows in leaves of ``leaf_rows`` consecutive rows; the last leaf may be smaller.

    Sums over leaves depend neither on how the rows lie in files nor on the memory of a machine.
    A pickle of blocks holds no rows if the source lies in files.

    Attributes
    ----------
    reader : RowReader
    counts : array of shape (n, K)
        How many rows of each class each leaf holds.
    classes : array of shape (K,)
        The distinct labels, sorted.
    features : int
        D.
    dtype : dtype
        The type of the rows: ``uint8``, ``float32`` or ``float64``.
    fingerprint : str
        Tells data sets apart, wherever they lie.

    Examples
    --------
    >>> blocks = Blocks.of(np.eye(3), np.array(["a", "b", "a"]), leaf_rows=2)
    >>> len(blocks), blocks.sizes.tolist(), blocks.classes.tolist()
    (2, [2, 1], ['a', 'b'])
    >>> X, y = blocks.read(1)
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0, 1.0]], [0])
    """

    reader: RowReader
    counts: npt.NDArray[np.int64]
    classes: npt.NDArray[Any]
    features: int
    dtype: np.dtype[Any]
    source: str
    fingerprint: str
    leaf_rows: int = LEAF_ROWS
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, int] | None = None
    pixels: bool = True
    """Whether bytes are pixels, scaled by 1/255 where they are used, or ordinary numbers."""

    def __len__(self) -> int:
        """Count the leaves."""
        return len(self.counts)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(n,): the rows of each leaf."""
        sizes: npt.NDArray[np.int64] = self.counts.sum(axis=1)
        return sizes

    @property
    def rows(self) -> int:
        """Number of rows, m."""
        return int(self.counts.sum())

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as texts."""
        return tuple(map(str, self.classes.tolist()))

    def read(self, leaf: int) -> tuple[Rows, Labels]:
        """Read a leaf: its rows, and the number of each row's class."""
        start = leaf * self.leaf_rows
        X, labels = self.reader.read(start, start + int(self.sizes[leaf]))
        return X, np.searchsorted(self.classes, labels)

    @classmethod
    def of(cls, X: Rows, y: npt.NDArray[Any], *, leaf_rows: int = LEAF_ROWS) -> Blocks:
        """Return rows and labels in memory as blocks."""
        classes, codes = np.unique(y, return_inverse=True)
        starts = range(0, len(y), leaf_rows)
        counts = [np.bincount(codes[i : i + leaf_rows], minlength=len(classes)) for i in starts]
        reader = _Arrays(X, y)
        return cls(reader, np.array(counts), classes, X.shape[1], X.dtype, "arrays", "", leaf_rows)


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Rows and labels in memory."""

    X: Rows
    y: npt.NDArray[Any]

    def read(self, start: int, stop: int) -> tuple[Rows, npt.NDArray[Any]]:
        return self.X[start:stop], self.y[start:stop]

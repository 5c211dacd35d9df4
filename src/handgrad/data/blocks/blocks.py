"""Blocks of rows: leaves of a fixed number of consecutive rows, read one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.census import LEAF_ROWS, shared_labels, take_census
from handgrad.data.blocks.readers import (
    HeldOut,
    InMemory,
    LastLeaf,
    Renumbered,
    Reordered,
    held_out_counts,
)
from handgrad.data.classes import HELD_OUT, class_numbers
from handgrad.data.dataset import check_counts, check_same_features
from handgrad.data.fingerprint import combined, covered_rows, without_held_out
from handgrad.data.npz import KEPT
from handgrad.data.targets import (
    USUAL_LABEL,
    TargetColumns,
    as_matrix,
    column_order,
    names_in_frame,
)
from handgrad.errors import DataError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from handgrad.data.blocks.readers import LeafReader
    from handgrad.data.dataset import Rows, Targets
    from handgrad.data.targets import Predicts


USUAL_WINDOW = 8


@dataclass(frozen=True, eq=False)
class Blocks:
    """Rows and their targets, in leaves of ``leaf_rows`` rows; the last leaf may be smaller.

    Sums over leaves depend neither on how the rows lie in files nor on the memory of a machine.
    A pickle of blocks holds no rows if the source lies in files.

    Attributes
    ----------
    reader : LeafReader
    counts : array of shape (n, K)
        How many rows of each class each leaf holds; for labels and values (n, 1), all rows.
    classes : array of shape (K,)
        The distinct labels, sorted. Blocks of labels or values have no classes.
    features : int
        D.
    dtype : dtype
        The type of the rows: ``uint8``, ``float32`` or ``float64``.
    source : str
        The source, as the user names it.
    targets_digest : str
        A digest of all targets in their order.
    test : callable or None
        Opens the test part of the source, if it has one; see `test_part`.

    Examples
    --------
    >>> blocks = Blocks.of(np.eye(3), np.array(["a", "b", "a"]), leaf_rows=2)
    >>> len(blocks), blocks.sizes.tolist(), blocks.classes.tolist()
    (2, [2, 1], ['a', 'b'])
    >>> X, y = blocks.read(1)
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0, 1.0]], [0])
    >>> Blocks.of(np.eye(3), [0.5, 2.0, 1.5], predicts="values", leaf_rows=2).read(0)[1]
    array([[0.5],
           [2. ]])
    """

    reader: LeafReader
    counts: npt.NDArray[np.int64]
    classes: npt.NDArray[Any]
    features: int
    dtype: np.dtype[Any]
    source: str
    targets_digest: str
    leaf_rows: int = LEAF_ROWS
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, int] | None = None
    pixels: bool = True
    """Whether bytes are pixels, scaled by 1/255 where they are used, or ordinary numbers."""
    test: Callable[[], Blocks] | None = None
    whole: tuple[Blocks, int] | None = None
    """The blocks from which every n-th row of each class was held out, and n."""
    window: int = USUAL_WINDOW
    """How many leaves lie in memory together."""
    predicts: Predicts = "classes"
    """What is to be predicted: a class, several "labels", or "values"."""
    columns: tuple[str, ...] = ()
    """The names of the labels or values."""

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
    def target_names(self) -> tuple[str, ...]:
        """The classes as texts, or the names of the columns of labels or values."""
        return (
            tuple(map(str, self.classes.tolist())) if self.predicts == "classes" else self.columns
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The same names, as a model calls them."""
        return self.target_names

    @property
    def outputs(self) -> int:
        """How many classes, labels or values there are, K."""
        return len(self.classes) if self.predicts == "classes" else len(self.columns)

    @property
    def bytes_per_row(self) -> int:
        """Bytes of one decoded row."""
        return self.features * self.dtype.itemsize

    @cached_property
    def fingerprint(self) -> str:
        """Tells data sets apart by their content, wherever their files lie.

        The same rows in memory have the same one (`Dataset.fingerprint`). The first and the last
        rows are read when it is first used.
        """
        if self.whole is not None:
            whole, every = self.whole
            return without_held_out(whole.fingerprint, every)
        shape = self.rows, self.features
        covered = chain.from_iterable(starmap(self._between, covered_rows(self.rows)))
        names = self.class_names if self.predicts == "classes" else ()
        return combined(shape, self.dtype, names, self.targets_digest, covered)

    def _between(self, start: int, stop: int) -> Iterator[Rows]:
        """Read the rows from start to stop, in parts."""
        ends = np.cumsum(self.sizes)
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        for leaf in range(int(first), int(last) + 1):
            begin = int(ends[leaf]) - int(self.sizes[leaf])
            yield self.read(leaf)[0][max(start - begin, 0) : stop - begin]

    def read(self, leaf: int) -> tuple[Rows, Targets]:
        """Read a leaf: its rows, and the number of each row's class.

        Labels and values come as a ``float64`` matrix, one row per row and one column per label or
        value.
        """
        if not 0 <= leaf < len(self):
            raise IndexError(f"leaf {leaf} of {len(self)} leaves; they are counted from 0.")
        return self.reader.read(leaf)

    def load(self) -> tuple[Rows, Targets]:
        """Read all rows into memory.

        Examples
        --------
        >>> X, y = Blocks.of(np.eye(3), np.array(["a", "b", "a"]), leaf_rows=2).load()
        >>> X.shape, y.tolist()
        ((3, 3), [0, 1, 0])
        """
        X = np.empty((self.rows, self.features), self.dtype)
        y: Targets = np.empty(self.rows, np.intp)
        if self.predicts != "classes":
            y = np.empty((self.rows, self.outputs))
        start = 0
        for leaf, size in enumerate(self.sizes.tolist()):
            rows = slice(start, start + size)
            X[rows], y[rows] = self.read(leaf)
            start += size
        return X, y

    def test_part(self) -> Blocks | None:
        """Open the test part of the source with the same targets, or return None without one."""
        if self.test is None:
            return None
        test = self.test()
        check_same_features(self.source, self.features, test.features)
        return _as_known(test, self.target_names, self.classes, "the training part")

    def with_held_out(self, every: int = HELD_OUT) -> tuple[Blocks, Blocks]:
        """Return blocks to train and to test on: every fifth row of each class is a test row.

        Without classes, every fifth row is one. The rows are those of
        `Dataset.with_held_out_test`. A leaf of the results holds what is left of a leaf of these
        blocks. A leaf that keeps no row is dropped.

        Examples
        --------
        >>> blocks = Blocks.of(np.arange(10.0)[:, None], np.array([0, 1] * 5), leaf_rows=4)
        >>> train, test = blocks.with_held_out()
        >>> train.sizes.tolist(), test.sizes.tolist(), test.read(0)[0].tolist()
        ([4, 4], [2], [[8.0], [9.0]])
        """
        before = self.counts.cumsum(axis=0) - self.counts
        tested = held_out_counts(before, self.counts, every)
        last = LastLeaf(self.reader)
        return (
            self._held_out(last, before, self.counts - tested, every, tested=False),
            self._held_out(last, before, tested, every, tested=True),
        )

    def _held_out(
        self,
        reader: LeafReader,
        before: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int64],
        every: int,
        *,
        tested: bool,
    ) -> Blocks:
        kept = np.flatnonzero(counts.any(axis=1))
        chosen = HeldOut(reader, kept, before[kept], every, tested, self.predicts)
        whole = None if tested else (self, every)
        return replace(self, reader=chosen, counts=counts[kept], test=None, whole=whole)

    def with_classes(self, class_names: Sequence[str]) -> Blocks:
        """Return the blocks with a model's classes; an unknown class raises a DataError.

        The columns of labels or values take the order that they have in the model.

        Examples
        --------
        >>> blocks = Blocks.of(np.ones((2, 1)), np.array(["cat", "dog"]))
        >>> blocks.with_classes(("bird", "cat", "dog")).read(0)[1]
        array([1, 2])
        """
        return _as_known(self, class_names, np.array(class_names), "the network")

    @classmethod
    def of(
        cls,
        X: Rows,
        y: npt.ArrayLike,
        *,
        leaf_rows: int = LEAF_ROWS,
        source: str = "arrays",
        feature_names: Sequence[str] | None = None,
        image_shape: tuple[int, int] | None = None,
        written: bool = False,
        predicts: Predicts = "classes",
        target_names: Sequence[str] | None = None,
    ) -> Blocks:
        """Return rows and targets in memory as blocks; rows may also be CSR of SciPy.

        If labels are ``written``, texts that are all whole numbers are numbers. Without
        ``target_names``, the columns of labels or values have the names that they have in a data
        frame, or their numbers.
        """
        check_leaf_rows(leaf_rows)
        X = _checked_rows(source, X)
        names = target_names or names_in_frame(y) or USUAL_LABEL
        targets = TargetColumns.of(USUAL_LABEL if predicts == "classes" else names, predicts)
        found: Any
        if predicts == "classes":
            found = shared_labels(source, np.asarray(y))
            check_counts(source, X.shape, len(found.codes))
        else:
            found = as_matrix(source, y, predicts)
            check_counts(source, X.shape, len(found))
        census = take_census([(source, [found])], leaf_rows, predicts, written=written)
        is_of_classes = predicts == "classes"
        return cls(
            InMemory(X, census.numbers_of(found) if is_of_classes else found, leaf_rows),
            census.counts,
            census.classes,
            X.shape[1],
            X.dtype,
            source,
            census.digest,
            leaf_rows,
            None if feature_names is None else tuple(feature_names),
            image_shape,
            predicts=predicts,
            columns=() if is_of_classes else targets.names_of(source, found.shape[1]),
        )


def _as_known(
    blocks: Blocks, names: Sequence[str], classes: npt.NDArray[Any], whose: str
) -> Blocks:
    """Return blocks with targets in the order of names that ``whose`` has, or raise a DataError."""
    if tuple(names) == blocks.target_names:
        return blocks
    if blocks.predicts == "classes":
        return _renumbered(blocks, names, classes, whose)
    order = column_order(blocks.source, blocks.columns, names, blocks.predicts, whose)
    reader = Reordered(blocks.reader, tuple(order))
    return replace(blocks, reader=reader, columns=tuple(names))


def _renumbered(
    blocks: Blocks, class_names: Sequence[str], classes: npt.NDArray[Any], whose: str
) -> Blocks:
    """Return blocks with classes in the order of names that ``whose`` has, or raise a DataError."""
    numbers = class_numbers(blocks.source, blocks.class_names, class_names, whose)
    counts = np.zeros((len(blocks), len(class_names)), np.int64)
    np.add.at(counts.T, numbers, blocks.counts.T)
    reader = Renumbered(blocks.reader, numbers)
    return replace(blocks, reader=reader, counts=counts, classes=classes)


def _checked_rows(source: str, X: Any) -> Rows:
    """Return rows of a type that a network takes; refuse other shapes, NaN and infinity."""
    rows = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "buif":
        raise DataError(
            f"{source} holds {rows.dtype} values of shape {rows.shape}; expected numbers of shape "
            "(samples, features)."
        )
    rows = rows if rows.dtype in KEPT else rows.astype(np.float64)
    values = rows.data if hasattr(rows, "indptr") else rows
    if rows.dtype != np.uint8 and not np.isfinite(values).all():
        raise DataError(f"{source} holds NaN or infinity; expected finite numbers.")
    return rows


def check_leaf_rows(leaf_rows: int) -> None:
    """Raise a DataError unless this is a whole number of 1 or more."""
    is_whole = isinstance(leaf_rows, int | np.integer) and not isinstance(leaf_rows, bool)
    if not is_whole or leaf_rows < 1:
        raise DataError(f"leaf_rows is {shown(leaf_rows)}; expected a whole number of 1 or more.")

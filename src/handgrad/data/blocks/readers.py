"""What reads leaves: a protocol, rows in memory, and readers that change what another one reads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.data.targets import groups_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data.classes import Labels
    from handgrad.data.dataset import Rows, Targets
    from handgrad.data.targets import Predicts

    Leaf = tuple[Rows, Targets]


class LeafReader(Protocol):
    """Reads the leaves of a source, in any order and again, from several threads at once.

    It can be pickled. If ``in_processes`` is true, reading is slow and holds Python's lock, as
    decoding pictures does, so `read_ahead` reads in other processes.
    """

    @property
    def in_processes(self) -> bool:
        """Whether `read_ahead` reads in other processes."""

    def read(self, leaf: int) -> Leaf:
        """Return the rows of a leaf, and their targets; see `Blocks.read`."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Rows and their targets in memory."""

    X: Rows
    y: Targets
    leaf_rows: int

    @property
    def in_processes(self) -> bool:
        """No: the rows are there."""
        return False

    def read(self, leaf: int) -> Leaf:
        """Return views of the rows and of the targets."""
        rows = slice(leaf * self.leaf_rows, (leaf + 1) * self.leaf_rows)
        return self.X[rows], self.y[rows]


@dataclass(frozen=True, eq=False)
class Renumbered:
    """Rows whose classes have other numbers."""

    reader: LeafReader
    numbers: Labels  # (K,): the new number of each class

    @property
    def in_processes(self) -> bool:
        """As the reader says."""
        return self.reader.in_processes

    def read(self, leaf: int) -> Leaf:
        """Read a leaf of the reader, and translate its numbers."""
        X, y = self.reader.read(leaf)
        return X, self.numbers[y]


@dataclass(frozen=True, eq=False)
class Reordered:
    """Rows whose labels or values come in another order of columns."""

    reader: LeafReader
    order: tuple[int, ...]

    @property
    def in_processes(self) -> bool:
        """As the reader says."""
        return self.reader.in_processes

    def read(self, leaf: int) -> Leaf:
        """Read a leaf of the reader, and order its columns."""
        X, Y = self.reader.read(leaf)
        return X, Y[:, self.order]


class LastLeaf:
    """Remembers the leaf that each thread read last, so that two selections of it read it once."""

    def __init__(self, reader: LeafReader) -> None:
        self.reader = reader
        self._last = threading.local()

    @property
    def in_processes(self) -> bool:
        """As the reader says."""
        return self.reader.in_processes

    def read(self, leaf: int) -> Leaf:
        """Return the remembered leaf, or read another one."""
        if getattr(self._last, "leaf", None) != leaf:
            self._last.leaf = None
            self._last.content = None  # frees it before the next one is read
            self._last.content = self.reader.read(leaf)
            self._last.leaf = leaf
        content: Leaf = self._last.content
        return content

    def __reduce__(self) -> tuple[Any, ...]:
        return LastLeaf, (self.reader,)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rows of each class that are tested on, or all others; without classes, of all rows."""

    reader: LeafReader
    leaves: npt.NDArray[np.intp]  # (n,): the leaves of the reader that keep rows
    before: npt.NDArray[np.int64]  # (n, K): how many rows of each class come before the leaf
    every: int
    tested: bool
    predicts: Predicts = "classes"

    @property
    def in_processes(self) -> bool:
        """As the reader says."""
        return self.reader.in_processes

    def read(self, leaf: int) -> Leaf:
        """Read a leaf of the reader, and keep its chosen rows."""
        X, y = self.reader.read(int(self.leaves[leaf]))
        groups = groups_of(y, self.predicts)
        ranks = self.before[leaf][groups] + ranks_in_class(groups)
        chosen = np.flatnonzero((ranks % self.every == self.every - 1) == self.tested)
        return X[chosen], y[chosen]


def ranks_in_class(y: Labels) -> npt.NDArray[np.int64]:
    """Return how many rows of the same class come before each row.

    Examples
    --------
    >>> ranks_in_class(np.array([1, 0, 1, 1])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(y, kind="stable")
    by_class = y[order]
    ranks = np.empty(len(y), np.int64)
    ranks[order] = np.arange(len(y)) - np.searchsorted(by_class, by_class)
    return ranks


def held_out_counts(
    before: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], every: int
) -> npt.NDArray[np.int64]:
    """(n, K): how many rows of each class each leaf gives to the test rows."""
    tested: npt.NDArray[np.int64] = (before + counts) // every - before // every
    return tested

"""What reads leaves: the one protocol that every source comes down to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from handgrad.data.dataset import Labels, Rows


class LeafReader(Protocol):
    """Reads the leaves of a source, in any order and again, from several threads at once.

    It can be pickled. If ``in_processes`` is true, reading is slow and holds Python's lock, as
    decoding pictures does, so `read_ahead` reads in other processes.
    """

    @property
    def in_processes(self) -> bool:
        """Whether `read_ahead` reads in other processes."""

    def read(self, leaf: int) -> tuple[Rows, Labels]:
        """Return the rows of a leaf, and the number of each row's class."""

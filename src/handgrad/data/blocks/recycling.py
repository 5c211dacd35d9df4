"""Memory for leaves that is used again, because fresh memory costs a page fault every 4 kB."""

from __future__ import annotations

import math
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_IN_USE = 32  # arrays, while some leaves are read ahead and others are computed


class Recycled:
    """Gives out arrays, and gives their memory out again when nothing refers to it any more.

    Every view of an array holds a reference to the memory, so the count of references tells.

    Examples
    --------
    >>> memory = Recycled(most=1)
    >>> first = memory.empty((2, 3), np.dtype(np.uint8))
    >>> second, first[:] = memory.empty((2, 3), np.dtype(np.uint8)), 7
    >>> np.shares_memory(first, second)
    False
    >>> del first
    >>> memory.empty((3, 2), np.dtype(np.uint8))[0].tolist()
    [7, 7]
    """

    def __init__(self, most: int = MOST_IN_USE) -> None:
        self._most = most
        self._lock = Lock()
        self._blocks: list[npt.NDArray[np.uint8]] = [np.empty(0, np.uint8)]
        self._idle = self._references(0)  # of a block to which only the list refers
        self._blocks.clear()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an array whose values are not set."""
        size = math.prod(shape) * dtype.itemsize
        return self._free_block(size)[:size].view(dtype).reshape(shape)

    def _free_block(self, size: int) -> npt.NDArray[np.uint8]:
        with self._lock:
            idle = [n for n in range(len(self._blocks)) if self._references(n) == self._idle]
            fitting = next((n for n in idle if self._blocks[n].size >= size), None)
            if fitting is not None:
                return self._blocks[fitting]
            if idle:  # a larger block takes its place
                del self._blocks[idle[0]]
            block = np.empty(size, np.uint8)
            if len(self._blocks) < self._most:
                self._blocks.append(block)
        return block

    def _references(self, number: int) -> int:
        return sys.getrefcount(self._blocks[number])

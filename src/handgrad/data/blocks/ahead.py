"""Reads leaves ahead of their use: in a thread, or in processes if decoding is slow."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING

from handgrad.data.blocks.processes import ReaderProcess

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from handgrad.data.blocks.blocks import Blocks
    from handgrad.data.dataset import Rows, Targets

    Leaf = tuple[int, Rows, Targets]


def read_ahead(
    blocks: Blocks, leaves: Iterable[int], depth: int = 2
) -> Generator[tuple[int, Rows, Targets]]:
    """Yield leaves in the given order, each with its number.

    A thread reads while a leaf is used. Pictures are decoded in processes, because decoding holds
    Python's lock. Close the generator to end them early. An error of the reader is raised in the
    place of its leaf.

    Parameters
    ----------
    blocks : Blocks
    leaves : iterable of int
    depth : int
        The largest number of leaves that lie ready.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad.data import Blocks
    >>> blocks = Blocks.of(np.eye(3), np.array(["a", "b", "a"]), leaf_rows=2)
    >>> [(leaf, y.tolist()) for leaf, X, y in read_ahead(blocks, [1, 0])]
    [(1, [0]), (0, [0, 1])]
    """
    if blocks.reader.in_processes:
        yield from _by_processes(blocks, leaves, depth)
        return
    queue = _LeafQueue(max(1, depth))
    thread = threading.Thread(
        target=_fill, args=(queue, blocks, leaves), name="handgrad reader", daemon=True
    )
    thread.start()
    try:
        while (found := queue.take()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        queue.close()
        thread.join()


class _LeafQueue:
    """A few leaves between the thread that reads them and the one that uses them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._leaves: deque[Leaf | BaseException | None] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, found: Leaf | BaseException | None) -> bool:
        """Wait for room; return whether leaves are still wanted. None ends them."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._leaves) < self._room)
            if not self._closed:
                self._leaves.append(found)
                self._changed.notify_all()
            return not self._closed

    def take(self) -> Leaf | BaseException | None:
        """Wait for a leaf."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._leaves))
            self._changed.notify_all()
            return self._leaves.popleft()

    def close(self) -> None:
        """Say that no more leaves are wanted."""
        with self._changed:
            self._closed = True
            self._leaves.clear()
            self._changed.notify_all()


def _fill(queue: _LeafQueue, blocks: Blocks, leaves: Iterable[int]) -> None:
    try:
        for leaf in leaves:
            if not queue.put((leaf, *blocks.read(leaf))):
                return
    except BaseException as error:  # it belongs to the thread that uses the leaves
        queue.put(error)
        return
    queue.put(None)


def _by_processes(blocks: Blocks, leaves: Iterable[int], depth: int) -> Generator[Leaf]:
    """Let processes read in turn; each waits until its leaf is taken before it reads another."""
    todo = iter(leaves)
    asked: deque[tuple[ReaderProcess, int]] = deque()
    started: list[ReaderProcess] = []
    try:
        for leaf in todo:
            process = ReaderProcess(blocks)
            started.append(process)
            process.ask(leaf)
            asked.append((process, leaf))
            if len(asked) == min(max(1, depth), _processors()):
                break
        while asked:
            process, leaf = asked.popleft()
            X, y = process.answer()
            following = next(todo, None)
            if following is not None:
                process.ask(following)
                asked.append((process, following))
            yield leaf, X, y
    finally:
        for process in started:
            process.end()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

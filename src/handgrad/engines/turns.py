"""One epoch at a time: what may use a run of batches while an epoch is under way."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from handgrad.engines.inputs import INSIDE_AN_EPOCH
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """Refuses a second epoch inside the first, and readers while steps are taken."""

    def __init__(self) -> None:
        self._taken, self._paused = Lock(), False

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """Take the turn, or raise an EngineError if another epoch has it."""
        if not self._taken.acquire(blocking=False):
            raise EngineError(INSIDE_AN_EPOCH)
        try:
            yield
        finally:
            self._taken.release()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let others read while an epoch waits for its callback."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def check_readable(self) -> None:
        """Raise an EngineError while steps are taken."""
        if self._taken.locked() and not self._paused:
            raise EngineError(INSIDE_AN_EPOCH)

"""Records a short run and replays it, so that it can be watched."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handgrad.network import Network

BETWEEN_PICTURES = 0.05  # seconds
TOO_SHORT = 2.0  # seconds: a run that ends sooner is too fast to follow
SHOWN_IN = 4.0  # seconds that the replay of such a run takes
MOST_BYTES = 64_000_000  # of all recorded pictures


class Snapshot(NamedTuple):
    """What a viewer sees of a run at one moment: a picture of a replay."""

    network: Network
    iteration: int
    """Steps that led to the network."""
    curve: str
    """JSON, see `Curve.to_json`."""


class Replay:
    """Records pictures of a run of less than two seconds, to be shown in four.

    A short run is shown slowly at first, because its first steps change the most: after a share t
    of the time, a share t² of the steps. A run that takes longer, or whose pictures take too much
    memory, is shown as it is. The run begins at iteration ``first`` and takes ``steps`` steps.
    """

    def __init__(
        self,
        first: int,
        steps: int,
        *,
        picture_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._steps, self._clock = first, steps, clock
        self._start = clock()
        self._pictures: list[Snapshot] = []
        self._shown = self._newest = 0
        self._most = round(SHOWN_IN / BETWEEN_PICTURES)
        self._records = self._most * picture_bytes <= MOST_BYTES
        self._ended = False

    @property
    def records(self) -> bool:
        """Whether the run is short, or may still turn out to be."""
        if not self._ended and self._clock() - self._start >= TOO_SHORT:
            self._records = False
            self._pictures.clear()
        return self._records

    def steps_to_next_picture(self, taken: int) -> int:
        """Return how many steps there are from here to the next picture."""
        number = math.floor(self._most * math.sqrt(taken / self._steps)) + 1
        if not self.records or number > self._most:
            return self._steps - taken
        return max(math.ceil(self._steps * (number / self._most) ** 2) - taken, 1)

    def record(self, picture: Snapshot) -> Snapshot:
        """Record the newest picture; return the one to show now."""
        self._ended = picture.iteration >= self._first + self._steps
        number = math.floor(self._most * self._share_of(picture))
        if not self._pictures or number > self._newest:  # an engine may report every step
            self._pictures.append(picture)
            self._newest = number
        later = range(self._shown + 1, len(self._pictures))
        due = [number for number in later if self.seconds_until(self._pictures[number]) == 0]
        self._shown = due[-1] if due else self._shown
        return self._pictures[self._shown]

    def pictures_left(self) -> Iterator[Snapshot]:
        """Yield the pictures that are not shown yet."""
        yield from self._pictures[self._shown + 1 :]

    def seconds_until(self, picture: Snapshot) -> float:
        """Return the time until a picture is due."""
        due = self._start + SHOWN_IN * self._share_of(picture)
        return max(0.0, due - self._clock())

    def _share_of(self, picture: Snapshot) -> float:
        """Return the share of the replay's time after which a picture is shown."""
        return math.sqrt((picture.iteration - self._first) / self._steps)

"""How many steps a run takes between two pictures of it, so that it can be watched."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BETWEEN_PICTURES = 0.05  # seconds
TOO_SHORT = 2.0  # seconds: nobody could follow a run that is over so soon
SHOWN_IN = 4.0  # seconds, for such a run
CERTAINLY_LONG = 20.0  # seconds
PROBES = (5, 20)  # steps; both begin with the same preparation, which so can be told from steps


class Pace:
    """Shows a run of less than two seconds in four, and leaves any other alone.

    A short run begins slowly, for its first steps change the most: after a share t of the time it
    has taken a share t² of the steps.

    Parameters
    ----------
    planned : int
        Steps of the run.
    wait : callable
        Waits for so many seconds, or less where the run is to be stopped or steered.
    clock : callable
        Tells seconds.

    Examples
    --------
    >>> pace = Pace(500, wait=lambda seconds: None)
    >>> pace.steps(taken=0)
    5
    """

    def __init__(
        self,
        planned: int,
        *,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._planned, self._wait, self._clock = planned, wait, clock
        self._begin = clock()
        self._probes: list[tuple[int, float]] = []  # steps and seconds
        self._probed = 0
        self._slowed: bool | None = None
        self._pictures = 0

    def steps(self, taken: int) -> int:
        """Return the number of steps to take next, once it is time for them."""
        left = self._planned - taken
        if self._slowed is None:
            if (probe := self._next_probe(taken)) is not None:
                return min(probe, left)
            self._slowed = self._length() < TOO_SHORT
            self._probed = taken
            self._begin = self._clock()
        if not self._slowed:
            return left
        self._pictures += 1
        due = self._begin + self._pictures * BETWEEN_PICTURES
        if (early := due - self._clock()) > 0:
            self._wait(early)
        share = min(1.0, (self._clock() + BETWEEN_PICTURES - self._begin) / SHOWN_IN)
        aim = self._probed + math.ceil((self._planned - self._probed) * share**2)
        return max(1, min(left, aim - taken))

    def _next_probe(self, taken: int) -> int | None:
        now = self._clock()
        if taken > self._probed:
            self._probes.append((taken - self._probed, now - self._begin))
            self._probed = taken
        self._begin = now
        if len(self._probes) == len(PROBES) or self._length() > CERTAINLY_LONG:
            return None
        return PROBES[len(self._probes)]

    def _length(self) -> float:
        """Estimate the seconds that the run would take."""
        if not self._probes:
            return 0.0
        (steps, seconds), *more = self._probes
        for later_steps, later_seconds in more:
            if later_steps > steps:
                steps, seconds = later_steps - steps, max(0.0, later_seconds - seconds)
        return seconds / steps * self._planned

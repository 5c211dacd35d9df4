"""When the state of a run is handed out, so that it can be kept."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from handgrad.errors import TrainingError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.solvers.state import RunState

USUAL_INTERVAL = "30s"
INTERVAL = re.compile(r"(\d{1,9})(s|m|h|)", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600}


class Interval(NamedTuple):
    """The distance between two checkpoints: in iterations or in seconds."""

    iterations: int | None = None
    seconds: float = math.inf

    @classmethod
    def of(cls, text: str) -> Interval:
        """Read an interval such as "100" (iterations), "30s", "5m" or "1h".

        Examples
        --------
        >>> Interval.of("100"), Interval.of("5m")
        (Interval(iterations=100, seconds=inf), Interval(iterations=None, seconds=300))
        """
        found = INTERVAL.fullmatch(text) if isinstance(text, str) else None
        if found is None or int(found[1]) == 0:
            raise TrainingError(
                f"every is {shown(text)}; expected a number of iterations or epochs, such as 100, "
                "or a time, such as 30s, 5m or 1h."
            )
        number, unit = int(found[1]), found[2]
        return cls(seconds=number * SECONDS[unit]) if unit else cls(iterations=number)


@dataclass(eq=False)
class Checkpoints:
    """Hands out the state of one run at an interval, and when the run ends.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> from handgrad.solvers import train
    >>> network, engine = Network.initial(features=2, hidden=3, classes=2), get_engine()
    >>> states = []
    >>> checkpoints = Checkpoints(states.append, every="4")
    >>> rows = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> run = train(network, *rows, engine=engine, iterations=9, checkpoints=checkpoints)
    >>> [state.iterations for state in states]
    [4, 8, 9]
    """

    keep: Callable[[RunState], object]
    """Called with each state."""
    every: str = USUAL_INTERVAL
    """See `Interval.of`. gd looks at the time at its reports, sgd and adam at the ends of epochs,
    and lbfgs after each step."""

    def __post_init__(self) -> None:
        self._interval = Interval.of(self.every)
        self.begin(0)

    def begin(self, taken: int) -> None:
        """Begin a run that has taken so many iterations before."""
        self._taken, self._time = taken, monotonic()
        self._kept: int | None = None  # iterations of the last state

    def steps_left(self, taken: int) -> float:
        """Return after how many further iterations a state is due, if these are counted."""
        iterations = self._interval.iterations
        return math.inf if iterations is None else iterations - taken % iterations

    def is_due(self, taken: int) -> bool:
        """Tell whether a state is due after so many iterations."""
        iterations = self._interval.iterations
        if iterations is not None:
            return taken // iterations > self._taken // iterations
        return taken > self._taken and monotonic() - self._time >= self._interval.seconds

    def take(self, state: RunState) -> None:
        """Take a state that is due."""
        self.keep(state)
        self._taken, self._time = state.iterations, monotonic()
        self._kept = state.iterations

    def finish(self, state: RunState) -> None:
        """Take the state at the end of a run, unless it is taken already."""
        if self._kept != state.iterations:
            self.take(state)

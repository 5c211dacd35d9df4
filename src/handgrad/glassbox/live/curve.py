"""The learning curve of a run of any length, as a few hundred points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_POINTS = 256


class Curve:
    """Cost and accuracy at equal distances in steps, and at the last step.

    When there are too many points, the distance between them doubles; the points that remain do
    not move. Each point is encoded as JSON once, because it is sent many times.

    Examples
    --------
    >>> import numpy as np
    >>> curve = Curve()
    >>> curve.add(0, np.array([2.5, 2.25]), np.array([0.125, 0.25]))
    >>> curve.to_json()
    '[[0,2.5,0.125],[1,2.25,0.25]]'
    """

    def __init__(self) -> None:
        self._stride = 1
        self._points: list[tuple[int, str]] = []
        self._last: tuple[int, str] | None = None

    def add(
        self,
        first: int,
        costs: npt.NDArray[np.float64],
        accuracies: npt.NDArray[np.float64],
    ) -> None:
        """Add the figures of steps ``first``, ``first + 1``, … of the run."""
        if not len(costs):
            return
        end = first + len(costs)
        step = self._next_point(first)
        while step < end:
            index = step - first
            self._points.append((step, _point(step, costs[index], accuracies[index])))
            if len(self._points) > MOST_POINTS:
                self._thin_out()
            step = self._next_point(step + 1)
        self._last = (end - 1, _point(end - 1, costs[-1], accuracies[-1]))

    def _next_point(self, step: int) -> int:
        """Return the first step to show that is not before ``step`` and after all points."""
        after = self._points[-1][0] + 1 if self._points else 0
        return -(-max(step, after) // self._stride) * self._stride

    def _thin_out(self) -> None:
        self._stride *= 2
        self._points = [point for point in self._points if point[0] % self._stride == 0]

    def cut(self, end: int) -> None:
        """Forget the steps from this one on."""
        self._points = [point for point in self._points if point[0] < end]
        self._last = None

    def to_json(self) -> str:
        """Return ``[[iteration, cost, accuracy], …]``, with null for what is not finite."""
        points = self._points
        if self._last is not None and (not points or points[-1][0] != self._last[0]):
            points = [*points, self._last]
        return f"[{','.join(text for _, text in points)}]"


def _point(iteration: int, cost: float, accuracy: float) -> str:
    return f"[{iteration},{_shown(cost, 6)},{_shown(accuracy, 5)}]"


def _shown(figure: float, digits: int) -> str:
    return f"{figure:.{digits}g}" if math.isfinite(figure) else "null"

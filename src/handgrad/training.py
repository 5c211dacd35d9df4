"""The training run: descent, its history, and what is kept when it is stopped."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handgrad.engines.rules import check_learning_rate
from handgrad.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine, Progress
    from handgrad.network import Network


MOST_ITERATIONS = 10**9  # each leaves three numbers in the history


@dataclass(frozen=True, eq=False)
class History:
    """What a run measured before each of its n steps."""

    costs: npt.NDArray[np.float64]
    """(n,): C1 on the training rows."""
    accuracies: npt.NDArray[np.float64]
    """(n,): share of the training rows predicted right."""
    seconds: npt.NDArray[np.float64]
    """(n,): time since the start of the run when the figures were reported."""

    def to_csv(self) -> str:
        """Return the history as CSV, a line a step.

        Examples
        --------
        >>> print(History(np.array([2.5]), np.array([0.125]), np.array([0.25])).to_csv())
        iteration,cost,accuracy,seconds
        0,2.5,0.125,0.25
        <BLANKLINE>
        """
        columns = zip(self.costs, self.accuracies, self.seconds, strict=True)
        lines = [
            f"{iteration},{cost:.10g},{accuracy:.6g},{seconds:.6g}\n"
            for iteration, (cost, accuracy, seconds) in enumerate(columns)
        ]
        return "iteration,cost,accuracy,seconds\n" + "".join(lines)


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """A trained network and how it came about."""

    network: Network
    """The last network, or the one of the lowest cost where the run was stopped."""
    history: History
    iterations: int
    """Number of steps taken."""
    stopped: bool
    """Whether ``on_progress`` ended the run early."""

    @property
    def seconds(self) -> float:
        """How long the steps took."""
        return float(self.history.seconds[-1])


def train(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    engine: Engine,
    learning_rate: float = 0.1,
    iterations: int = 500,
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> TrainingRun:
    """Descend with the whole training set in each step (U1).

    Parameters
    ----------
    network : Network
        Where to start.
    X : array of shape (m, D)
    y : array of shape (m,)
        Integer labels.
    engine : Engine
        Who computes cost and gradient.
    learning_rate : float
        η, above 0.
    iterations : int
        Number of steps, from 1 to ``MOST_ITERATIONS``.
    on_progress : callable, optional
        Told how far the run has come; returns True to stop it. What is kept then is the
        network of the lowest cost so far.

    Returns
    -------
    TrainingRun

    Raises
    ------
    TrainingError
        If a setting is out of range, or the cost is no longer finite.
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> run = train(network, [[0.0, 1.0], [1.0, 0.0]], [0, 1], engine=get_engine(), iterations=9)
    >>> run.iterations, bool(run.history.costs[-1] < run.history.costs[0])
    (9, True)
    """
    check_learning_rate(learning_rate)
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise TrainingError(f"iterations is {iterations}; expected 1 to {MOST_ITERATIONS:,}.")

    watch = _Watch(network, learning_rate, on_progress)
    with np.errstate(over="ignore", invalid="ignore"):  # _Watch reports a run that diverges
        last, costs = engine.descend(
            network,
            X,
            y,
            learning_rate=learning_rate,
            iterations=iterations,
            on_progress=watch,
        )
    if not all(np.isfinite(array).all() for array in last.parameters):
        raise TrainingError(_divergence(len(costs), learning_rate))
    kept = watch.best if watch.stopped else last
    return TrainingRun(kept, watch.history, iterations=len(costs), stopped=watch.stopped)


class _Watch:
    """Keeps the time and the best network of a run, and ends one that diverges."""

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        on_progress: Callable[[Progress], bool | None] | None,
    ) -> None:
        self.best = network
        self.stopped = False
        self._lowest = math.inf
        self._learning_rate = learning_rate
        self._on_progress = on_progress
        self._seconds: list[float] = []
        self._start = time.perf_counter()

    def __call__(self, progress: Progress) -> bool:
        steps, cost = len(progress.costs), float(progress.costs[-1])
        elapsed = time.perf_counter() - self._start
        self._seconds += [elapsed] * (steps - len(self._seconds))
        self._progress = progress
        if not math.isfinite(cost):
            raise TrainingError(_divergence(steps - 1, self._learning_rate))
        if cost < self._lowest:
            self.best, self._lowest = progress.network, cost
        if self._on_progress is not None and self._on_progress(progress):
            self.stopped = True
        return self.stopped

    @property
    def history(self) -> History:
        return History(
            self._progress.costs.copy(), self._progress.accuracies.copy(), np.array(self._seconds)
        )


def _divergence(steps: int, learning_rate: float) -> str:
    return (
        f"The network is no longer finite after {steps} steps at a learning rate of "
        f"{learning_rate:g}; lower the learning rate, or scale the features to about 1."
    )

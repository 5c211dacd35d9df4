"""The training run: descent, its history, and what is kept when it is stopped."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.engines import Progress
from handgrad.engines.rules import check_learning_rate
from handgrad.errors import ShapeError, TrainingError
from handgrad.memory import memory
from handgrad.network import Network
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Dataset
    from handgrad.engines import Engine
    from handgrad.initial import Scheme


MOST_ITERATIONS = 10**9  # each leaves three numbers in the history
MOST_HIDDEN = 10**9  # more than fit into any machine


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
        """Return the history as CSV, one line per step.

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
    last: Network
    """The network after the last step, from which the run could go on."""

    @property
    def seconds(self) -> float:
        """How long the steps took."""
        return float(self.history.seconds[-1])


def initial_network(
    dataset: Dataset,
    *,
    hidden: int,
    seed: int,
    dtype: npt.DTypeLike = np.float32,
    scheme: Scheme = "he",
) -> Network:
    """Make a network for a data set, unless it is larger than this machine's memory.

    Parameters
    ----------
    dataset : Dataset
    hidden, seed, dtype, scheme
        As in `Network.initial`.

    Raises
    ------
    ShapeError
        If the network does not fit into memory, which is found out before any is taken.

    Examples
    --------
    >>> from handgrad import data
    >>> initial_network(data.load("digits"), hidden=8, seed=0)
    Network(64 features, 8 hidden units, 10 classes, float32)
    """
    if hidden > MOST_HIDDEN:
        raise ShapeError(f"hidden is {shown(hidden)}; expected at most {MOST_HIDDEN:,}.")
    features, classes = dataset.X_train.shape[1], len(dataset.class_names)
    needed = 8 * (hidden * (features + 1) + classes * (hidden + 1))  # drawn in float64
    if needed > memory():
        raise ShapeError(
            f"A network of {features:,} features, {hidden:,} hidden units and {classes:,} "
            f"classes needs {needed / 1e9:.3g} GB, and this machine has {memory() / 1e9:.3g}; "
            "expected fewer hidden units."
        )
    return Network.initial(
        features=features, hidden=hidden, classes=classes, seed=seed, dtype=dtype, scheme=scheme
    )


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
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise TrainingError(f"iterations is {iterations}; expected 1 to {MOST_ITERATIONS:,}.")
    whole = iter([Stretch(learning_rate, iterations)])
    return train_in_stretches(
        network,
        X,
        y,
        engine=engine,
        next_stretch=lambda _steps: next(whole, None),
        on_progress=on_progress,
    )


class Stretch(NamedTuple):
    """Steps that are taken in one go."""

    learning_rate: float
    """η, above 0."""
    iterations: int
    """Number of steps, at least 1."""


def train_in_stretches(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    engine: Engine,
    next_stretch: Callable[[int], Stretch | None],
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> TrainingRun:
    """Descend as `train` does, but with a learning rate that may change on the way.

    A run in stretches of one learning rate ends in the same bits as one in a single stretch.

    Parameters
    ----------
    network, X, y, engine
        As in `train`.
    next_stretch : callable
        Given the number of steps taken so far, returns what comes next, or None to end the run.
        The first stretch is not None.
    on_progress : callable, optional
        Told how far the whole run has come; returns True to end the stretch before its time. A
        run that ends with such a stretch counts as stopped.

    Returns
    -------
    TrainingRun

    Raises
    ------
    TrainingError
        If a learning rate is out of range, or the cost is no longer finite.
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> run = train_in_stretches(
    ...     network,
    ...     [[0.0, 1.0], [1.0, 0.0]],
    ...     [0, 1],
    ...     engine=get_engine(),
    ...     next_stretch=lambda steps: Stretch(0.1 * 0.9**steps, 1) if steps < 5 else None,
    ... )
    >>> run.iterations
    5
    """
    watch = _Watch(network, on_progress)
    last = network
    with np.errstate(over="ignore", invalid="ignore"):  # _Watch reports a run that diverges
        while (stretch := next_stretch(watch.steps)) is not None:
            check_learning_rate(stretch.learning_rate)
            watch.begin(stretch)
            last, costs = engine.descend(
                last,
                X,
                y,
                learning_rate=stretch.learning_rate,
                iterations=stretch.iterations,
                on_progress=watch,
            )
            watch.end(len(costs))
            if not all(np.isfinite(array).all() for array in last.parameters):
                raise TrainingError(_divergence(watch.steps, stretch.learning_rate))
    kept = watch.best if watch.stopped else last
    return TrainingRun(
        kept, watch.history, iterations=watch.steps, stopped=watch.stopped, last=last
    )


class _Watch:
    """Keeps the history and the best network of a run, and ends one that diverges."""

    def __init__(
        self, network: Network, on_progress: Callable[[Progress], bool | None] | None
    ) -> None:
        self.best = network
        self.steps = 0
        self.stopped = False
        self._lowest = math.inf
        self._learning_rate = math.nan
        self._on_progress = on_progress
        self._figures = np.empty((3, 0))  # costs, accuracies and seconds, with room for more
        self._measured = 0
        self._start = time.perf_counter()

    def begin(self, stretch: Stretch) -> None:
        """Expect the figures of a stretch, whose first network may have been measured before."""
        self._learning_rate = stretch.learning_rate
        self._measured = self.steps
        self.stopped = False

    def end(self, steps: int) -> None:
        """Count the steps of a stretch."""
        self.steps += steps

    def __call__(self, progress: Progress) -> bool:
        self._note(progress)
        cost = float(progress.costs[-1])
        if not math.isfinite(cost):
            raise TrainingError(_divergence(self._measured - 1, self._learning_rate))
        if cost < self._lowest:
            self.best, self._lowest = progress.network, cost
        if self._on_progress is not None:
            costs, accuracies, _ = self._figures[:, : self._measured]
            self.stopped = bool(self._on_progress(Progress(progress.network, costs, accuracies)))
        return self.stopped

    def _note(self, progress: Progress) -> None:
        before, after = self._measured, self.steps + len(progress.costs)
        if after > self._figures.shape[1]:
            room = np.empty((3, 2 * after))
            room[:, :before] = self._figures[:, :before]
            self._figures = room
        costs, accuracies, seconds = self._figures[:, before:after]
        costs[:] = progress.costs[before - self.steps :]
        accuracies[:] = progress.accuracies[before - self.steps :]
        seconds[:] = time.perf_counter() - self._start
        self._measured = after

    @property
    def history(self) -> History:
        return History(*(figures[: self._measured].copy() for figures in self._figures))


def _divergence(steps: int, learning_rate: float) -> str:
    return (
        f"The network is no longer finite after {steps} steps at a learning rate of "
        f"{learning_rate:g}; lower the learning rate, or scale the features to about 1."
    )

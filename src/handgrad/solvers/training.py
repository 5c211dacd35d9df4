"""A training run of the notes: full-batch descent that keeps its best network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.engines.rules import check_learning_rate
from handgrad.errors import TrainingError
from handgrad.objective import Objective
from handgrad.quoting import shown
from handgrad.solvers.driver import Driver, Result
from handgrad.solvers.gd import full_batch_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine, Progress, Session
    from handgrad.network import Network

MOST_ITERATIONS = 10**9  # each leaves three numbers in the history


def train(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    engine: Engine,
    learning_rate: float = 0.1,
    iterations: int = 500,
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> Result:
    """Descend with the whole training set in each step (U1).

    Parameters
    ----------
    network : Network
        Where to start.
    X : array of shape (m, D)
    y : array of shape (m,)
        Integer labels.
    engine : Engine
        Computes cost and gradient.
    learning_rate : float
        η, above 0.
    iterations : int
        Number of steps, from 1 to ``MOST_ITERATIONS``.
    on_progress : callable, optional
        Called with the run's progress from time to time; returns True to stop the run, whose
        result is then the network of the lowest cost.

    Raises
    ------
    TrainingError
        If a setting is out of range, or the network is no longer finite.
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
    session = engine.session(X, y, Objective(network.output))
    return drive(
        training_driver(learning_rate, iterations, on_progress=on_progress), session, network
    )


def training_driver(
    learning_rate: float,
    iterations: int,
    *,
    on_progress: Callable[[Progress], bool | None] | None = None,
    stretch: Callable[[int], int] | None = None,
) -> Driver:
    """Return the driver of such a run, or raise a TrainingError if a setting is out of range."""
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise TrainingError(
            f"iterations is {shown(iterations)}; expected 1 to {MOST_ITERATIONS:,}."
        )
    check_learning_rate(learning_rate)
    return Driver(
        iterations, learning_rate, on_progress=on_progress, stretch=stretch, must_be_finite=True
    )


def drive(driver: Driver, session: Session, network: Network) -> Result:
    """Descend; return the network of the lowest cost if the run was stopped."""
    result = driver.run(full_batch_steps, session, network)
    if driver.stopped and driver.best is not None:
        return replace(result, network=driver.best)
    return result

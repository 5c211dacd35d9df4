"""A training run: a solver on rows, which keeps its best network if it is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handgrad.solvers.settings import Training

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine, Progress, Session
    from handgrad.network import Network
    from handgrad.solvers.checkpoints import Checkpoints
    from handgrad.solvers.driver import Driver, Result, Solver
    from handgrad.solvers.state import RunState


def train(
    network: Network,
    X: npt.ArrayLike | Blocks,
    y: npt.ArrayLike | None,
    *,
    engine: Engine,
    on_progress: Callable[[Progress], bool | None] | None = None,
    ends: Callable[[], bool] | None = None,
    start: RunState | None = None,
    checkpoints: Checkpoints | None = None,
    **settings: Any,
) -> Result:
    """Train a network by any solver; by default with full-batch steps (U1).

    Parameters
    ----------
    network : Network
        Where to start.
    X : array of shape (m, D), or Blocks
    y : array of shape (m,) or (m, K)
        As `handgrad.Network.targets` takes it; None with blocks, which hold their targets.
    engine : Engine
        Computes cost and gradient.
    on_progress : callable, optional
        Called with the run's progress from time to time; returns True to stop the run, whose
        result is then the network of the lowest cost.
    ends : callable, optional
        Asked from time to time, also within epochs; returns True to stop the run. An epoch that is
        cut short does not count.
    start : RunState, optional
        The state of an earlier run with the same settings, which this one continues, up to as many
        iterations in all as the settings say. gd, sgd and adam give the bits of a run that never
        stopped. lbfgs continues from its weights.
    checkpoints : Checkpoints, optional
        Takes the state of the run from time to time, and at its end.
    **settings
        The solver and its settings; see `Training`.

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
    training = Training(**settings)
    training.check_packages()
    session = engine.session(X, y, training.objective(network.output))
    driver = training.driver(
        on_progress=on_progress, ends=ends, start=start, checkpoints=checkpoints
    )
    return drive(driver, training.prepare(engine), session, network)


def drive(driver: Driver, solver: Solver, session: Session, network: Network) -> Result:
    """Run a solver; return the network of the lowest cost if the run was stopped."""
    result = driver.run(solver, session, network)
    if driver.stopped and driver.best is not None:
        return replace(result, network=driver.best)
    return result

"""Gradient descent: the notes' full-batch steps (U1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.objective import Objective
from handgrad.solvers.driver import Driver, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine, Progress, Session
    from handgrad.network import Network
    from handgrad.solvers.driver import Iteration


def gd(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike | Blocks,
    y: npt.ArrayLike | None,
    *,
    learning_rate: float = 0.1,
    iterations: int = 500,
    alpha: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
    on_iteration: Callable[[Iteration], bool | None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> Result:
    """Take the notes' full-batch steps (U1).

    Parameters
    ----------
    engine, network, X, y, learning_rate, iterations, alpha, sample_weight
        As for `handgrad.engines.Engine.descend`.
    on_iteration : callable, optional
        Called after each step; returns True to end the run. With it, the engine takes one step per
        call. That gives the same numbers, but takes two to four times as long if a step takes less
        than a millisecond.
    on_progress : callable, optional
        Called from time to time, which costs nothing; returns True to end the run.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> result = gd(get_engine(), network, X, y, learning_rate=0.5, iterations=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    session = engine.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
    driver = Driver(iterations, learning_rate, on_iteration=on_iteration, on_progress=on_progress)
    result = driver.run(full_batch_steps, session, network)
    of_steps = result.history.until(result.iterations)
    return replace(result, history=of_steps)  # a run that was stopped measured one cost more


class _FullBatchSteps:
    """Takes full-batch steps, in stretches at one learning rate each."""

    name = "gd"

    def __call__(self, session: Session, network: Network, driver: Driver) -> Outcome:
        """Take steps until the driver ends the run.

        A run that is stopped before its first step still measures one cost.
        """
        while True:
            network, costs = session.descend(
                network,
                iterations=driver.next_stretch(),
                learning_rate=driver.learning_rate,
                on_progress=driver.measured,
            )
            driver.stepped(network, len(costs))
            if driver.ended:
                return Outcome(network, driver.ended_early)


full_batch_steps = _FullBatchSteps()

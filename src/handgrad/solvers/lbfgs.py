"""L-BFGS-B by SciPy, over an engine's cost and gradient."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.engines.threads import one_blas_thread
from handgrad.objective import Objective
from handgrad.solvers.driver import Driver, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine, Session
    from handgrad.network import Network
    from handgrad.solvers.driver import Iteration

STOPPED_BY_CALLBACK = 99  # SciPy's status


def lbfgs(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike | Blocks,
    y: npt.ArrayLike | None,
    *,
    iterations: int = 200,
    evaluations: int = 15000,
    tol: float = 1e-4,
    alpha: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
    on_iteration: Callable[[Iteration], bool | None] | None = None,
) -> Result:
    """Minimise the cost by SciPy's L-BFGS-B over the engine's cost and gradient.

    Parameters
    ----------
    engine, network, X, y, sample_weight
        As for `handgrad.engines.Engine.cost_and_gradient`.
    iterations, evaluations : int
        The largest numbers of steps, and of evaluations of cost and gradient; the last step may
        take a few more evaluations.
    tol : float
        The run converges if no entry of the gradient is larger, or if the cost hardly falls.
    alpha
        As for `handgrad.engines.Engine.descend`.
    on_iteration : callable, optional
        Called after every step; returns True to end the run.

    Returns
    -------
    Result
        If no step was taken, its only cost is that of the network.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> result = lbfgs(get_engine(), network, [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> result.converged, bool(result.costs[-1] < 0.01)
    (True, True)
    """
    session = engine.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
    driver = Driver(iterations, on_iteration=on_iteration)
    minimise = Lbfgs(evaluations, tol, limits_blas=engine.name != "reference")
    return driver.run(minimise, session, network)


@dataclass(frozen=True)
class Lbfgs:
    """SciPy's L-BFGS-B; the settings are those of `lbfgs`."""

    evaluations: int = 15000
    tol: float = 1e-4
    limits_blas: bool = False
    """Whether SciPy's BLAS is kept to one thread, because the engine has threads of its own."""

    name = "lbfgs"

    def __call__(self, session: Session, network: Network, driver: Driver) -> Outcome:
        """Take steps until the run converges, or the driver ends it."""
        from scipy.optimize import minimize

        if driver.ended:
            driver.unmoved(session, network)
            return Outcome(network, driver.ended_early)
        cost, left = _Cost(session, network), driver.iterations - driver.taken
        limits = {"maxiter": left, "maxfun": self.evaluations, "gtol": self.tol}
        with one_blas_thread() if self.limits_blas else nullcontext():
            found = minimize(
                cost,
                _packed(network.parameters),
                method="L-BFGS-B",
                jac=True,
                callback=partial(_report, cost, driver),
                options=limits,
            )
        if not driver.taken:
            driver.record([float(found.fun)], [cost.accuracy])
            driver.check(float(found.fun), np.nan)
        converged = found.status in (0, STOPPED_BY_CALLBACK)
        return Outcome(cost.network_at(found.x), converged, str(found.message), int(found.status))


class _Cost:
    """The session's cost and gradient as functions of one vector θ of all parameters."""

    def __init__(self, session: Session, like: Network) -> None:
        self._session, self._like = session, like
        self.accuracy = np.nan
        self.measured_at = np.empty(0)

    def __call__(self, theta: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        cost, gradient, self.accuracy = self._session.cost_and_gradient(self.network_at(theta))
        self.measured_at = theta.copy()
        return cost, _packed(gradient)

    def network_at(self, theta: npt.NDArray[np.float64]) -> Network:
        """Return the network whose parameters are θ."""
        arrays = self._like.parameters
        ends = np.cumsum([array.size for array in arrays])[:-1]
        parts = zip(np.split(theta, ends), arrays, strict=True)
        return self._like.with_parameters(
            part.reshape(array.shape).astype(array.dtype) for part, array in parts
        )


# SciPy reads from the parameter's name which argument to pass.
def _report(cost: _Cost, driver: Driver, intermediate_result: Any) -> None:
    theta = intermediate_result.x
    if not np.array_equal(theta, cost.measured_at):  # mostly, a step ends at the last evaluation
        cost(theta)
    network = cost.network_at(theta)
    driver.iterated(network, float(intermediate_result.fun), cost.accuracy, np.nan)
    driver.offer(network)
    if driver.ended_early:
        raise StopIteration


def _packed(arrays: tuple[npt.NDArray[Any], ...]) -> npt.NDArray[np.float64]:
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)

"""The solvers as functions: each asks an engine for steps, or for cost and gradient.

Every solver returns the network it ends with and the cost of each iteration, and calls
``on_iteration`` after each; where that returns True the run ends. With ``alpha`` the cost is
C1 + α Σ W² / 2 Σ w, as in `handgrad.engines.Engine.descend`.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from handgrad.engines import Adam, Moments, Sgd
from handgrad.engines.threads import one_blas_thread
from handgrad.errors import TrainingError
from handgrad.network import Network
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Batches, Engine, Progress, Rule

Schedule: TypeAlias = Literal["constant", "invscaling", "adaptive"]
SCHEDULES = ("constant", "invscaling", "adaptive")
SMALLEST_RATE = 1e-6  # an adaptive rate ends the run here
ADAPTIVE_FACTOR = 5
STOPPED_BY_CALLBACK = 99  # SciPy's status


class State(NamedTuple):
    """Where a run stands after an iteration."""

    network: Network
    iteration: int
    """Steps taken by gd and lbfgs, epochs of sgd and adam."""
    cost: float
    """gd: before its step; sgd and adam: the mean over the epoch's batches, each before its
    step; lbfgs: that of the network."""
    seconds: float
    """Since the run began."""
    accuracy: float = np.nan
    """The share of rows predicted right, of the networks that the cost is of."""
    learning_rate: float = np.nan
    """That of the iteration; lbfgs has none."""


class Result(NamedTuple):
    """What a solver returns."""

    network: Network
    costs: npt.NDArray[np.float64]
    """(n,): the cost of each iteration."""
    accuracies: npt.NDArray[np.float64]
    """(n,): the share of rows predicted right, likewise."""
    converged: bool
    """Whether the run ended by itself before its last iteration."""
    message: str = ""
    """Why lbfgs ended, in SciPy's words."""
    status: int = 0
    """SciPy's number for that."""
    moments: Moments | None = None
    """What sgd and adam remember."""
    learning_rate: float = np.nan
    """That of the next iteration of sgd or adam."""


@dataclass
class Patience:
    """Counts iterations in a row that improve a figure by less than ``tol``.

    Parameters
    ----------
    tol : float
        What counts as an improvement.
    iterations : float
        How many iterations without one are borne; may be infinite.

    Examples
    --------
    >>> patience = Patience(tol=0.1, iterations=1)
    >>> [patience.spent(cost) for cost in (1.0, 0.99, 0.98)]
    [False, False, True]
    """

    tol: float = 1e-4
    iterations: float = 10
    best: float = field(default=np.inf, init=False)
    waited: int = field(default=0, init=False)

    def spent(self, figure: float) -> bool:
        """Take a figure that should fall; tell whether it has not for too long."""
        self.waited = self.waited + 1 if not figure <= self.best - self.tol else 0
        self.best = min(self.best, figure)
        return self.waited > self.iterations


def gd(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    learning_rate: float = 0.1,
    iterations: int = 500,
    alpha: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
    on_iteration: Callable[[State], bool | None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> Result:
    """Take the notes' full-batch steps (U1).

    Parameters
    ----------
    engine, network, X, y, learning_rate, iterations, alpha, sample_weight
        As for `handgrad.engines.Engine.descend`.
    on_iteration : callable, optional
        Called after each step, for which the engine is asked for one step at a time: the same
        numbers, some two to four times slower where a step takes less than a millisecond.
    on_progress : callable, optional
        That of the engine, called now and then, which costs nothing.

    Examples
    --------
    >>> from handgrad import get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> result = gd(get_engine(), network, X, y, learning_rate=0.5, iterations=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    descend = partial(
        engine.descend,
        X=X,
        y=y,
        learning_rate=learning_rate,
        sample_weight=sample_weight,
        alpha=alpha,
    )
    if on_iteration is not None:
        return _step_by_step(descend, network, iterations, learning_rate, on_iteration)
    reports: list[Progress] = []

    def report(progress: Progress) -> bool:
        reports[:] = [progress]
        return on_progress is not None and bool(on_progress(progress))

    last, costs = descend(network, iterations=iterations, on_progress=report)
    accuracies = reports[-1].accuracies[: len(costs)].copy() if reports else np.empty(0)
    return Result(last, costs, accuracies, len(costs) < iterations)


def _step_by_step(
    descend: Callable[..., tuple[Network, npt.NDArray[np.float64]]],
    network: Network,
    iterations: int,
    learning_rate: float,
    on_iteration: Callable[[State], bool | None],
) -> Result:
    """Take one step of descent a call."""
    start, costs, accuracies = perf_counter(), list[float](), list[float]()
    stopped = False

    def measure(progress: Progress) -> None:
        costs.append(float(progress.costs[-1]))
        accuracies.append(float(progress.accuracies[-1]))

    while len(costs) < iterations and not stopped:
        network, _ = descend(network, iterations=1, on_progress=measure)
        seconds = perf_counter() - start
        state = State(network, len(costs), costs[-1], seconds, accuracies[-1], learning_rate)
        stopped = bool(on_iteration(state))
    return Result(network, np.array(costs), np.array(accuracies), stopped)


def sgd(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    rule: Rule | None = None,
    schedule: Schedule = "constant",
    power_t: float = 0.5,
    batch_size: int = 200,
    epochs: int = 200,
    seed: int | np.random.RandomState | None = 0,
    alpha: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
    patience: Patience | None = None,
    figure: Callable[[State], float] | None = None,
    moments: Moments | None = None,
    samples_seen: int = 0,
    learning_rate: float | None = None,
    on_iteration: Callable[[State], bool | None] | None = None,
    on_stall: Callable[[float | None], None] | None = None,
) -> Result:
    """Train in batches: sgd by default, with momentum where the rule has it.

    Parameters
    ----------
    engine, network, X, y
        As for `handgrad.engines.Engine.batches`.
    rule : Sgd or Adam
        Its learning rate is the first epoch's.
    schedule : {"constant", "invscaling", "adaptive"}
        How the rate goes on: not at all; divided by (t + 1) ** power_t, where t is the number
        of samples seen so far; or divided by 5 whenever patience is spent, until it is below
        1e-6.
    batch_size, epochs : int
    seed : int, RandomState or None
        Shuffles the rows of each epoch, as scikit-learn does; None leaves them in order.
    alpha, sample_weight, moments
        As for `handgrad.engines.Engine.batches`.
    patience : Patience, optional
        Ends the run where ``figure`` (by default the epoch's cost) no longer falls.
    samples_seen : int
        t at the start.
    learning_rate : float, optional
        That of the first epoch, where a run goes on, instead of the rule's.
    on_iteration : callable, optional
        Called after every epoch; returns True to end the run.
    on_stall : callable, optional
        Called where patience is spent, with the rate to go on with, or None where the run ends.

    Raises
    ------
    TrainingError
        If the schedule is unknown.

    Examples
    --------
    >>> from handgrad import get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> result = sgd(get_engine(), network, X, y, rule=Sgd(0.5, momentum=0.9), epochs=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    if schedule not in SCHEDULES:
        raise TrainingError(f"schedule is {schedule!r}; expected one of {', '.join(SCHEDULES)}.")
    start, rule = perf_counter(), rule or Sgd()
    m = int(network.check_rows(X).shape[0])
    batches = engine.batches(
        network,
        X,
        y,
        rule=rule,
        batch_size=min(batch_size, max(m, 1)),
        sample_weight=sample_weight,
        alpha=alpha,
        moments=moments,
    )
    sizes = np.diff(np.append(np.arange(0, m, batch_size), m))
    random = None if seed is None else _random_state(seed)
    order, costs, accuracies = np.arange(m), list[float](), list[float]()
    rate = rule.learning_rate if learning_rate is None else learning_rate
    ended = False
    while len(costs) < epochs and not ended:
        if random is not None:
            order = order[_shuffled(random, m)]
        last = _epoch(batches, order, rate)
        costs.append(float(last.costs @ sizes) / m)
        accuracies.append(float(last.accuracies @ sizes) / m)
        seconds = perf_counter() - start
        state = State(last.network, len(costs), costs[-1], seconds, accuracies[-1], rate)
        ended = on_iteration is not None and bool(on_iteration(state))
        if schedule == "invscaling":
            rate = rule.learning_rate / (samples_seen + len(costs) * m + 1) ** power_t
        if patience is not None and patience.spent(figure(state) if figure else state.cost):
            stuck = schedule != "adaptive" or rate <= SMALLEST_RATE
            if not stuck:
                rate, patience.waited = rate / ADAPTIVE_FACTOR, 0
            if on_stall is not None:
                on_stall(None if stuck else rate)
            ended = ended or stuck
    return Result(
        batches.network,
        np.array(costs),
        np.array(accuracies),
        ended,
        moments=batches.moments,
        learning_rate=rate,
    )


def adam(
    engine: Engine, network: Network, X: npt.ArrayLike, y: npt.ArrayLike, **options: Any
) -> Result:
    """Train in batches by adam; the options are those of `sgd`, and the rule `Adam`'s.

    Examples
    --------
    >>> from handgrad import get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> result = adam(get_engine(), network, [[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    return sgd(engine, network, X, y, **({"rule": Adam()} | options))


def lbfgs(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    iterations: int = 200,
    evaluations: int = 15000,
    tol: float = 1e-4,
    alpha: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
    on_iteration: Callable[[State], bool | None] | None = None,
) -> Result:
    """Minimise the cost by SciPy's L-BFGS-B over the engine's cost and gradient.

    Parameters
    ----------
    engine, network, X, y, sample_weight
        As for `handgrad.engines.Engine.cost_and_gradient`.
    iterations, evaluations : int
        At most so many steps, and asks for cost and gradient; the last step may take some more.
    tol : float
        The run converges where no entry of the gradient is larger, or the cost hardly falls.
    alpha
        As for `handgrad.engines.Engine.descend`.
    on_iteration : callable, optional
        Called after every step; returns True to end the run.

    Returns
    -------
    Result
        Where no step was taken, its costs are that of the network alone.

    Examples
    --------
    >>> from handgrad import get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> result = lbfgs(get_engine(), network, [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> result.converged, bool(result.costs[-1] < 0.01)
    (True, True)
    """
    from scipy.optimize import minimize

    start = perf_counter()
    session = engine.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
    costs, accuracies = list[float](), list[float]()
    accuracy, measured_at = np.nan, np.empty(0)

    def cost_and_slope(theta: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        nonlocal accuracy, measured_at
        at = _unpacked(network, theta)
        cost, gradient, accuracy = session.cost_and_gradient(at)
        measured_at = theta.copy()
        return cost, _packed(gradient)

    def report(intermediate_result: Any) -> None:
        theta = intermediate_result.x
        if not np.array_equal(theta, measured_at):  # a step ends where the cost was asked for last
            cost_and_slope(theta)
        costs.append(float(intermediate_result.fun))
        accuracies.append(accuracy)
        if on_iteration is None:
            return
        at = _unpacked(network, theta)
        if on_iteration(State(at, len(costs), costs[-1], perf_counter() - start, accuracy)):
            raise StopIteration

    with nullcontext() if engine.name == "reference" else one_blas_thread():
        found = minimize(
            cost_and_slope,
            _packed(network.parameters),
            method="L-BFGS-B",
            jac=True,
            callback=report,
            options={"maxiter": iterations, "maxfun": evaluations, "gtol": tol},
        )
    return Result(
        _unpacked(network, found.x),
        np.array(costs or [float(found.fun)]),
        np.array(accuracies or [accuracy]),
        found.status in (0, STOPPED_BY_CALLBACK),
        str(found.message),
        int(found.status),
    )


def _epoch(batches: Batches, order: npt.NDArray[np.int64], rate: float) -> Progress:
    """Take an epoch; return where it ended."""
    reports: list[Progress] = []
    batches.epoch(order, learning_rate=rate, on_progress=reports.append)
    return reports[-1]


def _packed(arrays: tuple[npt.NDArray[Any], ...]) -> npt.NDArray[np.float64]:
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)


def _unpacked(like: Network, theta: npt.NDArray[np.float64]) -> Network:
    ends = np.cumsum([array.size for array in like.parameters])[:-1]
    parts = zip(np.split(theta, ends), like.parameters, strict=True)
    W1, b1, W2, b2 = (part.reshape(array.shape).astype(like.dtype) for part, array in parts)
    return Network(W1, b1, W2, b2, output=like.output)


def _random_state(seed: int | np.random.RandomState) -> np.random.RandomState:
    return seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)


def _shuffled(random: np.random.RandomState, m: int) -> npt.NDArray[np.int64]:
    """Return the rows as `sklearn.utils.shuffle` would order them."""
    indices = np.arange(m)
    random.shuffle(indices)
    return indices

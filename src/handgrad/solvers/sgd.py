"""Steps on one batch after another: stochastic gradient descent, or adam by its rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from handgrad.arguments import check_choice
from handgrad.engines import Adam, Moments, Rule, Sgd
from handgrad.engines.inputs import check_batches
from handgrad.errors import TrainingError
from handgrad.objective import Objective
from handgrad.solvers.driver import Driver, Outcome, Result
from handgrad.solvers.state import BatchMemory, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Batches, Engine, Progress, Session
    from handgrad.network import Network
    from handgrad.solvers.driver import Iteration
    from handgrad.solvers.patience import Patience

Schedule: TypeAlias = Literal["constant", "invscaling", "adaptive"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
SMALLEST_RATE = 1e-6  # an adaptive rate ends the run here
ADAPTIVE_FACTOR = 5


def sgd(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike | Blocks,
    y: npt.ArrayLike | None,
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
    figure: Callable[[Iteration], float] | None = None,
    moments: Moments | None = None,
    samples_seen: int = 0,
    learning_rate: float | None = None,
    on_iteration: Callable[[Iteration], bool | None] | None = None,
    on_stall: Callable[[float | None], None] | None = None,
) -> Result:
    """Train in batches: sgd by default, with momentum if the rule has it.

    Parameters
    ----------
    engine, network, X, y
        As for `handgrad.engines.Engine.batches`.
    rule : Sgd or Adam
        Its learning rate is the first epoch's.
    schedule : {"constant", "invscaling", "adaptive"}
        How the rate changes: not at all; divided by (t + 1) ** power_t, where t is the number
        of samples seen so far; or divided by 5 whenever patience is spent, until it is below
        1e-6.
    batch_size, epochs : int
    seed : int, RandomState or None
        Shuffles the rows of each epoch, as scikit-learn does; None leaves them in order.
    alpha, sample_weight, moments
        As for `handgrad.engines.Engine.batches`.
    patience : Patience, optional
        Ends the run when ``figure`` (by default the epoch's cost) no longer falls.
    figure : callable, optional
        Given an `Iteration`, returns what should fall from epoch to epoch.
    samples_seen : int
        t at the start.
    learning_rate : float, optional
        η of the first epoch instead of the rule's, for a run that continues another.
    on_iteration : callable, optional
        Called after every epoch; returns True to end the run.
    on_stall : callable, optional
        Called when patience is spent, with the rate to continue with, or None if the run ends.

    Raises
    ------
    TrainingError
        If the schedule is unknown.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> result = sgd(get_engine(), network, X, y, rule=Sgd(0.5, momentum=0.9), epochs=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    rule = rule or Sgd()
    check_batches(rule, batch_size, moments, network)
    session = engine.session(X, y, Objective(network.output, alpha=alpha), sample_weight)
    solver = BatchSolver(rule, batch_size, schedule, power_t, seed, moments, samples_seen)
    driver = Driver(
        epochs,
        rule.learning_rate if learning_rate is None else learning_rate,
        on_iteration=on_iteration,
        patience=patience,
        figure=figure,
        on_stall=on_stall,
    )
    return driver.run(solver, session, network)


@dataclass(frozen=True)
class BatchSolver:
    """Epochs of batch steps by a rule; the settings are those of `sgd`."""

    rule: Rule
    batch_size: int = 200
    schedule: Schedule = "constant"
    power_t: float = 0.5
    seed: int | np.random.RandomState | None = 0
    moments: Moments | None = None
    samples_seen: int = 0

    def __post_init__(self) -> None:
        check_choice("schedule", self.schedule, SCHEDULES, TrainingError)

    @property
    def name(self) -> str:
        """The name of the solver."""
        return "adam" if isinstance(self.rule, Adam) else "sgd"

    def __call__(self, session: Session, network: Network, driver: Driver) -> Outcome:
        """Take epochs until the driver ends the run."""
        moments, order, random = self._begin(driver.start)
        batches = session.batches(
            network, rule=self.rule, batch_size=self.batch_size, moments=moments
        )
        m = batches.samples
        sizes = np.diff(np.append(np.arange(0, m, min(self.batch_size, m)), m))
        while not driver.ended:
            before = _memory(batches, order, random) if driver.cuts_epochs else None
            order = batches.order(random, order)
            rate = driver.learning_rate
            last = _epoch(batches, order, driver)
            if before is not None and len(last.costs) < len(sizes):
                driver.unmoved(session, network)
                return Outcome(network, converged=True, memory=before)
            network = last.network
            cost, accuracy = (float(of_batches @ sizes) / m for of_batches in last[1:])
            driver.iterated(network, cost, accuracy, rate)
            self._schedule(driver, m)
            driver.offer(network, partial(_memory, batches, order, random))
        driver.unmoved(session, batches.network)
        return Outcome(batches.network, driver.ended_early, memory=_memory(batches, order, random))

    def _begin(
        self, start: RunState | None
    ) -> tuple[Moments | None, npt.NDArray[np.int64] | None, np.random.RandomState | None]:
        """Return moments, order and random state before the first epoch."""
        if start is not None and start.memory is not None:
            return start.memory.moments, start.memory.order, start.memory.random_state()
        random = self.seed
        if not isinstance(random, np.random.RandomState | None):
            random = np.random.RandomState(random)
        return self.moments, None, random

    def _schedule(self, driver: Driver, m: int) -> None:
        """Set the learning rate of the next epoch."""
        if self.schedule == "invscaling":
            seen = self.samples_seen + driver.taken * m
            driver.learning_rate = self.rule.learning_rate / (seen + 1) ** self.power_t
        if driver.patience_spent:
            rate = driver.learning_rate
            stuck = self.schedule != "adaptive" or rate <= SMALLEST_RATE
            driver.stall(None if stuck else rate / ADAPTIVE_FACTOR)


def _memory(
    batches: Batches,
    order: npt.NDArray[np.int64] | None,
    random: np.random.RandomState | None,
) -> BatchMemory:
    state: Any = None if random is None else random.get_state(legacy=False)
    return BatchMemory(batches.moments, order, state)


def _epoch(batches: Batches, order: npt.NDArray[np.int64], driver: Driver) -> Progress:
    """Take an epoch; return where it ended."""
    newest: list[Progress] = []

    def report(progress: Progress) -> bool:
        newest[:] = [progress]
        return driver.cuts_this_epoch()

    batches.epoch(order, learning_rate=driver.learning_rate, on_progress=report)
    return newest[0]

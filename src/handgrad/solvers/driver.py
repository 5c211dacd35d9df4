"""The driver of all solvers: it records, judges, reports, steers and stops a run."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from handgrad.engines import Progress
from handgrad.errors import TrainingError
from handgrad.solvers.history import History, Recorder
from handgrad.solvers.patience import Patience
from handgrad.solvers.state import BatchMemory, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.data import Predicts
    from handgrad.engines import Moments, Session
    from handgrad.network import Network
    from handgrad.solvers.checkpoints import Checkpoints


class Iteration(NamedTuple):
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
    """The share of rows predicted right, of the networks that the cost is of; NaN of values."""
    learning_rate: float = np.nan
    """The learning rate of the iteration; lbfgs has none."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a solver reports at the end of its run."""

    network: Network
    """The last network; of `train`, that of the lowest cost if the run was stopped."""
    converged: bool
    """Whether the run ended by itself before its last iteration."""
    message: str = ""
    """Why lbfgs ended, in SciPy's words."""
    status: int = 0
    """SciPy's number for that."""
    memory: BatchMemory | None = None
    """What sgd and adam remember."""

    @property
    def moments(self) -> Moments | None:
        """The moments of sgd and adam."""
        return None if self.memory is None else self.memory.moments


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Outcome):
    """A trained network and the run that led to it."""

    history: History
    iterations: int
    """Number of iterations taken."""
    stopped: bool
    """Whether a callback or `Driver.stop` ended the run early."""
    last: Network
    """The network after the last iteration, from which the run could continue."""
    learning_rate: float
    """η of the next iteration; lbfgs has none."""
    state: RunState
    """All that the run needs to continue."""

    @property
    def costs(self) -> npt.NDArray[np.float64]:
        """(n,): the cost of each iteration."""
        return self.history.costs

    @property
    def accuracies(self) -> npt.NDArray[np.float64]:
        """(n,): the share of rows predicted right, of the same networks; NaN of values."""
        return self.history.accuracies

    @property
    def seconds(self) -> float:
        """How long the run took, with the runs that it continues."""
        return float(self.history.seconds[-1]) if len(self.history.seconds) else 0.0


class Solver(Protocol):
    """A way to train: it takes iterations on a session and reports them to the driver."""

    @property
    def name(self) -> str:
        """The name that `handgrad.solvers.Training` gives it."""

    def __call__(self, session: Session, network: Network, driver: Driver) -> Outcome:
        """Take iterations from the network on until `Driver.ended`."""


@dataclass(eq=False)
class Driver:
    """Drives one run of a solver.

    It keeps the history and the best network, calls the callbacks, and ends a run that is stopped
    or whose patience is spent. Other threads may call `stop`, and set ``learning_rate``, at any
    time; the solver follows at its next report.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> from handgrad.objective import Objective
    >>> from handgrad.solvers.gd import full_batch_steps
    >>> session = get_engine().session([[0.0, 1.0], [1.0, 0.0]], [0, 1], Objective())
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> Driver(iterations=9, learning_rate=0.5).run(full_batch_steps, session, network).iterations
    9
    """

    iterations: int
    """The largest number of iterations."""
    learning_rate: float = math.nan
    """η of the next iteration; lbfgs has none."""
    _: KW_ONLY
    on_iteration: Callable[[Iteration], bool | None] | None = None
    """Called after each iteration; returns True to end the run. With it, gd takes one step per call
    of the engine, which gives the same numbers."""
    on_progress: Callable[[Progress], bool | None] | None = None
    """Called with the whole run's progress from time to time; returns True to end the run."""
    stretch: Callable[[int], int] | None = None
    """Given the steps taken so far, returns after how many more gd reports at the latest."""
    patience: Patience | None = None
    """Ends runs of sgd and adam whose figure no longer falls. The best network has to beat its
    ``best``."""
    figure: Callable[[Iteration], float] | None = None
    """Returns the figure that should fall; by default the cost. It is called before
    ``on_iteration``, and also makes gd take one step per call."""
    on_stall: Callable[[float | None], None] | None = None
    """Called when patience is spent: with the learning rate that the run continues with, or with
    None if the run ends."""
    must_be_finite: bool = False
    """Whether a run that diverges raises a TrainingError."""
    ends: Callable[[], bool] | None = None
    """Asked from time to time, also within epochs; returns True to end the run."""
    cuts_epochs: bool = False
    """Whether a run of sgd or adam that is stopped cuts its epoch short. Its result is then that of
    the epochs before; otherwise, it stops when the epoch has ended."""
    start: RunState | None = None
    """Where an earlier run stood, which this one continues up to ``iterations``. Its network, η,
    history and best network take the place of those of a beginning."""
    checkpoints: Checkpoints | None = None
    """Takes the state of the run from time to time, and at its end."""

    best: Network | None = field(default=None, init=False)
    """The network of the lowest figure so far, if it is lower than that of earlier runs."""
    lowest: float = field(init=False)
    """That figure."""
    last: Network | None = field(default=None, init=False)
    """The newest network that was reported."""
    taken: int = field(default=0, init=False)
    """The iterations that led to the newest network."""
    stopped: bool = field(default=False, init=False)
    """Whether a callback or `stop` ended the run early."""
    stuck: bool = field(default=False, init=False)
    """Whether patience ended the run."""
    patience_spent: bool = field(default=False, init=False)
    """Whether the figure has not fallen for too long."""

    def __post_init__(self) -> None:
        self._patience = self.patience or Patience(iterations=math.inf)
        self.lowest = self._patience.best
        self._recorder, before = Recorder(), 0.0
        if self.start is not None:
            before = self._adopt(self.start)
        self._each_iteration = self.on_iteration is not None or self.figure is not None
        self._begun = perf_counter() - before
        self._stretch_rate, self._stretch_start = self.learning_rate, self.taken

    def _adopt(self, start: RunState) -> float:
        """Begin where an earlier run stood; return the seconds that it took."""
        self._recorder, self.taken = Recorder(start.history), start.iterations
        self.learning_rate, self.last = start.learning_rate, start.network
        self.best, self.lowest = start.best, start.lowest
        self._patience.best, self._patience.waited = start.figure, start.waited
        return float(start.history.seconds[-1]) if start.iterations else 0.0

    def run(self, solver: Solver, session: Session, network: Network) -> Result:
        """Let the solver take its iterations, starting at the network or at ``start``."""
        network = self._first_network(solver, network)
        self._solver = solver.name
        if self.checkpoints is not None:
            self.checkpoints.begin(self.taken)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is checked, if wanted
            outcome = solver(session, network, self)
        state = self.state(outcome.network, outcome.memory)
        if self.checkpoints is not None:
            self.checkpoints.finish(state)
        return Result(
            **vars(outcome),
            history=self.history,
            iterations=self.taken,
            stopped=self.stopped,
            last=outcome.network,
            learning_rate=self.learning_rate,
            state=state,
        )

    def _first_network(self, solver: Solver, network: Network) -> Network:
        """Return where the run begins, after a check that ``start`` fits solver and network."""
        if self.start is None:
            return network
        if self.start.solver != solver.name:
            raise TrainingError(
                f"start is the state of a run of {self.start.solver}; expected one of "
                f"{solver.name}."
            )
        before = self.start.network
        if _structure(before) != _structure(network):
            raise TrainingError(f"start is the state of a {before!r}; expected a {network!r}.")
        return network.with_parameters(before.parameters)

    def state(self, network: Network, memory: BatchMemory | None = None) -> RunState:
        """Return the state of the run at the newest iteration, which led to this network."""
        return RunState(
            solver=self._solver,
            network=network,
            learning_rate=self.learning_rate,
            history=self.history.until(self.taken),
            best=self.best,
            lowest=self.lowest,
            figure=self._patience.best,
            waited=self._patience.waited,
            memory=memory,
        )

    def offer(self, network: Network, memory: Callable[[], BatchMemory] | None = None) -> None:
        """Let the checkpoints take the state at the newest iteration, if one is due."""
        if self.checkpoints is not None and self.checkpoints.is_due(self.taken):
            self.checkpoints.take(self.state(network, None if memory is None else memory()))

    def stop(self) -> None:
        """End the run at the solver's next report."""
        self.stopped = True

    @property
    def history(self) -> History:
        """What was measured so far."""
        return self._recorder.history

    @property
    def ended_early(self) -> bool:
        """Whether the run ends before its last iteration."""
        return self.stopped or self.stuck

    @property
    def ended(self) -> bool:
        """Whether the solver must take no further iteration."""
        return self.ended_early or self.taken >= self.iterations

    def cuts_this_epoch(self) -> bool:
        """Whether an epoch under way must take no further batch."""
        self._ask()
        return self.cuts_epochs and self.stopped

    def _ask(self) -> None:
        if self.ends is not None and self.ends():
            self.stop()

    def next_stretch(self) -> int:
        """Return how many steps gd takes next in one call, at `learning_rate`."""
        self._stretch_rate, self._stretch_start = self.learning_rate, self.taken
        left = self.iterations - self.taken
        if self._each_iteration:
            return min(left, 1)
        if self.stretch is not None:
            left = min(left, max(self.stretch(self.taken), 1))
        if self.checkpoints is not None:
            left = int(min(left, self.checkpoints.steps_left(self.taken)))
        return left

    def measured(self, progress: Progress) -> bool:
        """Record what gd measured in its stretch so far; return True to end the stretch.

        The last cost is that of ``progress.network``, from which no step has been taken yet.
        """
        known = len(self._recorder) - self._stretch_start
        self.record(progress.costs[known:], progress.accuracies[known:])
        self.last, self.taken = progress.network, len(self._recorder) - 1
        cost = float(progress.costs[-1])
        self.check(cost, self._stretch_rate)
        if self.figure is None:
            self._judge(progress.network, cost)
        self._report(progress.network)
        self.offer(progress.network)
        return self.stopped or self.learning_rate != self._stretch_rate

    def stepped(self, network: Network, steps: int) -> None:
        """Record where a stretch of gd ended."""
        self.last, self.taken = network, self._stretch_start + steps
        self.check(network, self._stretch_rate)
        if steps and self._each_iteration:
            self._finish(network, self._stretch_rate)
        self.offer(network)

    def iterated(self, network: Network, cost: float, accuracy: float, rate: float) -> None:
        """Record an iteration of sgd, adam or lbfgs."""
        self.record([cost], [accuracy])
        self.last, self.taken = network, self.taken + 1
        if self.figure is None:
            self._judge(network, cost)
        figure = self._finish(network, rate)
        self._report(network)
        self.check(network, rate)
        self.check(cost, rate)
        self.patience_spent = self._patience.spent(figure)

    def record(self, costs: npt.ArrayLike, accuracies: npt.ArrayLike) -> None:
        """Add figures to the history: alone, those of a network from which no step was taken."""
        self._recorder.add(costs, accuracies, perf_counter() - self._begun)

    def unmoved(self, session: Session, network: Network) -> None:
        """Record the cost of the network if no iteration was taken, so that there is one."""
        if not len(self._recorder):
            cost, _, accuracy = session.cost_and_gradient(network)
            self.record([cost], [accuracy])
            self.check(cost, self.learning_rate)

    def check(self, found: Network | float, rate: float) -> None:
        """Raise a TrainingError if a network or a cost is not finite, but must be."""
        if not self.must_be_finite:
            return
        if not (math.isfinite(found) if isinstance(found, float) else found.is_finite):
            predicts = "classes" if self.last is None else self.last.predicts
            raise TrainingError(_divergence(self.taken, rate, predicts))

    def stall(self, rate: float | None) -> None:
        """Continue with a lower learning rate when patience is spent, or end the run."""
        if rate is None:
            self.stuck = True
        else:
            self.learning_rate, self._patience.waited = rate, 0
        if self.on_stall is not None:
            self.on_stall(rate)

    def _finish(self, network: Network, rate: float) -> float:
        """Report an iteration to the callbacks; return the figure that should fall."""
        cost, accuracy, seconds = (float(figures[-1]) for figures in self.history)
        iteration = Iteration(network, self.taken, cost, seconds, accuracy, rate)
        figure = cost
        if self.figure is not None:
            figure = self.figure(iteration)
            self._judge(network, figure)
        if self.on_iteration is not None and self.on_iteration(iteration):
            self.stop()
        return figure

    def _judge(self, network: Network, figure: float) -> None:
        if figure < self.lowest:
            self.best, self.lowest = network, figure

    def _report(self, network: Network) -> None:
        self._ask()
        if self.on_progress is not None and self.on_progress(Progress(network, *self.history[:2])):
            self.stop()


def _structure(network: Network) -> tuple[Any, ...]:
    """Return what two networks have in common if one can take the place of the other."""
    layers = [(layer.W.shape, layer.activation) for layer in network.layers]
    return layers, network.dtype, network.output


def _divergence(iterations: int, rate: float, predicts: Predicts) -> str:
    begin = f"The network is no longer finite after {iterations} iterations"
    scaled = "the features and the values" if predicts == "values" else "the features"
    if math.isnan(rate):
        return f"{begin}; scale {scaled} to about 1."
    return (
        f"{begin} at a learning rate of {rate:g}; lower the learning rate, or scale {scaled} "
        "to about 1."
    )

"""The driver of all solvers: it records, judges, reports, steers and stops a run."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from handgrad.engines import Moments, Progress
from handgrad.errors import TrainingError
from handgrad.solvers.history import History, Recorder
from handgrad.solvers.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Session
    from handgrad.network import Network


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
    """The share of rows predicted right, of the networks that the cost is of."""
    learning_rate: float = np.nan
    """That of the iteration; lbfgs has none."""


class Outcome(NamedTuple):
    """What a solver says of its run; the driver knows the rest."""

    network: Network
    """The last network."""
    converged: bool
    """Whether the run ended by itself before its last iteration."""
    message: str = ""
    """Why lbfgs ended, in SciPy's words."""
    status: int = 0
    """SciPy's number for that."""
    moments: Moments | None = None
    """What sgd and adam remember."""


class Result(NamedTuple):
    """A trained network and how it came about."""

    network: Network
    """The last network; of `train`, that of the lowest cost if the run was stopped."""
    history: History
    iterations: int
    """Number of iterations taken."""
    stopped: bool
    """Whether a callback or `Driver.stop` ended the run early."""
    last: Network
    """The network after the last iteration, from which the run could continue."""
    converged: bool
    """Whether the run ended by itself before its last iteration."""
    message: str = ""
    """Why lbfgs ended, in SciPy's words."""
    status: int = 0
    """SciPy's number for that."""
    moments: Moments | None = None
    """What sgd and adam remember."""
    learning_rate: float = np.nan
    """η of the next iteration; lbfgs has none."""

    @property
    def costs(self) -> npt.NDArray[np.float64]:
        """(n,): the cost of each iteration."""
        return self.history.costs

    @property
    def accuracies(self) -> npt.NDArray[np.float64]:
        """(n,): the share of rows predicted right, of the same networks."""
        return self.history.accuracies

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return float(self.history.seconds[-1])


class Solver(Protocol):
    """A way to train: it takes iterations on a session and reports them to the driver."""

    def __call__(self, session: Session, network: Network, driver: Driver) -> Outcome:
        """Take iterations from the network on until `Driver.ended`."""


class Driver:
    """Drives one run of a solver.

    It keeps the history and the best network, ends a run whose patience is spent or that is
    stopped, and hands reports to whoever watches. Other threads may call `stop`, and set
    ``learning_rate``, at any time; the solver follows at its next report.

    Parameters
    ----------
    iterations : int
        How many iterations to take at most.
    learning_rate : float
        η of the next iteration; lbfgs has none.
    on_iteration : callable, optional
        Called with an `Iteration` after each one; returns True to end the run. gd takes one step
        per call of the engine then, which gives the same numbers.
    on_progress : callable, optional
        Called with the whole run's `Progress` from time to time; returns True to end the run.
    stretch : callable, optional
        Given the steps taken so far, returns after how many more gd reports at the latest.
    patience : Patience, optional
        Ends runs of sgd and adam whose figure no longer falls; its ``best`` is the figure that the
        best network has to beat.
    figure : callable, optional
        Given an `Iteration`, returns what should fall; by default the cost. It is called after each
        iteration, before ``on_iteration``, and like it makes gd take one step per call.
    on_stall : callable, optional
        Called when patience is spent: with the learning rate that the run continues with, or with
        None if the run ends.
    must_be_finite : bool
        Whether a run that diverges raises a TrainingError.

    Attributes
    ----------
    best : Network or None
        The network of the lowest figure so far, if it is lower than that of earlier runs.
    lowest : float
        That figure.
    last : Network or None
        The newest network that was reported.
    stopped : bool
        Whether somebody asked for the end of the run.
    stuck : bool
        Whether patience ended the run.
    taken : int
        The iterations that led to the newest network.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> from handgrad.objective import Objective
    >>> from handgrad.solvers.gd import descend
    >>> session = get_engine().session([[0.0, 1.0], [1.0, 0.0]], [0, 1], Objective())
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> Driver(iterations=9, learning_rate=0.5).run(descend, session, network).iterations
    9
    """

    def __init__(
        self,
        iterations: int,
        learning_rate: float = math.nan,
        *,
        on_iteration: Callable[[Iteration], bool | None] | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
        stretch: Callable[[int], int] | None = None,
        patience: Patience | None = None,
        figure: Callable[[Iteration], float] | None = None,
        on_stall: Callable[[float | None], None] | None = None,
        must_be_finite: bool = False,
    ) -> None:
        self.iterations, self.learning_rate = iterations, learning_rate
        self.best: Network | None = None
        self.last: Network | None = None
        self.stopped = False
        self.stuck = False
        self.taken = 0
        self._on_iteration, self._on_progress = on_iteration, on_progress
        self._stretch = stretch
        self._patience = patience or Patience(iterations=math.inf)
        self.lowest = self._patience.best
        self._figure, self._on_stall = figure, on_stall
        self._each_iteration = on_iteration is not None or figure is not None
        self._must_be_finite = must_be_finite
        self._recorder = Recorder()
        self._start = perf_counter()
        self._stretch_rate, self._stretch_start = learning_rate, 0
        self._patience_spent = False

    def run(self, solver: Solver, session: Session, network: Network) -> Result:
        """Let the solver take its iterations, from the network on.

        Raises
        ------
        TrainingError
            If the run diverges, and must not.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is told apart
            outcome = solver(session, network, self)
        return Result(
            outcome.network,
            self.history,
            self.taken,
            self.stopped,
            outcome.network,
            outcome.converged,
            outcome.message,
            outcome.status,
            outcome.moments,
            self.learning_rate,
        )

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
        """Whether the solver shall take no further iteration."""
        return self.ended_early or self.taken >= self.iterations

    def next_stretch(self) -> int:
        """Return how many steps gd shall take in one go, at `learning_rate`."""
        self._stretch_rate, self._stretch_start = self.learning_rate, self.taken
        if self._each_iteration:
            return 1
        left = self.iterations - self.taken
        return left if self._stretch is None else min(left, max(self._stretch(self.taken), 1))

    def measured(self, progress: Progress) -> bool:
        """Take what gd measured in its stretch so far; return True to end the stretch.

        The last cost is that of ``progress.network``, from which no step has been taken yet.
        """
        known = len(self._recorder) - self._stretch_start
        self._record(progress.costs[known:], progress.accuracies[known:])
        self.last, self.taken = progress.network, len(self._recorder) - 1
        cost = float(progress.costs[-1])
        if self._must_be_finite and not math.isfinite(cost):
            raise TrainingError(_divergence(self.taken, self._stretch_rate))
        if self._figure is None:
            self._judge(progress.network, cost)
        self._report(progress.network)
        return self.stopped or self.learning_rate != self._stretch_rate

    def stepped(self, network: Network, steps: int) -> None:
        """Take note of where a stretch of gd ended."""
        self.last, self.taken = network, self._stretch_start + steps
        if self._must_be_finite and not network.is_finite:
            raise TrainingError(_divergence(self.taken, self._stretch_rate))
        if steps and self._each_iteration:
            self._finish(network, self._stretch_rate)

    def iterated(self, network: Network, cost: float, accuracy: float, rate: float) -> None:
        """Take note of an iteration of sgd, adam or lbfgs."""
        self._record([cost], [accuracy])
        self.last, self.taken = network, self.taken + 1
        if self._figure is None:
            self._judge(network, cost)
        figure = self._finish(network, rate)
        self._report(network)
        if self._must_be_finite and not network.is_finite:
            raise TrainingError(_divergence(self.taken, rate))
        self._patience_spent = self._patience.spent(figure)

    def stayed(self, cost: float, accuracy: float) -> None:
        """Take note of the cost of a network from which lbfgs took no step."""
        self._record([cost], [accuracy])

    @property
    def patience_spent(self) -> bool:
        """Whether the figure has not fallen for too long."""
        return self._patience_spent

    def stall(self, rate: float | None) -> None:
        """Continue with a lower learning rate when patience is spent, or end the run."""
        if rate is None:
            self.stuck = True
        else:
            self.learning_rate, self._patience.waited = rate, 0
        if self._on_stall is not None:
            self._on_stall(rate)

    def _finish(self, network: Network, rate: float) -> float:
        """Judge an iteration and tell of it; return the figure that should fall."""
        cost, accuracy, seconds = (float(figures[-1]) for figures in self.history)
        iteration = Iteration(network, self.taken, cost, seconds, accuracy, rate)
        figure = cost if self._figure is None else self._figure(iteration)
        if self._figure is not None:
            self._judge(network, figure)
        if self._on_iteration is not None and self._on_iteration(iteration):
            self.stop()
        return figure

    def _record(self, costs: npt.ArrayLike, accuracies: npt.ArrayLike) -> None:
        self._recorder.add(costs, accuracies, perf_counter() - self._start)

    def _judge(self, network: Network, figure: float) -> None:
        if figure < self.lowest:
            self.best, self.lowest = network, figure

    def _report(self, network: Network) -> None:
        if self._on_progress is None:
            return
        history = self.history
        if self._on_progress(Progress(network, history.costs, history.accuracies)):
            self.stop()


def _divergence(steps: int, learning_rate: float) -> str:
    return (
        f"The network is no longer finite after {steps} steps at a learning rate of "
        f"{learning_rate:g}; lower the learning rate, or scale the features to about 1."
    )

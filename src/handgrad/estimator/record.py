"""What a fit records and shows while its solver runs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.parameters import stops_early, watches_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handgrad.engines import Progress
    from handgrad.estimator.parameters import Hyperparameters
    from handgrad.estimator.validation import Judgement, Validation
    from handgrad.solvers import Iteration


@dataclass
class FitHistory:
    """The figures of every iteration since the first fit, as lists of equal length.

    Examples
    --------
    >>> history = FitHistory()
    >>> history.add(cost=0.5, accuracy=0.9, seconds=0.1)
    >>> history
    FitHistory(iteration=[1], cost=[0.5], accuracy=[0.9], seconds=[0.1])
    """

    iteration: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    """For gd, sgd and adam the costs before the steps, for lbfgs those after them."""
    accuracy: list[float] = field(default_factory=list)
    """The share of training samples predicted right, of the same networks."""
    seconds: list[float] = field(default_factory=list)
    """The time spent in training so far."""

    def add(self, cost: float, accuracy: float, seconds: float) -> None:
        """Add an iteration."""
        self.iteration.append(len(self.iteration) + 1)
        self.cost.append(cost)
        self.accuracy.append(accuracy)
        self.seconds.append(seconds)


@dataclass
class FitRecord:
    """Records one run of a solver, and shows it as ``verbose`` asks.

    It extends the history and the list of costs that it is given.
    """

    parameters: Hyperparameters
    validation: Validation | None
    history: FitHistory
    loss_curve: list[float]
    on_judgement: Callable[[Judgement], None]
    """Called after each iteration with score and loss on the samples held out."""
    is_watched: bool = False
    """Whether callbacks of scikit-learn are told of each iteration."""

    def __post_init__(self) -> None:
        self._before = len(self.loss_curve)
        self._seconds_before = self.history.seconds[-1] if self.history.seconds else 0.0
        self._prints = bool(self.parameters.verbose) and self.parameters.verbose != "bar"

    @property
    def looks_at_each_iteration(self) -> bool:
        """Whether something is shown, scored, or called after each iteration."""
        calls = self.parameters.on_iteration is not None or self.is_watched
        return self._prints or calls or self.validation is not None

    @contextmanager
    def shown(self, iterations: int) -> Iterator[None]:
        """Draw a bar while the solver runs, if ``verbose`` asks for it."""
        if self.parameters.verbose != "bar":
            yield
            return
        from rich.console import Console
        from rich.progress import Progress as ProgressBar

        with ProgressBar(console=Console(stderr=True), transient=True) as self._bar:
            self._task = self._bar.add_task(self.parameters.solver, total=iterations)
            yield

    def figure(self, iteration: Iteration) -> float:
        """Record and show an iteration; return what should fall from one to the next."""
        self._record([iteration.cost], [iteration.accuracy], [iteration.seconds])
        self._show(f"Iteration {iteration.iteration}, loss = {iteration.cost:.8f}")
        if self.validation is None:
            return iteration.cost
        judgement = self.validation.judge(iteration.network)
        self.on_judgement(judgement)
        if not stops_early(self.parameters):
            return iteration.cost
        if watches_loss(self.parameters):
            self._show(f"Validation loss: {judgement.loss:f}")
            return judgement.loss
        self._show(f"Validation score: {judgement.score:f}")
        return -judgement.score

    def draw(self, progress: Progress) -> None:
        """Show in the bar how far the run has come."""
        cost = f"cost {progress.costs[-1]:.4f}"
        self._bar.update(self._task, completed=len(progress.costs), description=cost)

    def complete(self, costs: Any, accuracies: Any, seconds: Any) -> None:
        """Record the iterations of the run that are not recorded yet."""
        known = len(self.loss_curve) - self._before
        self._record(costs[known:], accuracies[known:], seconds[known:])

    def stall(self, rate: float | None) -> None:
        """Show that patience is spent, and how the run continues, or that it ends."""
        parameters = self.parameters
        what = "Training loss"
        if parameters.early_stopping:
            what = "Validation loss" if watches_loss(parameters) else "Validation score"
        message = (
            f"{what} did not improve more than tol={parameters.tol:f} "
            f"for {parameters.n_iter_no_change} consecutive epochs."
        )
        if rate is not None:
            self._show(f"{message} Setting learning rate to {rate:f}")
        elif parameters.solver == "sgd" and parameters.learning_rate == "adaptive":
            self._show(f"{message} Learning rate too small. Stopping.")
        else:
            self._show(f"{message} Stopping.")

    def _record(self, costs: Any, accuracies: Any, seconds: Any) -> None:
        for cost, accuracy, second in zip(costs, accuracies, seconds, strict=True):
            self.history.add(float(cost), float(accuracy), self._seconds_before + float(second))
            self.loss_curve.append(np.float64(cost))

    def _show(self, line: str) -> None:
        if self._prints:
            print(line)

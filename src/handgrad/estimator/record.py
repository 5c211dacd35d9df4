"""What a fit records and shows while its solver runs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.parameters import stops_early

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine, Progress
    from handgrad.estimator.parameters import Hyperparameters
    from handgrad.estimator.samples import WeightedSamples
    from handgrad.network import Network
    from handgrad.solvers import Iteration


@dataclass
class FitHistory:
    """What every iteration since the first fit was like, as lists of equal length.

    Examples
    --------
    >>> history = FitHistory()
    >>> history.add(cost=0.5, accuracy=0.9, seconds=0.1)
    >>> history
    FitHistory(iteration=[1], cost=[0.5], accuracy=[0.9], seconds=[0.1])
    """

    iteration: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    """Of gd, sgd and adam those before their steps, of lbfgs those after."""
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


class FitRecord:
    """Records one run of a solver in the lists of a classifier, and shows it.

    Parameters
    ----------
    parameters : Hyperparameters
    engine : Engine
    held_out : WeightedSamples or None
        Samples that are scored after each iteration.
    history : FitHistory
    loss_curve, scores : list of float
        The lists to extend: costs, and accuracies on the samples held out.
    """

    def __init__(
        self,
        parameters: Hyperparameters,
        engine: Engine,
        held_out: WeightedSamples | None,
        history: FitHistory,
        loss_curve: list[float],
        scores: list[float],
    ) -> None:
        self._parameters, self._engine, self._held_out = parameters, engine, held_out
        self._history, self._loss_curve, self._scores = history, loss_curve, scores
        self._before = len(loss_curve)
        self._seconds_before = history.seconds[-1] if history.seconds else 0.0
        self._bar: Callable[[int, float], None] = _nothing
        self._prints = bool(parameters.verbose) and parameters.verbose != "bar"

    @property
    def looks_at_each_iteration(self) -> bool:
        """Whether something is shown, or scored, after each iteration."""
        return self._prints or self._held_out is not None

    def shown(self, iterations: int) -> Any:
        """Return a context in which progress is drawn, if that is wanted."""
        return self._drawn(iterations) if self._parameters.verbose == "bar" else nullcontext()

    def figure(self, iteration: Iteration) -> float:
        """Take note of an iteration; return what should fall from one to the next."""
        self._record([iteration.cost], [iteration.accuracy], [iteration.seconds])
        self._show(f"Iteration {iteration.iteration}, loss = {iteration.cost:.8f}")
        if self._held_out is None:
            return iteration.cost
        score = self._score(iteration.network, self._held_out)
        self._scores.append(score)
        if not stops_early(self._parameters):
            return iteration.cost
        self._show(f"Validation score: {score:f}")
        return -score

    def draw(self, progress: Progress) -> None:
        """Show how far the run has come."""
        self._bar(len(progress.costs), float(progress.costs[-1]))

    def complete(self, costs: Any, accuracies: Any, seconds: Any) -> None:
        """Take note of the iterations that are new among all of the run."""
        known = len(self._loss_curve) - self._before
        self._record(costs[known:], accuracies[known:], seconds[known:])

    def stall(self, rate: float | None) -> None:
        """Show that patience is spent, and how the run continues, or that it ends."""
        parameters = self._parameters
        what = "Validation score" if parameters.early_stopping else "Training loss"
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
            self._history.add(float(cost), float(accuracy), self._seconds_before + float(second))
            self._loss_curve.append(np.float64(cost))

    def _score(self, network: Network, held_out: WeightedSamples) -> float:
        found = self._engine.predict_proba(network, held_out.X).argmax(axis=1)
        right: npt.NDArray[np.bool_] = found == held_out.codes
        return float(np.average(right, weights=held_out.weights))

    def _show(self, line: str) -> None:
        if self._prints:
            print(line)

    def _drawn(self, iterations: int) -> Any:
        from rich.console import Console
        from rich.progress import Progress as ProgressBar

        bar = ProgressBar(console=Console(stderr=True), transient=True)
        task = bar.add_task(self._parameters.solver, total=iterations)

        def draw(iteration: int, cost: float) -> None:
            bar.update(task, completed=iteration, description=f"cost {cost:.4f}")

        self._bar = draw
        return bar


def _nothing(_iteration: int, _cost: float) -> None:
    pass

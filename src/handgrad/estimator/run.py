"""One run of a classifier's solver: what is recorded, shown and kept after each iteration."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.parameters import STOCHASTIC

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine, Progress
    from handgrad.estimator.classifier import MLPClassifier
    from handgrad.estimator.samples import Samples
    from handgrad.network import Network
    from handgrad.solvers import State


@dataclass
class History:
    """What every iteration since the first fit was like, as lists of equal length.

    Examples
    --------
    >>> history = History()
    >>> history.add(cost=0.5, accuracy=0.9, seconds=0.1)
    >>> history
    History(iteration=[1], cost=[0.5], accuracy=[0.9], seconds=[0.1])
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


class Run:
    """One run of a solver: what is recorded, shown and kept after each iteration."""

    def __init__(
        self,
        model: MLPClassifier,
        engine: Engine,
        held_out: Samples | None,
        best: Network | None,
        iterations: int,
    ) -> None:
        self.model, self.held_out = model, held_out
        self.iterations = 0
        self.last: Network | None = None
        self.best = best
        """With early stopping the network of the best score, else None."""
        self._engine, self._most = engine, iterations
        self._score = np.nan
        self._bar: Callable[[int, float], None] = _nothing
        seconds = model.history_.seconds
        self._start = perf_counter() - (seconds[-1] if seconds else 0.0)

    @property
    def every_iteration(self) -> bool:
        """Whether something is to be done after each iteration."""
        model = self.model
        prints = bool(model.verbose) and model.verbose != "bar"
        return prints or model.on_iteration is not None or self.held_out is not None

    def shown(self) -> Any:
        """Return a context in which progress is drawn, where that is wanted."""
        return self._drawn() if self.model.verbose == "bar" else nullcontext()

    def after(self, state: State) -> bool:
        """Take note of an iteration; tell whether the run shall end."""
        model, self.last = self.model, state.network
        self._record([state.cost], [state.accuracy])
        self._show(f"Iteration {state.iteration}, loss = {state.cost:.8f}")
        self._bar(state.iteration, state.cost)
        if self.held_out is not None:
            self._validate(state.network, self.held_out)
        return bool(model.on_iteration(state)) if model.on_iteration is not None else False

    def watch(self, progress: Progress) -> None:
        """Take note of the steps of gd so far: all but the last, whose cost alone is known."""
        self.last = progress.network
        self.catch_up(progress.costs[:-1], progress.accuracies[:-1])
        self._bar(len(progress.costs), float(progress.costs[-1]))

    def catch_up(self, costs: npt.NDArray[np.float64], accuracies: npt.NDArray[np.float64]) -> None:
        """Take note of the iterations that are new among all of this run."""
        known = self.iterations
        self._record(costs[known:].tolist(), accuracies[known:].tolist())

    def figure(self, state: State) -> float:
        """Return what should fall from epoch to epoch."""
        return -self._score if self.model.early_stopping else state.cost

    def stall(self, rate: float | None) -> None:
        """Tell that patience is spent, and with what rate the run goes on, or that it ends."""
        model = self.model
        what = "Validation score" if model.early_stopping else "Training loss"
        message = (
            f"{what} did not improve more than tol={model.tol:f} "
            f"for {model.n_iter_no_change} consecutive epochs."
        )
        if rate is not None:
            self._show(f"{message} Setting learning rate to {rate:f}")
        elif model.solver == "sgd" and model.learning_rate == "adaptive":
            self._show(f"{message} Learning rate too small. Stopping.")
        else:
            self._show(f"{message} Stopping.")

    def _record(self, costs: list[float], accuracies: list[float]) -> None:
        seconds = perf_counter() - self._start
        for cost, accuracy in zip(costs, accuracies, strict=True):
            self.model.history_.add(cost, accuracy, seconds)
            self.model.loss_curve_.append(np.float64(cost))
            self.iterations += 1

    def _validate(self, network: Network, held_out: Samples) -> None:
        model = self.model
        found = self._engine.predict_proba(network, held_out.X).argmax(axis=1)
        self._score = float(np.average(found == held_out.codes, weights=held_out.weights))
        if model.validation_scores_ is None:
            model.validation_scores_ = []
        model.validation_scores_.append(self._score)
        if not model.early_stopping or model.solver not in STOCHASTIC:
            return
        self._show(f"Validation score: {self._score:f}")
        if model.best_validation_score_ is None or self._score > model.best_validation_score_:
            model.best_validation_score_ = self._score
            self.best = network

    def _show(self, line: str) -> None:
        if self.model.verbose and self.model.verbose != "bar":
            print(line)

    def _drawn(self) -> Any:
        from rich.console import Console
        from rich.progress import Progress as ProgressBar

        bar = ProgressBar(console=Console(stderr=True), transient=True)
        task = bar.add_task(self.model.solver, total=self._most)

        def draw(iteration: int, cost: float) -> None:
            bar.update(task, completed=iteration, description=f"cost {cost:.4f}")

        self._bar = draw
        return bar


def _nothing(_iteration: int, _cost: float) -> None:
    pass

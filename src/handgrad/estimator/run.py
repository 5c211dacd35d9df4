"""One run of a classifier's solver: what is recorded, shown and kept after each iteration."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import accuracy_score

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.estimator.classifier import MLPClassifier
    from handgrad.network import Network
    from handgrad.solvers import State

STOCHASTIC = ("sgd", "adam")


@dataclass
class History:
    """What every iteration of `MLPClassifier` was like, as lists of equal length."""

    iteration: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, state: State) -> None:
        """Add an iteration."""
        self.iteration.append(state.iteration)
        self.cost.append(state.cost)
        self.accuracy.append(state.accuracy)
        self.seconds.append(state.seconds)


class Run:
    """One run of a solver: what is recorded, shown and kept after each iteration."""

    def __init__(
        self,
        model: MLPClassifier,
        held_out: tuple[Any, npt.NDArray[Any], Any] | None,
        predict: Callable[[Network, Any], npt.NDArray[Any]],
    ) -> None:
        self.model, self.held_out, self._predict = model, held_out, predict
        self.iterations = 0
        self.last: Network | None = None
        self.best: Network | None = None
        self._score = np.nan
        self._show: Callable[[State], None] = self._print if model.verbose else _nothing

    def shown(self) -> Any:
        """Return a context in which progress is drawn, where that is wanted."""
        if self.model.verbose != "bar":
            return nullcontext()
        return self._bar()

    def after(self, state: State) -> bool:
        """Take note of an iteration; tell whether the run shall end."""
        model = self.model
        self.last, self.iterations = state.network, state.iteration
        model.history_.add(state)
        if model.solver in STOCHASTIC:
            model.loss_curve_.append(state.cost)
        if self.held_out is not None and model.solver in STOCHASTIC:
            self._validate(state)
        self._show(state)
        return bool(model.on_iteration(state)) if model.on_iteration is not None else False

    def figure(self, state: State) -> float:
        """Return what should fall from epoch to epoch."""
        return -self._score if self.model.early_stopping else state.cost

    def _validate(self, state: State) -> None:
        model = self.model
        X, labels, weights = self.held_out  # type: ignore[misc]
        found = self._predict(state.network, X)
        self._score = float(accuracy_score(labels, found, sample_weight=weights))
        if model.validation_scores_ is None:
            model.validation_scores_ = []
        model.validation_scores_.append(self._score)
        if model.early_stopping and self._score > (model.best_validation_score_ or -np.inf):
            model.best_validation_score_ = self._score
            self.best = state.network

    def _print(self, state: State) -> None:
        print(f"Iteration {state.iteration}, loss = {state.cost:.8f}")
        if self.model.early_stopping:
            print(f"Validation score: {self._score:f}")

    def _bar(self) -> Any:
        from rich.progress import Progress

        progress = Progress(transient=True)
        task = progress.add_task(self.model.solver, total=self.model.max_iter)
        self._show = lambda state: progress.update(
            task, completed=state.iteration, description=f"cost {state.cost:.4f}"
        )
        return progress


def _nothing(_state: State) -> None:
    pass

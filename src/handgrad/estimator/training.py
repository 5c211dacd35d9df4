"""The run of a fit, and what the estimator keeps of it."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from handgrad.estimator.fitting import (
    LastingPatience,
    Memory,
    as_network,
    as_weights_and_biases,
    check_finite,
    driver_of,
    fit_network,
    glorot_values,
    solver_of,
    warn_unless_converged,
)
from handgrad.estimator.parameters import STOCHASTIC, hidden_sizes, stops_early, watches_loss
from handgrad.estimator.reading import ReadsRows
from handgrad.estimator.record import FitHistory, FitRecord
from handgrad.estimator.user_warnings import warn_user
from handgrad.estimator.validation import Validation

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.estimator.callbacks import FitTask
    from handgrad.estimator.fitting import Watcher
    from handgrad.estimator.samples import Samples
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.estimator.validation import Judgement
    from handgrad.network import Network
    from handgrad.solvers import Driver, Iteration, Result


class TrainsNetwork(ReadsRows):
    """The part of an estimator that trains its network."""

    coefs_: list[npt.NDArray[Any]]
    intercepts_: list[npt.NDArray[Any]]
    n_outputs_: int
    n_layers_: int
    out_activation_: str
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float] | None
    best_validation_loss_: float | None
    history_: FitHistory
    _targets: TargetKind
    _memory: Memory

    def _reset(self) -> None:
        """Set what the targets determine, and empty what a run adds to."""
        is_scored = stops_early(self)
        self.n_outputs_ = self._targets.outputs
        self.out_activation_ = self._targets.output
        self.n_iter_ = self.t_ = 0
        self.loss_curve_ = []
        self.history_ = FitHistory()
        self.best_loss_ = None if is_scored else np.inf
        self.validation_scores_ = [] if is_scored else None
        self.best_validation_score_ = -np.inf if is_scored else None
        self.validation_loss_curve_ = [] if is_scored else None
        self.best_validation_loss_ = np.inf if is_scored else None
        self._memory = Memory(LastingPatience())

    def _initialize(self, random: np.random.RandomState) -> None:
        self._reset()
        sizes = [self.n_features_in_, *hidden_sizes(self.hidden_layer_sizes), self.n_outputs_]
        values = glorot_values(sizes, self.activation, self._float_type, random)
        self.coefs_, self.intercepts_ = values
        self.n_layers_ = len(sizes)

    def _network(self) -> Network:
        """Return the network as it is trained: two classes have one logistic output."""
        return as_network(self.coefs_, self.intercepts_, self.activation, self._targets.output)

    def _take(self, network: Network) -> None:
        self.coefs_, self.intercepts_ = as_weights_and_biases(network)

    def _fitted(self, network: Network) -> Self:
        """Return an estimator that predicts with a network, and takes rows without names."""
        estimator = copy.copy(self)
        estimator.__dict__.pop("feature_names_in_", None)
        estimator.coefs_, estimator.intercepts_ = as_weights_and_biases(network)
        if estimator.engine == "dask":  # which would start a cluster for each call
            estimator.engine = "auto"
        return estimator

    def _train(
        self,
        engine: Engine,
        samples: Samples,
        held_out: Samples | None,
        random: np.random.RandomState,
        task: FitTask,
        incremental: bool,
    ) -> None:
        """Run the solver, starting at the estimator's network, and keep its results."""
        self._remember(incremental)
        record = self._record(engine, held_out, task)
        driver = driver_of(self, self._memory, record, task.iterations, self._watcher(task))
        if stops_early(self):  # the best network has to beat that of earlier runs
            driver.lowest = self._best_figure
        result = None
        try:
            solver = solver_of(self, samples.m, self._memory, random, self.t_)
            objective = self._targets.objective(self.alpha)
            with record.shown(task.iterations):
                task.begin_iteration()
                result = fit_network(
                    self, engine, self._network(), samples, objective, solver, driver
                )
        except KeyboardInterrupt:
            warn_user("Training interrupted by user.")
        finally:  # even if a callback raises an error, the last iteration is kept
            record.complete(*(figures[: driver.taken] for figures in driver.history))
            self._keep(driver, result, samples.m)
        check_finite(self.coefs_ + self.intercepts_)
        if result is not None and not incremental:
            warn_unless_converged(self, result)

    def _record(self, engine: Engine, held_out: Samples | None, task: FitTask) -> FitRecord:
        validation = None
        if held_out is not None:
            validation = Validation(held_out, self._targets, engine, self.scoring, self._fitted)
        return FitRecord(
            self,
            validation,
            self.history_,
            self.loss_curve_,
            self._add_judgement,
            task.is_watched,
        )

    def _watcher(self, task: FitTask) -> Watcher | None:
        """Return what calls all callbacks after an iteration; it tells whether one ends the run."""
        own = self.on_iteration
        if own is None and not task.is_watched:
            return None

        def watch(iteration: Iteration) -> bool:
            network = self._targets.as_shown(iteration.network)
            stops = own is not None and bool(own(iteration._replace(network=network)))
            return task.end_iteration(iteration, partial(self._attributes_at, iteration)) or stops

        return watch

    def _attributes_at(self, iteration: Iteration) -> dict[str, Any]:
        """Return the attributes of the estimator as if the run had ended at an iteration."""
        weights, biases = as_weights_and_biases(iteration.network)
        return {
            "coefs_": weights,
            "intercepts_": biases,
            "n_iter_": iteration.iteration,
            "loss_": np.float64(iteration.cost),
            "loss_curve_": list(self.loss_curve_),
        }

    def _remember(self, incremental: bool) -> None:
        """Adopt the current parameters; only `partial_fit` continues with the moments."""
        self._memory.patience.tol = self.tol
        self._memory.patience.iterations = self.n_iter_no_change
        if not incremental or self._memory.solver != self.solver:
            self._memory.moments = self._memory.learning_rate = None
        self._memory.solver = self.solver

    def _keep(self, driver: Driver, result: Result | None, m: int) -> None:
        """Keep the results of a run; without a result, the run was interrupted."""
        network = driver.best if stops_early(self) else driver.last
        if network is not None:
            self._take(network)
        if result is not None:
            self._memory.moments = result.moments
            self._memory.learning_rate = result.learning_rate
            self.loss_ = np.float64(result.costs[-1])
        elif self.loss_curve_:
            self.loss_ = self.loss_curve_[-1]
        self.n_iter_ = driver.taken
        if self.solver in STOCHASTIC:
            self.t_ += m * driver.taken
        if not stops_early(self) and hasattr(self, "loss_"):
            losses = [np.inf, *self.loss_curve_, self.loss_]
            self.best_loss_ = np.fmin.reduce(losses)  # passes over those that are not numbers

    def _add_judgement(self, judgement: Judgement) -> None:
        """Keep score and loss on the samples held out."""
        if self.validation_scores_ is None or self.validation_loss_curve_ is None:
            self.validation_scores_, self.validation_loss_curve_ = [], []
        self.validation_scores_.append(judgement.score)
        self.validation_loss_curve_.append(judgement.loss)
        if stops_early(self):
            self.best_validation_score_ = max(self._best_score, judgement.score)
            self.best_validation_loss_ = min(self._least_loss, judgement.loss)

    @property
    def _least_loss(self) -> float:
        least = self.best_validation_loss_
        return np.inf if least is None else least

    @property
    def _best_score(self) -> float:
        best = self.best_validation_score_
        return -np.inf if best is None else best

    @property
    def _best_figure(self) -> float:
        """The lowest of what should fall in all runs so far."""
        if stops_early(self):
            return self._least_loss if watches_loss(self) else -self._best_score
        return np.inf if self.best_loss_ is None else self.best_loss_

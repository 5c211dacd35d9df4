"""The run of a fit, and what the estimator keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from handgrad.estimator.parameters import STOCHASTIC, hidden_sizes, stops_early
from handgrad.estimator.reading import ReadsRows
from handgrad.estimator.record import FitHistory, FitRecord
from handgrad.estimator.user_warnings import warn_user

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.estimator.samples import Samples
    from handgrad.estimator.targets import TargetKind
    from handgrad.network import Network
    from handgrad.solvers import Driver, Result


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
    history_: FitHistory
    _targets: TargetKind
    _memory: Memory

    def _reset(self) -> None:
        """Set what the targets determine, and empty what a run adds to."""
        is_scored = stops_early(self)
        self.n_outputs_ = self._targets.outputs
        self.out_activation_ = self._targets.output
        self.n_layers_ = len(hidden_sizes(self.hidden_layer_sizes)) + 2
        self.n_iter_ = self.t_ = 0
        self.loss_curve_ = []
        self.history_ = FitHistory()
        self.best_loss_ = None if is_scored else np.inf
        self.validation_scores_ = [] if is_scored else None
        self.best_validation_score_ = -np.inf if is_scored else None
        self._memory = Memory(LastingPatience())

    def _initialize(self, random: np.random.RandomState) -> None:
        self._reset()
        sizes = [self.n_features_in_, *hidden_sizes(self.hidden_layer_sizes), self.n_outputs_]
        values = glorot_values(sizes, self.activation, self._float_type, random)
        self.coefs_, self.intercepts_ = values

    def _network(self) -> Network:
        """Return the network as it is trained: two classes have one logistic output."""
        return as_network(self.coefs_, self.intercepts_, self.activation, self._targets.output)

    def _take(self, network: Network) -> None:
        self.coefs_, self.intercepts_ = as_weights_and_biases(network)

    def _train(
        self,
        engine: Engine,
        samples: Samples,
        held_out: Samples | None,
        random: np.random.RandomState,
        iterations: int,
        incremental: bool,
    ) -> None:
        """Run the solver, starting at the estimator's network, and keep its results."""
        self._remember(incremental)
        history, curve = self.history_, self.loss_curve_
        record = FitRecord(self, engine, held_out, history, curve, self._add_score)
        driver = driver_of(self, self._targets, self._memory, record, iterations)
        if stops_early(self):  # the best network has to beat that of earlier runs
            driver.lowest = self._best_figure
        result = None
        try:
            solver = solver_of(self, samples.m, self._memory, random, self.t_)
            objective = self._targets.objective(self.alpha)
            with record.shown(iterations):
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

    def _add_score(self, score: float) -> None:
        """Keep the score of the samples held out."""
        if self.validation_scores_ is None:
            self.validation_scores_ = []
        self.validation_scores_.append(score)
        if stops_early(self):
            self.best_validation_score_ = max(self._best_score, score)

    @property
    def _best_score(self) -> float:
        best = self.best_validation_score_
        return -np.inf if best is None else best

    @property
    def _best_figure(self) -> float:
        """The lowest of what should fall in all runs so far."""
        if stops_early(self):
            return -self._best_score
        return np.inf if self.best_loss_ is None else self.best_loss_

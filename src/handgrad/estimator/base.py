"""What all estimators share: the run of a fit, and what the estimator keeps of it."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from handgrad.engines import get_engine
from handgrad.estimator.collections import check_engine, names_of, rows_to_predict
from handgrad.estimator.fitting import (
    as_weights_and_biases,
    check_finite,
    driver_of,
    fit_network,
    solver_of,
    warn_unless_converged,
)
from handgrad.estimator.parameters import STOCHASTIC, Hyperparameters, stops_early
from handgrad.estimator.record import FitHistory, FitRecord
from handgrad.estimator.rows import (
    ROW_TYPES,
    check_features,
    float_type,
    learn_features,
    refuse_text,
    rows_like_those_of_fit,
    rows_to_fit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine
    from handgrad.estimator.fitting import Memory
    from handgrad.estimator.samples import Samples
    from handgrad.network import Network
    from handgrad.solvers import Driver, Result


class BaseMLP(Hyperparameters, BaseEstimator):  # type: ignore[misc]
    """A multi-layer perceptron that the driver trains."""

    engine: str
    n_threads: int | None
    pixels: bool

    n_features_in_: int
    coefs_: list[npt.NDArray[Any]]
    intercepts_: list[npt.NDArray[Any]]
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    history_: FitHistory
    _memory: Memory
    _pixels: bool
    _float_type: np.dtype[Any]

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for sgd and adam; {self.solver} is not stochastic."
            )
        return True

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        """Return the engine of a call; what it opened for the call is closed after it."""
        engine = get_engine(self.engine, threads=self.n_threads)
        with engine if isinstance(engine, AbstractContextManager) else nullcontext():
            yield engine

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Return X as `Bytes`, float32 or float64 rows, with the scale that fit uses."""
        refuse_text(X)
        X = validate_data(self, X, accept_sparse="csr", dtype=ROW_TYPES, reset=reset)
        if not reset:
            return rows_like_those_of_fit(X, pixels=self._pixels)
        self._learn_types(X.dtype)
        return rows_to_fit(X, pixels=self._pixels)

    def _blocks(self, blocks: Blocks, *, reset: bool) -> Blocks:
        """Return blocks whose bytes have the scale that fit uses; this reads the first leaf.

        Only the first leaf is searched for numbers that cannot be pixels, or that look like pixels.
        """
        if reset:
            learn_features(self, blocks.features, blocks.feature_names)
            self._learn_types(blocks.dtype)
        else:
            check_features(self, blocks.features, blocks.feature_names)
        if self._pixels != (blocks.dtype == np.uint8):
            check = rows_to_fit if reset else rows_like_those_of_fit
            check(blocks.read(0)[0], pixels=self._pixels)
        return replace(blocks, pixels=self._pixels)

    def _collection(self, X: Any, engine: Engine) -> Any:
        """Return a Dask collection of rows to predict, after checking what is known of it."""
        check_engine(engine)
        check_features(self, len(X.columns) if hasattr(X, "columns") else X.shape[1], names_of(X))
        return rows_to_predict(X, pixels=self._pixels, dtype=self._float_type)

    def _learn_types(self, rows: np.dtype[Any]) -> None:
        self._pixels = bool(self.pixels)
        self._float_type = float_type(rows, pixels=self._pixels)

    def _train(
        self,
        engine: Engine,
        network: Network,
        samples: Samples,
        held_out: Samples | None,
        random: np.random.RandomState,
        iterations: int,
        incremental: bool,
    ) -> None:
        """Run the solver, starting at a network, and keep its results."""
        self._remember(incremental)
        m = samples.m
        history, curve = self.history_, self.loss_curve_
        record = FitRecord(self, engine, held_out, history, curve, self._add_score)
        driver = driver_of(self, self._memory, record, iterations)
        if stops_early(self):  # the best network has to beat that of earlier runs
            driver.lowest = -self._best_score
        result = None
        try:
            solver = solver_of(self, m, self._memory, random, self.t_)
            with record.shown(iterations):
                result = fit_network(self, engine, network, samples, solver, driver)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:  # even if a callback raises an error, the last iteration is kept
            record.complete(*(figures[: driver.taken] for figures in driver.history))
            self._keep(driver, result, m)
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
            self.best_loss_ = min([*self.loss_curve_, self.loss_])

    def _add_score(self, score: float) -> None:
        """Keep the accuracy on the samples held out."""
        if self.validation_scores_ is None:
            self.validation_scores_ = []
        self.validation_scores_.append(score)
        if stops_early(self):
            self.best_validation_score_ = max(self._best_score, score)

    @property
    def _best_score(self) -> float:
        best = self.best_validation_score_
        return -np.inf if best is None else best

    def _take(self, network: Network) -> None:
        self.coefs_, self.intercepts_ = as_weights_and_biases(network)

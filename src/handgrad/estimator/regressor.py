"""The network that predicts values, with scikit-learn's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.estimator.base import BaseMLP
from handgrad.estimator.blocks import is_beyond_memory
from handgrad.estimator.parameters import CONSTRAINTS
from handgrad.estimator.target_kinds import ValueTargets
from handgrad.estimator.targets import values_of
from handgrad.objective import OUTPUT_OF_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from handgrad import solvers
    from handgrad.estimator.blocks import Label
    from handgrad.estimator.samples import Given, Samples
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.objective import Loss
    from handgrad.reading import Predicts


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A network of any depth that predicts values, as scikit-learn's regressor does.

    Parameters have the names, meanings and defaults of `sklearn.neural_network.MLPRegressor`;
    the same ``random_state`` gives the same initial values and the same order of rows. Below
    are those that differ or are new.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        Half the squared error, or half the Poisson deviance of values of 0 or more.
    hidden_layer_sizes : int or sequence of int
        The units of each hidden layer; () makes a linear model.
    activation : {"identity", "logistic", "tanh", "relu", "leaky_relu"}
        The activation of the hidden units; "leaky_relu" has the slope 0.01 below 0.
    solver : {"adam", "sgd", "lbfgs", "gd"}
        "gd" takes ``max_iter`` full-batch steps (U1), whatever ``tol`` is. Like "lbfgs", it
        ignores ``early_stopping``.
    alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn; ``verbose="bar"`` draws a progress bar.
    scoring, pixels, on_iteration, engine, n_threads
        As for `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        W transposed and b flat, of each layer.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_, \
n_iter_, t_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn. For several values per sample, the squared error is averaged over the
        values, and the Poisson loss is added up.
    validation_loss_curve_ : list of float or None
        The mean loss on the validation samples after each iteration, without the penalty of large
        weights.
    best_validation_loss_ : float or None
        The least of these, with early stopping.
    history_ : FitHistory
        Cost and seconds of every iteration.

    See Also
    --------
    MLPClassifier : Predicts classes or labels.

    Notes
    -----
    The network is float32 if fit gets float32 rows or pixels, otherwise float64. ``uint8`` rows
    stay bytes in memory in both cases.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, random_state=1)
    >>> model.fit(X, y).predict([[10.0]]).round(2).tolist()
    [21.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS | {
        "loss": [StrOptions(set(OUTPUT_OF_VALUES))],
    }
    loss: Loss
    _kinds = (ValueTargets,)

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: solvers.Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        pixels: bool = False,
        on_iteration: Callable[[solvers.Iteration], bool | None] | None = None,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        *,
        label: Label | None = None,
    ) -> Self:
        """Train for one more epoch on these samples; sgd and adam continue with their moments.

        Parameters
        ----------
        X, y, sample_weight, label
            As for `fit`.
        """
        self._check_parameters()
        return self._partial_fit(X, y, sample_weight, label, self._kind_of)

    def predict(self, X: Any) -> Any:
        """Return the values of each sample, as shape (m,), or (m, K) if y had several columns.

        For Dask collections it is a Dask array, which is computed when it is used.

        Parameters
        ----------
        X : array, data frame, sparse matrix, Blocks, str, path, Dask array or Dask data frame
        """
        return self._predictions(self._outputs(X))

    def score(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        *,
        label: Label | None = None,
    ) -> float:
        """Return R², averaged over the values if there are several per sample.

        Parameters
        ----------
        X, y, sample_weight, label
            As for `fit`. If files name their parts, the training part is scored; score the test
            part by its own address, or as `Blocks.test_part` returns it.
        """
        if is_beyond_memory(X):
            return self._score_beyond_memory(X, y, sample_weight, label)
        check_is_fitted(self)
        return float(super().score(X, y, sample_weight))

    def _predicts(self, y: Any, label: Label | None) -> Predicts:  # noqa: ARG002
        return "values"

    def _check_targets(self, y: Any, X: Any) -> npt.NDArray[Any]:
        return values_of(y, X, self)

    def _kind_of(self, given: Given) -> TargetKind:
        return ValueTargets(given.names, self.loss)

    def _to_train(self, given: Given, sample_weight: Any) -> Samples:
        return given.to_train(self._targets, sample_weight, None)

"""The network that predicts classes or labels, with scikit-learn's interface."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.estimator.base import BaseMLP
from handgrad.estimator.blocks import is_beyond_memory
from handgrad.estimator.parameters import CONSTRAINTS
from handgrad.estimator.target_kinds import ClassTargets, LabelTargets
from handgrad.estimator.targets import check_known_classes, classes_of_all_calls, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad import solvers
    from handgrad.estimator.blocks import Label
    from handgrad.estimator.samples import Given, Samples
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.reading import Predicts


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A network of any depth that predicts classes or labels, as scikit-learn's classifier does.

    Parameters have the names, meanings and defaults of `sklearn.neural_network.MLPClassifier`;
    the same ``random_state`` gives the same initial values and the same order of rows. Below
    are those that differ or are new.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        The units of each hidden layer; () makes a linear model.
    activation : {"identity", "logistic", "tanh", "relu", "leaky_relu"}
        The activation of the hidden units; "leaky_relu" has the slope 0.01 below 0.
    solver : {"adam", "sgd", "lbfgs", "gd"}
        "gd" takes ``max_iter`` full-batch steps (U1), whatever ``tol`` is. Like "lbfgs", it
        ignores ``early_stopping``.
    random_state, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
shuffle, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn; ``verbose="bar"`` draws a progress bar.
    scoring : "loss", str, callable or None
        What early stopping watches on the samples held out: the score of the estimator by default,
        their loss, or a scorer, by its name or as `sklearn.metrics.get_scorer` returns it.
    class_weight : dict, "balanced" or None
        Weights of the classes, which multiply those of the samples.
    pixels : bool
        Whether ``uint8`` rows are pixels, which are scaled by 1/255; floating rows must then lie
        from 0 to 1. By default bytes are ordinary numbers, as in scikit-learn.
    on_iteration : callable, optional
        Called with a `handgrad.solvers.Iteration` after each one; returns True to end the run.
    engine : {"auto", "native", "reference", "dask"}
        "dask" computes on the cluster of the current Dask client, or on a local cluster for the
        time of a call. It also takes Dask arrays and Dask data frames.
    n_threads : int or None
        By default one per processor, at most ``OMP_NUM_THREADS``; never changes a bit of the
        result. For "dask" the number of processes of a local cluster.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        W transposed and b flat, of each layer. Two classes have one logistic output.
    classes_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_, \
n_iter_, t_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn.
    validation_loss_curve_ : list of float or None
        The mean loss on the validation samples after each iteration, without the penalty of large
        weights.
    best_validation_loss_ : float or None
        The least of these, with early stopping.
    history_ : FitHistory
        Cost, accuracy and seconds of every iteration.

    See Also
    --------
    MLPRegressor : Predicts values.
    handgrad.solvers : The solvers as functions.

    Notes
    -----
    The network is float32 if fit gets float32 rows or pixels, otherwise float64. ``uint8`` rows
    stay bytes in memory in both cases.

    After Ctrl-C the estimator keeps the network of the last iteration.

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict([[0.0, 1.0], [1.0, 1.0]]).tolist()
    ['yes', 'no']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    loss: str = "log_loss"
    _kinds = (ClassTargets, LabelTargets)

    def __init__(
        self,
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
        class_weight: dict[Any, float] | str | None = None,
        scoring: str | Callable[..., float] | None = None,
        pixels: bool = False,
        on_iteration: Callable[[solvers.Iteration], bool | None] | None = None,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    classes_: npt.NDArray[Any]

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
        *,
        label: Label | None = None,
    ) -> Self:
        """Train for one more epoch on these samples; sgd and adam continue with their moments.

        Parameters
        ----------
        X, y, sample_weight, label
            As for `fit`; ``class_weight`` must not be "balanced".
        classes : array, optional
            All classes, or all labels, that any call will have; needed in the first call.
        """
        self._check_parameters()
        if self.class_weight == "balanced":
            raise ValueError("partial_fit needs class_weight as a dict, not 'balanced'.")
        known = self.classes_ if hasattr(self, "coefs_") else None
        kind_of = partial(self._kind_of, classes=classes_of_all_calls(classes, known))
        return self._partial_fit(X, y, sample_weight, label, kind_of)

    def predict(self, X: Any) -> Any:
        """Return the label of each sample, as shape (m,); for Dask collections as a Dask array.

        If y held several labels per sample, return a matrix of shape (m, K) with 1 where the
        probability of a label is above 0.5.
        """
        return self._predictions(self.predict_proba(X))

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, or label, for each sample, as shape (m, K).

        For Dask collections it is a Dask array, which is computed when it is used.

        Parameters
        ----------
        X : array, data frame, sparse matrix, Blocks, str, path, Dask array or Dask data frame
        """
        return self._outputs(X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        *,
        label: Label | None = None,
    ) -> float:
        """Return the share of samples predicted right; a label that fit never saw counts as wrong.

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _predicts(self, y: Any, label: Label | None) -> Predicts:
        has_columns = getattr(y, "ndim", 1) == 2 and y.shape[1] > 1
        is_named = label is not None and not isinstance(label, str) and np.size(label) > 1
        return "labels" if has_columns or is_named else "classes"

    def _check_targets(self, y: Any, X: Any) -> Any:
        return labels_of(y, X, self)

    def _kind_of(self, given: Given, classes: npt.NDArray[Any] | None = None) -> TargetKind:
        found = given.classes if classes is None else classes
        if given.predicts == "values":
            raise ValueError(
                "X holds values; expected classes or labels: MLPRegressor takes values."
            )
        if given.predicts == "classes":
            return ClassTargets(found)
        if len(found) != len(given.names):
            raise ValueError(
                f"classes holds {len(found)} labels, but y has {len(given.names)} columns; "
                "expected one label per column."
            )
        return LabelTargets(found, given.is_sparse)

    def _learn(self, kind: TargetKind) -> None:
        super()._learn(kind)
        self.classes_ = kind.classes  # type: ignore[attr-defined]

    def _to_train(self, given: Given, sample_weight: Any) -> Samples:
        again = bool(self.warm_start) and hasattr(self, "coefs_")
        check_known_classes(given.classes, self.classes_, warm_start=again)
        return given.to_train(self._targets, sample_weight, self.class_weight)

"""The network as scikit-learn's users know it."""

from __future__ import annotations

import warnings
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import assert_all_finite, check_random_state, column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from handgrad import solvers
from handgrad.engines import ENGINE_NAMES, Adam, Sgd, get_engine
from handgrad.estimator.run import STOCHASTIC, History, Run
from handgrad.model import Model
from handgrad.network import Network
from handgrad.rows import PIXEL_SCALE, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine, Moments, Rule

ROW_TYPES = [np.float64, np.float32, np.uint8]


class MLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A two-layer network with scikit-learn's parameters, attributes and methods.

    Parameters have the names, meanings and defaults of `sklearn.neural_network.MLPClassifier`;
    the same ``random_state`` gives the same initial values and the same order of rows. Below
    are those that differ or are new.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of one int
        H; the network has one hidden layer.
    activation : {"relu"}
    solver : {"adam", "sgd", "lbfgs", "gd"}
        "gd" takes ``max_iter`` full-batch steps (U1), whatever ``tol`` is.
    random_state, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
shuffle, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn; ``verbose="bar"`` draws a progress bar.
    class_weight : dict, "balanced" or None
        Weights of the classes, which multiply those of the samples.
    on_iteration : callable, optional
        Called with a `handgrad.solvers.State` after each iteration (of gd: every 50 ms);
        returns True to end the run.
    engine : {"auto", "native", "reference"}
    n_threads : int or None
        By default one for each processor; never changes a bit of the result.

    Attributes
    ----------
    coefs_, intercepts_ : list of two arrays
        W1 and W2 transposed, b1 and b2 flat. Two classes have one logistic output.
    classes_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_, \
n_iter_, t_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn.
    history_ : History
        Cost, accuracy and seconds of every iteration.

    Notes
    -----
    ``uint8`` rows are pixels: they stay bytes and are scaled by 1/255 where they are used, in
    float32. float32 rows are computed with in float32, all others in float64.

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict([[0.0, 1.0], [1.0, 1.0]]).tolist()
    ['yes', 'no']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"relu"})],
        "solver": [StrOptions({"adam", "sgd", "lbfgs", "gd"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(solvers.SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose", StrOptions({"bar"})],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "on_iteration": [callable, None],
        "engine": [StrOptions(set(ENGINE_NAMES))],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

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
        on_iteration: Callable[[solvers.State], bool | None] | None = None,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.on_iteration = on_iteration
        self.engine = engine
        self.n_threads = n_threads

    classes_: npt.NDArray[Any]
    coefs_: list[npt.NDArray[Any]]
    intercepts_: list[npt.NDArray[Any]]
    n_outputs_: int
    n_features_in_: int
    best_loss_: float | None
    best_validation_score_: float | None
    _moments: Moments | None
    _rate: float | None

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train on all samples.

        Parameters
        ----------
        X : array, data frame or SciPy sparse matrix of shape (m, D)
        y : array of shape (m,)
            Labels: numbers, strings or booleans.
        sample_weight : array of shape (m,), optional
        X_val, y_val : like X and y, optional
            Samples whose accuracy is recorded after each epoch of sgd and adam in
            ``validation_scores_``; with ``early_stopping`` they take the place of samples held
            out of X.

        Returns
        -------
        The estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X or y is not as it should be.
        """
        self._check_parameters()
        first = not (self.warm_start and hasattr(self, "coefs_"))
        X = self._rows(X, reset=first)
        codes = self._codes(y, X, first)
        held_out = None
        if (X_val is None) != (y_val is None):
            raise ValueError("Only one of X_val and y_val was given; expected both or neither.")
        if X_val is not None:
            held_out = self._rows(X_val, reset=False), np.asarray(column_or_1d(y_val)), None
        weights = self._weights(sample_weight, X, y)
        self._fit(X, codes, weights, held_out, first)
        return self

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch more on these samples; sgd and adam go on with their moments.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; ``class_weight`` must not be "balanced".
        classes : array, optional
            All classes that there will ever be; needed in the first call.

        Returns
        -------
        The estimator itself.
        """
        self._check_parameters()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.class_weight == "balanced":
            raise ValueError("partial_fit needs class_weight as a dict, not 'balanced'.")
        first = not hasattr(self, "coefs_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = first or classes is None or np.array_equal(self.classes_, np.unique(classes))
        if not known:
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                f"was: {self.classes_!r}"
            )
        X = self._rows(X, reset=first)
        if first:
            self.classes_ = np.unique(np.asarray(classes))
        codes = self._codes(y, X, first=False)
        self._fit(X, codes, self._weights(sample_weight, X, y), None, first, incremental=True)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the label of each sample, as shape (m,)."""
        probabilities = self.predict_proba(X)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the probability of each class for each sample, as shape (m, K)."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        return np.asarray(self._engine().predict_proba(self.network(), rows))

    def predict_log_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: npt.NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    def network(self) -> Network:
        """Return the trained network as a `handgrad.Network`.

        With two classes its first logit is always 0: softmax makes a logistic unit of the other.
        """
        check_is_fitted(self)
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        W2, b2 = W2.T, b2[:, None]
        if self.n_outputs_ == 1 and len(self.classes_) == 2:
            W2, b2 = np.vstack([np.zeros_like(W2), W2]), np.vstack([np.zeros_like(b2), b2])
        return Network(W1.T, b1[:, None], W2, b2)

    def model(self) -> Model:
        """Return the trained network as a `handgrad.model.Model`, with the classes' names."""
        names = tuple(map(str, self.classes_.tolist()))
        scaling = PIXEL_SCALE if self._pixels else 1.0
        return Model(*self.network().parameters, class_names=names, scaling=scaling)

    def _restore(
        self,
        network: Network,
        classes: npt.NDArray[Any],
        *,
        pixels: bool,
        feature_names: list[str] | None,
        attributes: dict[str, Any],
    ) -> None:
        """Become what a file says that this classifier was."""
        if classes.ndim != 1 or len(classes) != network.K:
            raise ValueError(f"{classes.shape} classes for {network.K} outputs")
        self._check_parameters()
        self.classes_, self._pixels, self.n_features_in_ = classes, pixels, network.D
        if feature_names is not None:
            self.feature_names_in_ = np.array(feature_names, dtype=object)
        self._reset()
        self._take(network)
        for name, value in attributes.items():
            setattr(self, name, value)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for sgd and adam; {self.solver} is not stochastic."
            )
        return True

    def _check_parameters(self) -> None:
        if self.activation != "relu":
            raise ValueError(
                f"activation is {self.activation!r}; the hidden units are rectified: "
                "expected 'relu'."
            )
        if len(np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object))) != 1:
            raise ValueError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}; the network has one hidden "
                "layer: expected one number, such as (100,)."
            )
        self._validate_params()
        if self._hidden() < 1:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {self.hidden_layer_sizes!r}.")
        if self.early_stopping and self.solver not in STOCHASTIC:
            raise ValueError(
                f"early_stopping is True with solver={self.solver!r}; expected 'sgd' or 'adam'."
            )

    def _hidden(self) -> int:
        return int(np.atleast_1d(self.hidden_layer_sizes)[0])

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Return X as bytes, float32 or float64; bytes are pixels where fit saw them."""
        X = validate_data(self, X, accept_sparse="csr", dtype=ROW_TYPES, reset=reset)
        pixels = X.dtype == np.uint8
        if reset:
            self._pixels = bool(pixels)
        elif pixels and not self._pixels:
            X = X.astype(self.coefs_[0].dtype)
        elif self._pixels and not pixels and values_of(X).size and values_of(X).max() > 1:
            raise ValueError(
                f"X holds numbers up to {values_of(X).max():g}, but fit was given pixels; "
                "expected uint8 from 0 to 255, or numbers from 0 to 1."
            )
        return X

    def _codes(self, y: Any, X: Any, first: bool) -> npt.NDArray[np.int64]:
        """Return y as numbers of classes; finds the classes in a first fit."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        if np.asarray(y).ndim == 2 and type_of_target(y, input_name="y").startswith("multilabel"):
            raise ValueError("y is multilabel; expected one label a sample.")
        labels = np.asarray(column_or_1d(y, warn=True))
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        if len(labels) != X.shape[0]:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: "
                f"[{X.shape[0]}, {len(labels)}]"
            )
        found = np.unique(labels)
        if first:
            self.classes_ = found
        elif self.warm_start and hasattr(self, "coefs_") and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        elif len(np.setdiff1d(found, self.classes_)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}."
            )
        codes: npt.NDArray[np.int64] = np.searchsorted(self.classes_, labels)
        return codes

    def _weights(self, sample_weight: Any, X: Any, y: Any) -> npt.NDArray[np.float64] | None:
        if sample_weight is None and self.class_weight is None:
            return None
        weights = np.asarray(
            _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        )
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, column_or_1d(y))
        return weights

    def _engine(self) -> Engine:
        return get_engine(self.engine, threads=self.n_threads)

    def _labels(self, network: Network, X: Any) -> npt.NDArray[Any]:
        labels: npt.NDArray[Any] = self.classes_[
            self._engine().predict_proba(network, X).argmax(axis=1)
        ]
        return labels

    def _take(self, network: Network) -> None:
        W1, b1, W2, b2 = network.parameters
        if self.n_outputs_ == 1:
            W2, b2 = W2[-1:], b2[-1:]
        self.coefs_ = [np.array(W1.T), np.array(W2.T)]
        self.intercepts_ = [b1[:, 0].copy(), b2[:, 0].copy()]

    def _initialize(self, X: Any, random: np.random.RandomState) -> None:
        """Draw initial values as scikit-learn does (Glorot & Bengio, 2010)."""
        self._reset()
        dtype = np.float64 if X.dtype == np.float64 else np.float32
        sizes = [self.n_features_in_, self._hidden(), self.n_outputs_]
        self.coefs_, self.intercepts_ = [], []
        for inputs, outputs in pairwise(sizes):
            bound = np.sqrt(6 / (inputs + outputs))
            self.coefs_.append(random.uniform(-bound, bound, (inputs, outputs)).astype(dtype))
            self.intercepts_.append(random.uniform(-bound, bound, outputs).astype(dtype))

    def _reset(self) -> None:
        """Set what follows from the classes, and what a run will add to."""
        classes = len(self.classes_)
        self.n_outputs_ = 1 if classes <= 2 else classes
        self.out_activation_ = "softmax" if classes > 2 else "logistic"
        self.n_layers_ = 3
        self.t_ = 0
        self.loss_curve_: list[float] = []
        self.history_ = History()
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self._patience = solvers.Patience(self.tol, self.n_iter_no_change)
        self._moments, self._rate = None, None

    def _fit(
        self,
        X: Any,
        codes: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64] | None,
        held_out: tuple[Any, npt.NDArray[Any], Any] | None,
        first: bool,
        *,
        incremental: bool = False,
    ) -> None:
        random = check_random_state(self.random_state)
        if first:
            self._initialize(X, random)
        if not incremental:
            self._moments, self._rate = None, None
        if self.early_stopping and held_out is None:
            X, codes, weights, held_out = self._split(X, codes, weights, random)
        run = Run(self, held_out, self._labels)
        try:
            with run.shown():
                iterations = 1 if incremental else self.max_iter
                result = self._solve(X, codes, weights, random, run, iterations)
            self._finish(run, result, len(codes), incremental)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=3)
            self._finish(run, None, len(codes), incremental)
        finite = all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_))
        if not finite:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )

    def _split(
        self, X: Any, codes: Any, weights: Any, random: np.random.RandomState
    ) -> tuple[Any, Any, Any, tuple[Any, npt.NDArray[Any], Any]]:
        """Hold samples out as scikit-learn does: by class where there are two."""
        train, validation = train_test_split(
            np.arange(len(codes)),
            random_state=random,
            test_size=self.validation_fraction,
            stratify=codes if self.n_outputs_ == 1 else None,
        )
        if len(validation) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        held = X[validation], self.classes_[codes[validation]]
        if weights is None:
            return X[train], codes[train], None, (*held, None)
        return X[train], codes[train], weights[train], (*held, weights[validation])

    def _solve(
        self,
        X: Any,
        codes: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64] | None,
        random: np.random.RandomState,
        run: Run,
        iterations: int,
    ) -> solvers.Result:
        common: dict[str, Any] = {
            "alpha": self.alpha,
            "sample_weight": weights,
            "pin_first": len(self.classes_) == 2,
            "on_iteration": run.after,
        }
        given = self._engine(), self.network(), X, codes
        if self.solver == "gd":
            return solvers.gd(
                *given, learning_rate=self.learning_rate_init, iterations=iterations, **common
            )
        if self.solver == "lbfgs":
            return solvers.lbfgs(
                *given, iterations=iterations, evaluations=self.max_fun, tol=self.tol, **common
            )
        return solvers.sgd(
            *given,
            rule=self._rule(),
            schedule=self.learning_rate if self.solver == "sgd" else "constant",
            power_t=self.power_t,
            batch_size=self._batch_size(len(codes)),
            epochs=iterations,
            seed=random if self.shuffle else None,
            patience=self._patience,
            figure=run.figure,
            moments=self._moments,
            samples_seen=self.t_,
            learning_rate=self._rate,
            **common,
        )

    def _rule(self) -> Rule:
        if self.solver == "adam":
            return Adam(self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        return Sgd(self.learning_rate_init, self.momentum, self.nesterovs_momentum)

    def _batch_size(self, m: int) -> int:
        if self.batch_size == "auto":
            return min(200, m)
        if int(self.batch_size) > m:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=5,
            )
        return min(int(self.batch_size), m)

    def _finish(self, run: Run, result: solvers.Result | None, m: int, incremental: bool) -> None:
        """Keep what a run found; without a result it was interrupted."""
        if self.solver in STOCHASTIC:
            self.n_iter_ = run.iterations
            self.t_ += m * run.iterations
        else:
            self.n_iter_ = run.iterations if result is None else len(result.costs)
            if result is not None:
                self.loss_curve_.extend(result.costs.tolist())
        if result is not None:
            self._moments, self._rate = result.moments, result.learning_rate
        network = run.best or (run.last if result is None else result.network)
        if network is not None:
            self._take(network)
        if self.loss_curve_:
            self.loss_ = self.loss_curve_[-1]
            if not self.early_stopping:
                self.best_loss_ = min(self.loss_curve_)
        if result is None or incremental or self.solver == "gd":
            return
        if not result.converged:
            warnings.warn(
                f"{self.solver}: the maximum of {self.n_iter_} iterations was reached and the "
                "optimization has not converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

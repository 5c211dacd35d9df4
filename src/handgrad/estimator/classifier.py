"""The network with scikit-learn's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from handgrad import solvers
from handgrad.engines.dask.collections import is_collection
from handgrad.engines.threads import check_threads
from handgrad.estimator.base import BaseMLP
from handgrad.estimator.blocks import LabelledBlocks, has_label_column, is_beyond_memory, opened
from handgrad.estimator.collections import labels_of_classes
from handgrad.estimator.fitting import Memory, as_network, glorot_values
from handgrad.estimator.parameters import CONSTRAINTS, check_network, hidden_units, stops_early
from handgrad.estimator.record import FitHistory
from handgrad.estimator.samples import LabelledArrays
from handgrad.estimator.targets import check_classes, check_same_classes, labels_of
from handgrad.evaluation import predicted_probabilities
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.estimator.samples import Labelled, Samples
    from handgrad.network import Network


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
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
        "gd" takes ``max_iter`` full-batch steps (U1), whatever ``tol`` is. Like "lbfgs", it
        ignores ``early_stopping``.
    random_state, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, \
shuffle, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in scikit-learn; ``verbose="bar"`` draws a progress bar.
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
    coefs_, intercepts_ : list of two arrays
        W1 and W2 transposed, b1 and b2 flat. Two classes have one logistic output.
    classes_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_, \
n_iter_, t_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn.
    history_ : FitHistory
        Cost, accuracy and seconds of every iteration.

    See Also
    --------
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    loss: ClassVar[str] = "log_loss"

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
        pixels: bool = False,
        on_iteration: Callable[[solvers.Iteration], bool | None] | None = None,
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
        self.pixels = pixels
        self.on_iteration = on_iteration
        self.engine = engine
        self.n_threads = n_threads

    classes_: npt.NDArray[Any]
    n_outputs_: int

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        label: str | None = None,
    ) -> Self:
        """Train on all samples.

        Parameters
        ----------
        X : array, data frame or SciPy sparse matrix of shape (m, D), Blocks, address, or collection
            Blocks hold rows beyond memory, with their labels. The address of files, a str or a
            path, is opened by `handgrad.data.open_blocks`. The engine "dask" also takes a Dask
            array or data frame.
        y : array of shape (m,)
            Labels: numbers, strings or booleans. None with blocks and files.
        sample_weight : array of shape (m,), optional
        X_val, y_val : like X and y, optional
            Samples whose accuracy is recorded after each iteration in ``validation_scores_``.
            ``early_stopping`` uses them instead of holding out samples of X.
        label : str, optional
            The column of the labels in files, or in a Dask data frame without y: "label" unless
            said.

        Raises
        ------
        ValueError
            If a parameter, X or y is invalid.

        Notes
        -----
        ``early_stopping`` holds out every n-th row of each class of blocks, where n is
        1 / ``validation_fraction``, rounded; no row is drawn at random.
        """
        self._check_parameters()
        if (X_val is None) != (y_val is None) and not is_beyond_memory(X_val):
            raise ValueError("Only one of X_val and y_val was given; expected both or neither.")
        first = not (self.warm_start and hasattr(self, "coefs_"))
        with self._engine() as engine:
            given = self._labelled(X, y, label, engine, reset=first)
            if first:
                self.classes_ = given.classes
            samples, held_out = self._samples(given, sample_weight), None
            if X_val is not None:
                column = label if has_label_column(X_val, y_val) else None
                given = self._labelled(X_val, y_val, column, engine, reset=False)
                held_out = given.to_score(self.classes_)
            self._fit(engine, samples, held_out, first=first, iterations=self.max_iter)
        return self

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
        *,
        label: str | None = None,
    ) -> Self:
        """Train for one more epoch on these samples; sgd and adam continue with their moments.

        Parameters
        ----------
        X, y, sample_weight, label
            As for `fit`; ``class_weight`` must not be "balanced".
        classes : array, optional
            All classes that any call will have; needed in the first call.
        """
        self._check_parameters()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.class_weight == "balanced":
            raise ValueError("partial_fit needs class_weight as a dict, not 'balanced'.")
        first = not hasattr(self, "coefs_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not first and classes is not None:
            check_same_classes(classes, self.classes_)
        with self._engine() as engine:
            given = self._labelled(X, y, label, engine, reset=first)
            if first:
                self.classes_ = unique_labels(classes)
            samples = self._samples(given, sample_weight)
            self._fit(engine, samples, None, first=first, iterations=1, incremental=True)
        return self

    def predict(self, X: Any) -> Any:
        """Return the label of each sample, as shape (m,); for Dask collections as a Dask array."""
        probabilities = self.predict_proba(X)
        if is_collection(probabilities):
            return labels_of_classes(probabilities, self.classes_)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each sample, as shape (m, K).

        For Dask collections it is a Dask array, which is computed when it is used.

        Parameters
        ----------
        X : array, data frame, sparse matrix, Blocks, str, path, Dask array or Dask data frame
        """
        check_is_fitted(self)
        network = self._network()
        with self._engine() as engine:
            if is_collection(X):
                return engine.predict_proba(network, self._collection(X, engine))
            blocks = opened(X, None, None, engine)
            if blocks is None:
                return np.asarray(engine.predict_proba(network, self._rows(X, reset=False)))
            blocks = self._blocks(blocks, reset=False)
            return predicted_probabilities(network, blocks, engine=engine)

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
        label: str | None = None,
    ) -> float:
        """Return the share of samples predicted right; a label that fit never saw counts as wrong.

        Parameters
        ----------
        X, y, sample_weight, label
            As for `fit`. If files name their parts, the training part is scored; score the test
            part by its own address, or as `Blocks.test_part` returns it.
        """
        check_is_fitted(self)
        if not is_beyond_memory(X):
            return float(super().score(X, y, sample_weight))
        with self._engine() as engine:
            given = self._labelled(X, y, label, engine, reset=False)
            samples = given.to_score(self.classes_, sample_weight)
            return samples.accuracy(self._network(), engine)

    def network(self) -> Network:
        """Return the trained network as a `handgrad.Network`, whose output is a softmax.

        With two classes its first logit is always 0, and the other is that of the logistic output.
        """
        check_is_fitted(self)
        return self._network().as_softmax()

    def model(self) -> Model:
        """Return the trained network as a `handgrad.model.Model`, with the classes' names."""
        features = getattr(self, "feature_names_in_", None)
        return Model(
            *self.network().parameters,
            class_names=tuple(map(str, self.classes_.tolist())),
            scaling=PIXEL_SCALE if self._pixels else 1.0,
            pixels=self._pixels,
            feature_names=None if features is None else tuple(map(str, features)),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_parameters(self) -> None:
        check_network(self.activation, self.hidden_layer_sizes)
        self._validate_params()
        hidden_units(self.hidden_layer_sizes)
        check_threads(self.n_threads)

    def _labelled(
        self, X: Any, y: Any, label: str | None, engine: Engine, *, reset: bool
    ) -> Labelled:
        """Return rows and labels as fit uses them."""
        blocks = opened(X, y, label, engine)
        if blocks is not None:
            return LabelledBlocks(self._blocks(blocks, reset=reset))
        X = self._rows(X, reset=reset)
        return LabelledArrays(X, labels_of(y, X))

    def _samples(self, given: Labelled, sample_weight: Any) -> Samples:
        again = bool(self.warm_start) and hasattr(self, "coefs_")
        check_classes(given.classes, self.classes_, warm_start=again)
        return given.to_train(sample_weight, self.class_weight, self.classes_)

    def _fit(
        self,
        engine: Engine,
        samples: Samples,
        held_out: Samples | None,
        *,
        first: bool,
        iterations: int,
        incremental: bool = False,
    ) -> None:
        random = check_random_state(self.random_state)
        if first:
            self._initialize(random)
        if stops_early(self) and held_out is None:
            stratify = self.classes_ if self.n_outputs_ == 1 else None
            samples, held_out = samples.hold_out(
                self.validation_fraction, random, stratify=stratify
            )
        self._train(engine, self._network(), samples, held_out, random, iterations, incremental)

    def _initialize(self, random: np.random.RandomState) -> None:
        self._reset()
        sizes = self.n_features_in_, hidden_units(self.hidden_layer_sizes), self.n_outputs_
        self.coefs_, self.intercepts_ = glorot_values(sizes, self._float_type, random)

    def _reset(self) -> None:
        """Set what the classes determine, and empty what a run adds to."""
        classes, is_scored = len(self.classes_), stops_early(self)
        self.n_outputs_ = 1 if classes <= 2 else classes
        self.out_activation_ = "softmax" if classes > 2 else "logistic"
        self.n_layers_ = 3
        self.t_ = 0
        self.loss_curve_: list[float] = []
        self.history_ = FitHistory()
        self.best_loss_ = None if is_scored else np.inf
        self.validation_scores_: list[float] | None = [] if is_scored else None
        self.best_validation_score_ = -np.inf if is_scored else None
        self._memory = Memory(solvers.Patience())

    def _network(self) -> Network:
        return as_network(self.coefs_, self.intercepts_, classes=len(self.classes_))

    def _restore(
        self,
        network: Network,
        classes: npt.NDArray[Any],
        *,
        pixels: bool,
        feature_names: list[str] | None,
        attributes: dict[str, Any],
        waited: int,
    ) -> None:
        """Restore a classifier that was read from a file."""
        self._check_parameters()
        self.classes_, self.n_features_in_ = classes, network.D
        self._pixels, self._float_type = pixels, network.dtype
        if feature_names is not None:
            self.feature_names_in_ = np.array(feature_names, dtype=object)
        self._reset()
        self._take(network)
        if self.n_outputs_ < network.K:  # for two classes, files hold a softmax of two rows
            self.coefs_[-1], self.intercepts_[-1] = self.coefs_[-1][:, 1:], self.intercepts_[-1][1:]
        for name, value in attributes.items():
            setattr(self, name, value)
        best = self.best_validation_score_ if stops_early(self) else self.best_loss_
        if best is not None:
            self._memory.patience.best = -best if stops_early(self) else best
        self._memory.patience.waited = waited

"""What all estimators share: fits, the outputs of the network, and the estimator as a value."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from handgrad.engines.dask.collections import is_collection
from handgrad.engines.threads import check_threads
from handgrad.estimator.blocks import has_label_column, is_address, is_beyond_memory, opened
from handgrad.estimator.callbacks import CallbackSupportMixin, fit_task, with_callbacks
from handgrad.estimator.collections import predictions_of
from handgrad.estimator.parameters import (
    check_same_loss,
    check_same_sizes,
    hidden_sizes,
    stops_early,
)
from handgrad.estimator.state import COUNTS, CURVES, FIGURES, EstimatorState
from handgrad.estimator.training import TrainsNetwork
from handgrad.estimator.validation import scorer_of
from handgrad.evaluation import predicted_outputs
from handgrad.model import Model
from handgrad.rows import PIXEL_SCALE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.estimator.blocks import Label
    from handgrad.estimator.callbacks import FitTask
    from handgrad.estimator.samples import Given, Samples
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.network import Network


def check_validation(X_val: Any, y_val: Any, sample_weight_val: Any) -> None:
    """Raise a ValueError unless a validation set is whole."""
    if (X_val is None) != (y_val is None) and not is_beyond_memory(X_val):
        raise ValueError("Only one of X_val and y_val was given; expected both or neither.")
    if sample_weight_val is not None and X_val is None:
        raise ValueError("sample_weight_val was given without X_val; expected both or neither.")


class BaseMLP(CallbackSupportMixin, TrainsNetwork):  # type: ignore[misc]
    """A multi-layer perceptron with scikit-learn's interface."""

    _kinds: ClassVar[tuple[type[TargetKind], ...]]
    """The kinds of targets that it predicts."""
    loss: str

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: npt.ArrayLike | None = None,
        label: Label | None = None,
    ) -> Self:
        """Train on all samples.

        Parameters
        ----------
        X : array, data frame or SciPy sparse matrix of shape (m, D), Blocks, address, or collection
            Blocks hold rows beyond memory, with their targets. The address of files, a str or a
            path, is opened by `handgrad.data.open_blocks`. The engine "dask" also takes a Dask
            array or data frame.
        y : array of shape (m,) or (m, K)
            For a classifier, the labels: numbers, strings or booleans; or a matrix, which may be
            sparse, with 1 where a sample has one of K labels. For a regressor, one value per
            sample, or K values. None with blocks and files.
        sample_weight : array of shape (m,), optional
        X_val, y_val : like X and y, optional
            Samples whose score and loss are recorded after each iteration in
            ``validation_scores_`` and ``validation_loss_curve_``. ``early_stopping`` uses them
            instead of holding out samples of X.
        sample_weight_val : array, optional
            Weights of these samples.
        label : str or sequence of str, optional
            The column of the targets in files, or in a Dask data frame without y: "label" unless
            said. Several columns are several labels or values.

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
        check_validation(X_val, y_val, sample_weight_val)
        first = not (self.warm_start and hasattr(self, "coefs_"))
        with (
            fit_task(self, X, y, sample_weight, self.max_iter) as task,
            self._engine() as engine,
        ):
            given = self._given(X, y, label, engine, reset=first)
            if first:
                self._learn(self._kind_of(given))
            samples, held_out = self._to_train(given, sample_weight), None
            if X_val is not None:
                column = label if has_label_column(X_val, y_val) else None
                given = self._given(X_val, y_val, column, engine, reset=False)
                held_out = given.to_score(self._targets, sample_weight_val)
            self._fit(engine, samples, held_out, task, first=first)
        return self

    @with_callbacks
    def _partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None,
        label: Label | None,
        kind_of: Callable[[Given], TargetKind],
    ) -> Self:
        """Train for one more epoch; the first call learns the kind of its targets.

        The caller has checked the parameters.
        """
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_")
        with fit_task(self, X, y, sample_weight, 1) as task, self._engine() as engine:
            given = self._given(X, y, label, engine, reset=first)
            if first:
                self._learn(kind_of(given))
            samples = self._to_train(given, sample_weight)
            self._fit(engine, samples, None, task, first=first, incremental=True)
        return self

    def _check_solver(self) -> bool:
        if self.solver not in ("sgd", "adam"):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def _check_parameters(self) -> None:
        self._validate_params()
        hidden_sizes(self.hidden_layer_sizes)
        check_threads(self.n_threads)
        scorer_of(self.scoring)

    @abstractmethod
    def _kind_of(self, given: Given) -> TargetKind:
        """Return what a first fit learns from its targets."""

    def _learn(self, kind: TargetKind) -> None:
        self._targets = kind

    @abstractmethod
    def _to_train(self, given: Given, sample_weight: Any) -> Samples:
        """Return samples to train on, after a check that the targets are of the known kind."""

    def _fit(
        self,
        engine: Engine,
        samples: Samples,
        held_out: Samples | None,
        task: FitTask,
        *,
        first: bool,
        incremental: bool = False,
    ) -> None:
        random = check_random_state(self.random_state)
        if first:
            self._initialize(random)
        else:
            check_same_sizes(self.hidden_layer_sizes, self._network().hidden)
            check_same_loss(self.loss, self._targets.objective(self.alpha).loss)
        if stops_early(self) and held_out is None:
            samples, held_out = samples.hold_out(self.validation_fraction, random)
        self._train(engine, samples, held_out, random, task, incremental)

    def _outputs(self, X: Any) -> Any:
        """Return the network's outputs, as (m, columns); for a Dask collection as a Dask array."""
        check_is_fitted(self)
        network = self._network()
        with self._engine() as engine:
            if is_collection(X):
                return engine.outputs(network, self._collection(X, engine))
            predicts = self._targets.predicts
            columns = self._targets.names if is_address(X) and predicts != "classes" else None
            blocks = opened(X, None, columns, engine, predicts)
            if blocks is None:
                return np.asarray(engine.outputs(network, self._rows(X, reset=False)))
            return predicted_outputs(network, self._blocks(blocks, reset=False), engine=engine)

    def _predictions(self, outputs: Any) -> Any:
        """Return what the network's outputs predict; for a Dask array as a Dask array."""
        if is_collection(outputs):
            return predictions_of(outputs, self._targets)
        return self._targets.predictions(outputs)

    def _score_beyond_memory(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None, label: Label | None
    ) -> float:
        check_is_fitted(self)
        with self._engine() as engine:
            given = self._given(X, y, label, engine, reset=False)
            samples = given.to_score(self._targets, sample_weight)
            return samples.score(self._network(), engine)

    def network(self) -> Network:
        """Return the trained network as a `handgrad.Network`; classes have a softmax output.

        With two classes, the first logit is always 0, and the second is the logistic output's.
        """
        check_is_fitted(self)
        return self._targets.as_shown(self._network())

    def model(self) -> Model:
        """Return the trained network as a `handgrad.model.Model`, with the names of its outputs."""
        features = getattr(self, "feature_names_in_", None)
        return Model.of(
            self.network(),
            class_names=self._targets.names,
            scaling=PIXEL_SCALE if self._pixels else 1.0,
            pixels=self._pixels,
            feature_names=None if features is None else tuple(map(str, features)),
        )

    def state(self) -> EstimatorState:
        """Return all that is left of the fits, as a value that `from_state` takes.

        Raises
        ------
        TypeError, ValueError
            If the parameters were changed since, so that they are no longer valid.
        """
        self._check_parameters()
        names = getattr(self, "feature_names_in_", None)
        kept = {
            name: getattr(self, name) for name in COUNTS + FIGURES + CURVES if hasattr(self, name)
        }
        return EstimatorState(
            parameters=_without_functions(self.get_params()),
            network=self.network(),
            kind=self._targets,
            pixels=self._pixels,
            feature_names=None if names is None else tuple(names.tolist()),
            attributes=kept,
            history=self.history_,
            waited=self._memory.patience.waited,
        )

    @classmethod
    def from_state(cls, state: EstimatorState) -> Self:
        """Return the estimator of a state.

        Raises
        ------
        TypeError, ValueError
            If the parameters are not valid, or if the network is not one of such an estimator.
        """
        estimator = cls(**state.parameters)
        estimator._check_parameters()
        if not isinstance(state.kind, cls._kinds):
            raise TypeError(f"The state holds {state.kind.predicts}, which {cls.__name__} lacks.")
        network = state.kind.as_trained(state.network)
        _check_network(network, state, estimator.activation)
        estimator._learn(state.kind)
        estimator.n_features_in_ = network.D
        estimator._pixels, estimator._float_type = state.pixels, network.dtype
        if state.feature_names is not None:
            estimator.feature_names_in_ = np.array(state.feature_names, dtype=object)
        estimator._reset()
        estimator._take(network)
        estimator.n_layers_ = len(network.layers) + 1
        estimator.history_ = state.history
        estimator.__dict__.update(state.attributes)
        estimator._memory.patience.best = estimator._best_figure
        estimator._memory.patience.waited = state.waited
        return estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _check_network(network: Network, state: EstimatorState, activation: str) -> None:
    """Raise a ValueError unless the network of a state is one that such an estimator trains."""
    given, kind = state.network, state.kind
    pairs = zip(kind.as_shown(network).parameters, given.parameters, strict=True)
    is_whole = all(np.array_equal(one, other) for one, other in pairs)
    is_of_kind = (network.output, network.K) == (kind.output, kind.outputs)
    if not (is_whole and is_of_kind) or (given.hidden and given.activation != activation):
        raise ValueError(
            f"The network is {given!r} with the output {given.output}; expected one of "
            f"{activation} units that predicts {len(kind.names)} {kind.predicts}."
        )


def _without_functions(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: None if callable(value) else value for name, value in parameters.items()}

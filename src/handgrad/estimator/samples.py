"""The samples of a fit: rows and targets as they were given, then encoded and with weights.

They lie in memory, as here, or in blocks (`handgrad.estimator.blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from handgrad.estimator.target_kinds import TargetKind, weighted_classes
from handgrad.estimator.targets import check_class_weights, classes_of, is_multilabel
from handgrad.rows import Bytes, is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data import Predicts
    from handgrad.engines import Engine, Objective, Session
    from handgrad.network import Network

TOO_FEW_HELD_OUT = (
    "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
)
NO_WEIGHT = "The weights of all samples to score are 0; expected one above 0."


class Samples(Protocol):
    """Rows with encoded targets, and weights."""

    @property
    def m(self) -> int:
        """Number of samples."""

    @property
    def has_unknown(self) -> bool:
        """Whether a sample has a class that fit never saw."""

    def session(self, engine: Engine, objective: Objective) -> Session:
        """Return a session over the samples."""

    def score(self, network: Network, engine: Engine) -> float:
        """Return accuracy or R² of a network."""

    def in_memory(self) -> tuple[Any, Any, npt.NDArray[np.float64] | None]:
        """Return rows, targets and weights as a scorer takes them, or raise a ValueError."""

    def hold_out(self, fraction: float, random: np.random.RandomState) -> tuple[Samples, Samples]:
        """Return the samples without a share of them, and that share.

        The same share of each of two classes is held out. A ValueError says that there are too
        few samples.
        """


class Given(Protocol):
    """Rows and targets as they were given, after checks."""

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted; of several labels per sample their numbers."""

    @property
    def predicts(self) -> Predicts:
        """The kind of the targets; arrays in memory count as classes or labels."""

    @property
    def is_sparse(self) -> bool:
        """Whether several labels are a sparse matrix."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name per label or value, or per class."""

    def to_train(self, kind: TargetKind, sample_weight: Any, class_weight: Any) -> Samples:
        """Return samples to train on; all labels must be among those that the kind knows."""

    def to_score(self, kind: TargetKind, sample_weight: Any = None) -> Samples:
        """Return samples to score; a label that the kind does not know is predicted wrong."""


class ArraySamples(NamedTuple):
    """Rows, their targets as given and as an engine takes them, and their weights."""

    kind: TargetKind
    X: Any
    y: Any
    encoded: npt.NDArray[Any]
    weights: npt.NDArray[np.float64] | None = None

    @property
    def m(self) -> int:
        """Number of samples."""
        return len(self.encoded)

    @property
    def has_unknown(self) -> bool:
        """Whether a sample has a class that fit never saw."""
        return self.kind.predicts == "classes" and bool((self.encoded < 0).any())

    def session(self, engine: Engine, objective: Objective) -> Session:
        """Return a session over the samples."""
        return engine.session(self.X, self.encoded, objective, self.weights)

    def score(self, network: Network, engine: Engine) -> float:
        """Return accuracy or R² of a network."""
        if self.weights is not None and not self.weights.any():
            raise ValueError(NO_WEIGHT)
        return self.kind.score(self.encoded, engine.outputs(network, self.X), self.weights)

    def in_memory(self) -> tuple[Any, Any, npt.NDArray[np.float64] | None]:
        """Return rows, targets and weights as a scorer takes them."""
        X = self.X.values if isinstance(self.X, Bytes) else self.X
        return X, self.y, self.weights

    def hold_out(
        self, fraction: float, random: np.random.RandomState
    ) -> tuple[ArraySamples, ArraySamples]:
        """Hold out a share of the samples, drawn as scikit-learn draws them; see `Samples`."""
        from sklearn.model_selection import train_test_split  # slow to import, and rarely needed

        try:
            train, held_out = train_test_split(
                np.arange(self.m),
                random_state=random,
                test_size=fraction,
                stratify=self.kind.strata(self.encoded),
            )
        except ValueError as error:
            raise ValueError(f"{error}{self._meaning_of_strata(str(error))}") from None
        if len(held_out) < 2:
            raise ValueError(TOO_FEW_HELD_OUT)
        return self._only(train), self._only(held_out)

    def _meaning_of_strata(self, message: str) -> str:
        """Say which class scikit-learn's message calls True, and which False."""
        names = self.kind.names
        if not ("True" in message or "False" in message) or len(names) != 2:
            return ""
        return f" (False is {names[0]!r}, and True is {names[1]!r}.)"

    def _only(self, rows: npt.NDArray[np.int64]) -> ArraySamples:
        weights = None if self.weights is None else self.weights[rows]
        return ArraySamples(self.kind, self.X[rows], self.y[rows], self.encoded[rows], weights)


@dataclass(frozen=True, eq=False)
class GivenArrays:
    """Rows in memory, and their targets; see `Given`."""

    X: Any
    y: Any
    columns: tuple[str, ...] | None = None
    """The names of y's columns, if y is a data frame or a series with different names."""

    @cached_property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted; of several labels per sample their numbers."""
        return classes_of(self.y)

    @property
    def predicts(self) -> Predicts:
        """Labels if y is a matrix, otherwise classes; a regressor does not ask."""
        return "labels" if is_multilabel(self.y) else "classes"

    @property
    def is_sparse(self) -> bool:
        """Whether several labels are a sparse matrix."""
        return is_sparse(self.y)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of y's columns; otherwise the numbers of labels or values."""
        return self.columns or tuple(map(str, range(1 if self.y.ndim == 1 else self.y.shape[1])))

    def to_train(self, kind: TargetKind, sample_weight: Any, class_weight: Any) -> ArraySamples:
        """Return samples to train on.

        Examples
        --------
        >>> from handgrad.estimator.target_kinds import ClassTargets
        >>> labels = np.array(["a", "b"])
        >>> given = GivenArrays(np.eye(2), labels)
        >>> given.to_train(ClassTargets(labels), [1, 2], {"b": 3}).weights
        array([1., 6.])
        """
        samples = self.to_score(kind, sample_weight)
        if class_weight is None:
            return samples
        classes = weighted_classes(kind)
        of_classes = compute_class_weight(class_weight, classes=classes, y=self.y)
        check_class_weights(of_classes[np.unique(samples.encoded)])
        of_samples = _row_weights(sample_weight, self.X) * of_classes[samples.encoded]
        return samples._replace(weights=of_samples)

    def to_score(self, kind: TargetKind, sample_weight: Any = None) -> ArraySamples:
        """Return samples to score.

        Examples
        --------
        >>> from handgrad.estimator.target_kinds import ClassTargets
        >>> known = ClassTargets(np.array(["a", "b"]))
        >>> GivenArrays(np.eye(2), np.array(["b", "c"])).to_score(known).encoded
        array([ 1, -1])
        """
        weights = None if sample_weight is None else _row_weights(sample_weight, self.X)
        return ArraySamples(kind, self.X, self.y, kind.encoded(self.y), weights)


def _row_weights(sample_weight: Any, X: Any) -> npt.NDArray[np.float64]:
    checked = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return np.asarray(checked)

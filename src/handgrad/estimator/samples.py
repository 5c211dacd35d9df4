"""The samples of a fit: rows and labels as they were given, then with weights and class numbers.

They lie in memory, as here, or in blocks (`handgrad.estimator.blocks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import _check_sample_weight

from handgrad.estimator.targets import codes_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine, Objective, Session
    from handgrad.network import Network

TOO_FEW_HELD_OUT = (
    "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
)


class Samples(Protocol):
    """Rows with the numbers of their classes, and weights."""

    @property
    def m(self) -> int:
        """Number of samples."""

    def session(self, engine: Engine, objective: Objective) -> Session:
        """Return a session over the samples."""

    def accuracy(self, network: Network, engine: Engine) -> float:
        """Return the share of the weights whose samples are predicted right."""

    def hold_out(
        self,
        fraction: float,
        random: np.random.RandomState,
        *,
        stratify: npt.NDArray[Any] | None,
    ) -> tuple[Samples, Samples]:
        """Return the samples without a share of them, and that share.

        ``stratify`` holds the K classes, and then the same share of each class is held out. A
        ValueError says that there are too few samples.
        """


class Labelled(Protocol):
    """Rows and labels as they were given."""

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted."""

    def to_train(self, sample_weight: Any, class_weight: Any, classes: npt.NDArray[Any]) -> Samples:
        """Return samples to train on; all labels must be among the classes."""

    def to_score(self, classes: npt.NDArray[Any], sample_weight: Any = None) -> Samples:
        """Return samples to score; a label that is not among the classes is predicted wrong."""


class WeightedSamples(NamedTuple):
    """Rows, the number of each one's class (-1 for one that fit never saw), and its weight."""

    X: Any
    codes: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None = None

    @property
    def m(self) -> int:
        """Number of samples."""
        return len(self.codes)

    def session(self, engine: Engine, objective: Objective) -> Session:
        """Return a session over the samples."""
        return engine.session(self.X, self.codes, objective, self.weights)

    def accuracy(self, network: Network, engine: Engine) -> float:
        """Return the share of the weights whose samples are predicted right."""
        found = engine.predict_proba(network, self.X).argmax(axis=1)
        right: npt.NDArray[np.bool_] = found == self.codes
        return float(np.average(right, weights=self.weights))

    def hold_out(
        self,
        fraction: float,
        random: np.random.RandomState,
        *,
        stratify: npt.NDArray[Any] | None,
    ) -> tuple[WeightedSamples, WeightedSamples]:
        """Hold out a share of the samples, drawn as scikit-learn draws them; see `Samples`."""
        from sklearn.model_selection import train_test_split  # slow to import, and rarely needed

        train, held_out = train_test_split(
            np.arange(self.m),
            random_state=random,
            test_size=fraction,
            stratify=None if stratify is None else stratify[self.codes],
        )
        if len(held_out) < 2:
            raise ValueError(TOO_FEW_HELD_OUT)
        return self._only(train), self._only(held_out)

    def _only(self, rows: npt.NDArray[np.int64]) -> WeightedSamples:
        weights = None if self.weights is None else self.weights[rows]
        return WeightedSamples(self.X[rows], self.codes[rows], weights)


class LabelledArrays(NamedTuple):
    """Rows in memory, and one label per row; see `Labelled`."""

    X: Any
    labels: npt.NDArray[Any]

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The distinct labels, sorted."""
        classes: npt.NDArray[Any] = unique_labels(self.labels)
        return classes

    def to_train(
        self, sample_weight: Any, class_weight: Any, classes: npt.NDArray[Any]
    ) -> WeightedSamples:
        """Return samples to train on.

        Examples
        --------
        >>> labels = np.array(["a", "b"])
        >>> LabelledArrays(np.eye(2), labels).to_train([1, 2], {"b": 3}, labels).weights
        array([1., 6.])
        """
        codes = codes_of(self.labels, classes)
        if sample_weight is None and class_weight is None:
            return WeightedSamples(self.X, codes)
        weights = _row_weights(sample_weight, self.X)
        if class_weight is not None:
            of_classes = compute_class_weight(class_weight, classes=classes, y=self.labels)
            weights = weights * of_classes[codes]
        return WeightedSamples(self.X, codes, weights)

    def to_score(self, classes: npt.NDArray[Any], sample_weight: Any = None) -> WeightedSamples:
        """Return samples to score.

        Examples
        --------
        >>> known = np.array(["a", "b"])
        >>> LabelledArrays(np.eye(2), np.array(["b", "c"])).to_score(known).codes
        array([ 1, -1])
        """
        weights = None if sample_weight is None else _row_weights(sample_weight, self.X)
        return WeightedSamples(self.X, codes_of(self.labels, classes), weights)


def _row_weights(sample_weight: Any, X: Any) -> npt.NDArray[np.float64]:
    checked = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return np.asarray(checked)

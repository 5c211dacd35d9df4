"""How well a network does on labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import DataError
from handgrad.objective import Objective

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.network import Matrix, Network


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Cost, and counts of predictions by class, on m labelled rows."""

    cost: float
    """C1 on the rows."""
    confusion: npt.NDArray[np.int64]
    """(K, K): entry (k, j) counts the samples of class k that were predicted as class j."""

    @property
    def samples(self) -> int:
        """Number of samples, m."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of samples predicted right."""
        return float(np.trace(self.confusion) / self.samples)

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """(K,): samples of each class."""
        counts: npt.NDArray[np.int64] = self.confusion.sum(axis=1)
        return counts

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right predictions among those of a class; 0 if there are none."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right predictions among the samples of a class; 0 if it has none."""
        return _ratio(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """(K,): harmonic mean of precision and recall; 0 if both are 0."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain numbers and lists, ready for JSON."""
        figures = {"accuracy": self.accuracy, "cost": self.cost, "samples": self.samples}
        arrays = ("confusion", "precision", "recall", "f1")
        return figures | {name: getattr(self, name).tolist() for name in arrays}


def evaluate(network: Network, X: npt.ArrayLike, y: npt.ArrayLike, *, engine: Engine) -> Evaluation:
    """Compare a network's predictions (F5) with the labels.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    y : array of shape (m,)
        Integer labels.
    engine : Engine

    Raises
    ------
    ShapeError
        If X or y does not fit the network.
    DataError
        If the network's numbers overflow on some samples; see `predicted_probabilities`.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network(W1=np.eye(2), b1=np.zeros((2, 1)), W2=np.eye(2), b2=np.zeros((2, 1)))
    >>> result = evaluate(network, [[3.0, 1.0], [2.0, 1.0]], [0, 1], engine=get_engine())
    >>> result.accuracy, result.confusion.tolist()
    (0.5, [[1, 0], [1, 0]])
    """
    cost = engine.session(X, y, Objective(network.output)).cost(network)
    predicted = predicted_probabilities(network, X, engine=engine).argmax(axis=1)
    confusion = np.zeros((network.classes, network.classes), dtype=np.int64)
    np.add.at(confusion, (np.asarray(y), predicted), 1)
    return Evaluation(cost, confusion)


def predicted_probabilities(network: Network, X: npt.ArrayLike, *, engine: Engine) -> Matrix:
    """Return A2 as shape (m, K), or raise a DataError if some of it is not a number.

    If the logits of a sample overflow, no probability is the largest, and nothing is predicted.
    """
    probabilities = engine.predict_proba(network, X)
    lost = len(probabilities) - int(np.isfinite(probabilities).all(axis=1).sum())
    if lost:
        raise DataError(
            f"The network's numbers overflow {network.dtype} on {lost:,} of "
            f"{len(probabilities):,} samples, so that it predicts nothing there; expected smaller "
            "weights or features: scale the features to about 1, and train with a lower learning "
            "rate."
        )
    return probabilities


def _ratio(
    part: npt.NDArray[np.number[Any]], whole: npt.NDArray[np.number[Any]]
) -> npt.NDArray[np.float64]:
    ratio = np.zeros(part.shape)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio

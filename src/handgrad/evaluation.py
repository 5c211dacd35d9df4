"""How well a network does on labelled rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data import Blocks
from handgrad.engines.blocks import check_no_labels
from handgrad.engines.leaves import Problem
from handgrad.errors import DataError
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.network import Labels, Matrix, Network


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


def evaluate(
    network: Network, X: npt.ArrayLike | Blocks, y: npt.ArrayLike | None, *, engine: Engine
) -> Evaluation:
    """Compare a network's predictions (F5) with the labels.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D), or Blocks
        Of blocks, no more than a few leaves are in memory at a time.
    y : array of shape (m,)
        Integer labels; None with blocks, which hold their labels.
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
    if isinstance(X, Blocks):
        return _evaluate_blocks(network, X, y, engine)
    cost = engine.session(X, y, Objective(network.output)).cost(network)
    predicted = predicted_probabilities(network, X, engine=engine).argmax(axis=1)
    confusion = np.zeros((network.classes, network.classes), dtype=np.int64)
    np.add.at(confusion, (np.asarray(y), predicted), 1)
    return Evaluation(cost, confusion)


def _evaluate_blocks(
    network: Network, blocks: Blocks, y: npt.ArrayLike | None, engine: Engine
) -> Evaluation:
    check_no_labels(y)
    Problem(blocks, Objective(network.output)).check(network)
    leaves = list(engine.map_leaves(partial(_evaluate_leaf, network), blocks))
    losses = math.fsum(leaf.cost * leaf.samples for leaf in leaves)
    confusion = np.sum([leaf.confusion for leaf in leaves], axis=0)
    return Evaluation(losses / int(confusion.sum()), confusion)


def _evaluate_leaf(network: Network, engine: Engine, X: Any, y: Labels) -> Evaluation:
    return evaluate(network, X, y, engine=engine)


def predicted_probabilities(
    network: Network, X: npt.ArrayLike | Blocks, *, engine: Engine
) -> Matrix:
    """Return A2 as shape (m, K), or raise a DataError if some of it is not a number.

    If the logits of a sample overflow, no probability is the largest, and nothing is predicted.
    """
    if isinstance(X, Blocks):
        leaves = engine.map_leaves(partial(_probabilities_of_leaf, network), X)
        return np.concatenate(list(leaves))
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


def predicted_classes(
    network: Network, blocks: Blocks, *, engine: Engine
) -> Generator[tuple[Labels, Labels]]:
    """Yield the labels of each leaf, and the predictions (F5) of its rows."""
    return engine.map_leaves(partial(_classes_of_leaf, network), blocks)


def _probabilities_of_leaf(network: Network, engine: Engine, X: Any, _: Labels) -> Matrix:
    return predicted_probabilities(network, X, engine=engine)


def _classes_of_leaf(network: Network, engine: Engine, X: Any, y: Labels) -> tuple[Labels, Labels]:
    return y, predicted_probabilities(network, X, engine=engine).argmax(axis=1)


def _ratio(
    part: npt.NDArray[np.number[Any]], whole: npt.NDArray[np.number[Any]]
) -> npt.NDArray[np.float64]:
    ratio = np.zeros(part.shape)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio

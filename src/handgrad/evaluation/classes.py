"""The evaluation of a network that predicts one of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from handgrad.evaluation.shares import CountedEvaluation, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.network import Matrix


@dataclass(frozen=True, eq=False)
class ClassEvaluation(CountedEvaluation):
    """Cost, and counts of predictions by class, on m labelled rows."""

    cost: float
    """The mean loss on the rows (O2)."""
    confusion: npt.NDArray[np.int64]
    """(K, K): entry (k, j) counts the samples of class k that were predicted as class j."""

    @staticmethod
    def tally(outputs: Matrix, y: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Count some rows: their probabilities (m, K), and their classes (m,)."""
        classes = outputs.shape[1]
        confusion = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(confusion, (np.asarray(y), outputs.argmax(axis=1)), 1)  # O4
        return confusion

    @classmethod
    def of(cls, cost: float, tallies: Sequence[npt.NDArray[np.int64]]) -> Self:
        """Return the evaluation of all rows from the tallies of their parts."""
        return cls(cost, np.sum(tallies, axis=0))

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
        """(K,): the share of right ones among the predictions of a class; 0 if there are none."""
        return share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right predictions among the samples of a class; 0 if it has none."""
        return share(np.diag(self.confusion), self.support)

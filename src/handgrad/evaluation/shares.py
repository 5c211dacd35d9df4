"""The figures that follow from counts, for classes and for labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def share(
    part: npt.NDArray[np.number[Any]], whole: npt.NDArray[np.number[Any]]
) -> npt.NDArray[np.float64]:
    """Return part / whole for each entry; 0 where the whole is 0.

    Examples
    --------
    >>> share(np.array([1, 0]), np.array([4, 0]))
    array([0.25, 0.  ])
    """
    shares = np.zeros(part.shape)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares


class CountedEvaluation(ABC):
    """An evaluation whose figures are shares of counts."""

    cost: float
    confusion: npt.NDArray[np.int64]

    @property
    @abstractmethod
    def samples(self) -> int:
        """Number of samples, m."""

    @property
    @abstractmethod
    def accuracy(self) -> float:
        """Share of samples predicted right."""

    @property
    @abstractmethod
    def precision(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right ones among the predictions of a class or label."""

    @property
    @abstractmethod
    def recall(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right predictions among the samples of a class or label."""

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """(K,): harmonic mean of precision and recall; 0 if both are 0."""
        precision, recall = self.precision, self.recall
        return share(2 * precision * recall, precision + recall)

    @property
    def headline(self) -> dict[str, float]:
        """The most important figures, by their names."""
        return {"accuracy": self.accuracy, "cost": self.cost}

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain numbers and lists, ready for JSON."""
        arrays = ("confusion", "precision", "recall", "f1")
        lists = {name: getattr(self, name).tolist() for name in arrays}
        return self.headline | {"samples": self.samples} | lists

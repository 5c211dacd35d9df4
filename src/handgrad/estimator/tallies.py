"""Scores of samples that come in parts: accuracy and R², with weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class Tally(ABC):
    """Adds up what a score needs of each part."""

    weight: float = 0.0
    """Σ w so far."""

    @abstractmethod
    def add(
        self, y: npt.NDArray[Any], figures: npt.NDArray[Any], weights: npt.NDArray[np.float64]
    ) -> None:
        """Add a part: its targets, the figures of its samples, and their weights."""

    @property
    @abstractmethod
    def score(self) -> float:
        """The score of all parts."""


class AccuracyTally(Tally):
    """The share of the weights whose samples are predicted right.

    Examples
    --------
    >>> tally = AccuracyTally()
    >>> tally.add(np.array([0, 1]), np.array([True, False]), np.array([1.0, 3.0]))
    >>> float(tally.score)
    0.25
    """

    _right: float = 0.0

    def add(
        self,
        y: npt.NDArray[Any],  # noqa: ARG002
        figures: npt.NDArray[Any],
        weights: npt.NDArray[np.float64],
    ) -> None:
        """Add a part, given which samples are predicted right."""
        self._right += float(weights @ figures)
        self.weight += float(weights.sum())

    @property
    def score(self) -> float:
        """The score of all parts."""
        return self._right / self.weight


class R2Tally(Tally):
    """R² on average over K values, with the deviations of each part taken from its own mean.

    A sum of squares minus the square of a sum would cancel where values are large and alike. Means
    are kept as distances from the first values, so that those of a constant are exact.

    Examples
    --------
    >>> tally = R2Tally()
    >>> tally.add(np.array([[1.0], [3.0]]), np.array([[0.5], [0.0]]), np.ones(2))
    >>> tally.add(np.array([[5.0]]), np.array([[0.5]]), np.ones(1))
    >>> float(tally.score)
    0.875
    """

    def __init__(self) -> None:
        self._first: Any = None
        self._means: Any = 0.0
        self._deviations: Any = 0.0
        self._errors: Any = 0.0

    def add(
        self, y: npt.NDArray[Any], figures: npt.NDArray[Any], weights: npt.NDArray[np.float64]
    ) -> None:
        """Add a part, given the squared errors, (m, K)."""
        added = float(weights.sum())
        if not added:
            return
        if self._first is None:
            self._first = y[0].astype(np.float64)
        total = self.weight + added
        distances = y - self._first
        means = weights @ distances / added
        between = (means - self._means) ** 2 * (self.weight * added / total)
        self._deviations = self._deviations + weights @ (distances - means) ** 2 + between
        self._errors = self._errors + weights @ figures
        self._means = self._means + (means - self._means) * (added / total)
        self.weight = total

    @property
    def score(self) -> float:
        """The score of all parts; a constant value counts 1 if it is predicted exactly, else 0."""
        if not np.isfinite(self._errors).all():
            return float("nan")
        constant = self._deviations == 0
        ratios = np.divide(
            self._errors, self._deviations, out=(self._errors > 0) * 1.0, where=~constant
        )
        return float(np.mean(1 - ratios))

"""Scores of samples that come in parts: accuracy and R², with weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.evaluation.values import ValueTally

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
    """R² on average over K values.

    Examples
    --------
    >>> tally = R2Tally()
    >>> tally.add(np.array([[1.0], [3.0]]), np.array([[0.5], [0.0]]), np.ones(2))
    >>> tally.add(np.array([[5.0]]), np.array([[0.5]]), np.ones(1))
    >>> float(tally.score)
    0.875
    """

    def __init__(self) -> None:
        self._parts: list[ValueTally] = []

    def add(
        self, y: npt.NDArray[Any], figures: npt.NDArray[Any], weights: npt.NDArray[np.float64]
    ) -> None:
        """Add a part, given the squared errors, (m, K)."""
        if weights.any():
            self._parts.append(ValueTally.of(figures, y, weights))
            self.weight += self._parts[-1].weight

    @property
    def score(self) -> float:
        """The score of all parts; a constant value counts 1 if it is predicted exactly, else 0."""
        of_all = ValueTally.added(self._parts)
        return float(of_all.r2_scores.mean()) if np.isfinite(of_all.errors).all() else float("nan")

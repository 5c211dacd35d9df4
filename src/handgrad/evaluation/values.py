"""The evaluation of a network that predicts values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.network import Matrix


class ValueTally(NamedTuple):
    """The sums over some rows with weights w, for each of K values.

    A sum of squares minus the square of a sum would cancel where values are large and alike. So
    deviations are taken from the mean, and the mean is kept as a distance from the first value.

    Examples
    --------
    >>> parts = [np.array([[1.0], [3.0]]), np.array([[5.0]])]
    >>> tallies = [ValueTally.of(0.25 * np.ones((len(Y), 1)), Y) for Y in parts]
    >>> ValueTally.added(tallies).r2_scores
    array([0.90625])
    """

    weight: float
    """Σ w: the number of rows unless they have weights."""
    first: npt.NDArray[np.float64]
    """(K,): the true values of the first row."""
    means: npt.NDArray[np.float64]
    """(K,): the mean of (true value − first)."""
    deviations: npt.NDArray[np.float64]
    """(K,): Σ w (true value − mean)²."""
    errors: npt.NDArray[np.float64]
    """(K,): Σ w (predicted − true value)²."""

    @classmethod
    def of(
        cls,
        squares: npt.NDArray[np.float64],
        Y: npt.NDArray[Any],
        weights: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """Add up rows: the squared errors of their values, (m, K), and the true values."""
        w = np.ones(len(Y)) if weights is None else weights
        first = Y[0].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            distances = Y - first
            means = w @ distances / w.sum()
            return cls(float(w.sum()), first, means, w @ (distances - means) ** 2, w @ squares)

    @classmethod
    def added(cls, tallies: Sequence[Self]) -> Self:
        """Return the sums over the rows of several tallies."""
        weights, first = np.array([tally.weight for tally in tallies]), tallies[0].first
        weight = weights.sum()
        with np.errstate(over="ignore", invalid="ignore"):
            of_each = np.array([tally.first - first + tally.means for tally in tallies])
            means = weights @ of_each / weight
            between = weights @ (of_each - means) ** 2
            deviations = np.sum([tally.deviations for tally in tallies], axis=0) + between
            errors = np.sum([tally.errors for tally in tallies], axis=0)
        return cls(float(weight), first, means, deviations, errors)

    @property
    def r2_scores(self) -> npt.NDArray[np.float64]:
        """(K,): R² of each value; of a constant, 1 if all predictions are exact and otherwise 0."""
        constant = np.where(self.errors == 0, 1.0, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            ratios = np.divide(
                self.errors,
                self.deviations,
                out=np.ones_like(self.errors),
                where=self.deviations != 0,
            )
        scores: npt.NDArray[np.float64] = np.where(self.deviations == 0, constant, 1 - ratios)
        return scores


@dataclass(frozen=True, eq=False)
class ValueEvaluation:
    """Cost, mean squared error and R² on m rows."""

    cost: float
    """The mean loss on the rows: half the squared error over all values, or Poisson's."""
    samples: int
    """Number of samples, m."""
    mean_squared_errors: npt.NDArray[np.float64]
    """(K,): the mean squared error of each value."""
    r2_scores: npt.NDArray[np.float64]
    """(K,): for each value, 1 minus its squared error over its squared deviation from the mean. For
    a constant value it is 1 if all predictions are exact, and otherwise 0. NaN for one sample."""

    @staticmethod
    def tally(outputs: Matrix, y: npt.ArrayLike) -> ValueTally:
        """Add up some rows: their predicted values (m, K), and their true values."""
        Y = np.asarray(y, dtype=np.float64).reshape(outputs.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            return ValueTally.of((outputs.astype(np.float64, copy=False) - Y) ** 2, Y)

    @classmethod
    def of(cls, cost: float, tallies: Sequence[ValueTally]) -> Self:
        """Return the evaluation of all rows from the tallies of their parts."""
        of_all = ValueTally.added(tallies)
        samples = round(of_all.weight)
        scores = of_all.r2_scores if samples > 1 else np.full(len(of_all.errors), np.nan)
        return cls(cost, samples, of_all.errors / samples, scores)

    @property
    def mean_squared_error(self) -> float:
        """The mean squared error, on average over the values."""
        return float(self.mean_squared_errors.mean())

    @property
    def r2(self) -> float:
        """R², on average over the values."""
        return float(self.r2_scores.mean())

    @property
    def headline(self) -> dict[str, float]:
        """The most important figures, by their names."""
        return {
            "mean_squared_error": self.mean_squared_error,
            "r2": self.r2,
            "cost": self.cost,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain numbers and lists, ready for JSON."""
        by_value = {
            name: getattr(self, name).tolist() for name in ("mean_squared_errors", "r2_scores")
        }
        return self.headline | {"samples": self.samples} | by_value

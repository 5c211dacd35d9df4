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
    """The sums over some rows, for each of K values.

    A sum of squares minus the square of a sum would cancel where values are large and alike. So
    deviations are taken from the mean, and the mean is kept as a distance from the first value.
    """

    samples: int
    first: npt.NDArray[np.float64]
    """(K,): the true values of the first row."""
    means: npt.NDArray[np.float64]
    """(K,): the mean of (true value − first)."""
    deviations: npt.NDArray[np.float64]
    """(K,): the sum of (true value − mean)²."""
    errors: npt.NDArray[np.float64]
    """(K,): the sum of (predicted − true value)²."""


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
            distances = Y - Y[0]
            means = distances.mean(axis=0)
            deviations = ((distances - means) ** 2).sum(axis=0)
            errors = ((outputs.astype(np.float64, copy=False) - Y) ** 2).sum(axis=0)
        return ValueTally(len(Y), Y[0].copy(), means, deviations, errors)

    @classmethod
    def of(cls, cost: float, tallies: Sequence[ValueTally]) -> Self:
        """Return the evaluation of all rows from the tallies of their parts."""
        sizes = np.array([tally.samples for tally in tallies])
        samples = int(sizes.sum())
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.array([tally.first - tallies[0].first + tally.means for tally in tallies])
            between = sizes @ (means - sizes @ means / samples) ** 2
            deviations = np.sum([tally.deviations for tally in tallies], axis=0) + between
            errors = np.sum([tally.errors for tally in tallies], axis=0)
            scores = _r2(errors, deviations) if samples > 1 else np.full(len(errors), np.nan)
        return cls(cost, samples, errors / samples, scores)

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


def _r2(
    errors: npt.NDArray[np.float64], deviations: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    constant = np.where(errors == 0, 1.0, 0.0)
    ratios = np.divide(errors, deviations, out=np.ones_like(errors), where=deviations != 0)
    scores: npt.NDArray[np.float64] = np.where(deviations == 0, constant, 1 - ratios)
    return scores

"""The evaluation of a network that predicts several labels for each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from handgrad.evaluation.shares import CountedEvaluation, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.network import Matrix


class LabelTally(NamedTuple):
    """The counts of some rows."""

    right: int
    """Rows with all labels right."""
    confusion: npt.NDArray[np.int64]
    """(K, 2, 2): see `LabelEvaluation`."""


@dataclass(frozen=True, eq=False)
class LabelEvaluation(CountedEvaluation):
    """Cost, and counts of predictions by label, on m rows."""

    cost: float
    """The mean loss on the rows."""
    right: int
    """How many samples have all labels predicted right."""
    confusion: npt.NDArray[np.int64]
    """(K, 2, 2): for label k, entry (i, j) counts the samples with (i = 1) or without it (i = 0)
    for which it was predicted (j = 1) or not (j = 0)."""

    @staticmethod
    def tally(outputs: Matrix, y: npt.ArrayLike) -> LabelTally:
        """Count some rows: their probabilities (m, K), and their labels (m, K), 0 or 1."""
        predicted, true = outputs > 0.5, np.asarray(y) > 0  # at 0.5 no label, as for two classes
        confusion = [[~true & ~predicted, ~true & predicted], [true & ~predicted, true & predicted]]
        counts = np.array(confusion).sum(axis=2, dtype=np.int64)  # (2, 2, K)
        return LabelTally(int((predicted == true).all(axis=1).sum()), counts.transpose(2, 0, 1))

    @classmethod
    def of(cls, cost: float, tallies: Sequence[LabelTally]) -> Self:
        """Return the evaluation of all rows from the tallies of their parts."""
        right = sum(tally.right for tally in tallies)
        return cls(cost, right, np.sum([tally.confusion for tally in tallies], axis=0))

    @property
    def samples(self) -> int:
        """Number of samples, m."""
        return int(self.confusion[0].sum())

    @property
    def accuracy(self) -> float:
        """Share of samples with all labels predicted right."""
        return self.right / self.samples

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """(K,): samples with each label."""
        counts: npt.NDArray[np.int64] = self.confusion[:, 1].sum(axis=1)
        return counts

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        """(K,): the share of samples with a label among those for which it was predicted."""
        return share(self.confusion[:, 1, 1], self.confusion[:, :, 1].sum(axis=1))

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """(K,): the share of right predictions among the samples with a label."""
        return share(self.confusion[:, 1, 1], self.support)

"""What a run measured in each iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class History(NamedTuple):
    """What a run measured in each of its n iterations."""

    costs: npt.NDArray[np.float64]
    """(n,): the cost on the training rows."""
    accuracies: npt.NDArray[np.float64]
    """(n,): the share of the training rows predicted right; NaN if values are predicted."""
    seconds: npt.NDArray[np.float64]
    """(n,): the time from the start of the run until the figures were reported."""

    @property
    def has_accuracies(self) -> bool:
        """Whether the run counted the rows predicted right, as for classes and labels."""
        return not (len(self.accuracies) and bool(np.isnan(self.accuracies).all()))

    def until(self, iteration: int) -> History:
        """Return the history of the first iterations.

        Examples
        --------
        >>> History(*np.arange(6.0).reshape(3, 2)).until(1)
        History(costs=array([0.]), accuracies=array([2.]), seconds=array([4.]))
        """
        return History(*(figures[:iteration] for figures in self))

    def to_csv(self) -> str:
        """Return the history as CSV, one line per iteration.

        Examples
        --------
        >>> print(History(np.array([2.5]), np.array([0.125]), np.array([0.25])).to_csv())
        iteration,cost,accuracy,seconds
        0,2.5,0.125,0.25
        <BLANKLINE>
        >>> print(History(np.array([2.5]), np.array([np.nan]), np.array([0.25])).to_csv())
        iteration,cost,seconds
        0,2.5,0.25
        <BLANKLINE>
        """
        columns = [("cost", self.costs, ".10g")]
        if self.has_accuracies:
            columns.append(("accuracy", self.accuracies, ".6g"))
        columns.append(("seconds", self.seconds, ".6g"))
        texts = [[format(figure, style) for figure in figures] for _, figures, style in columns]
        lines = (",".join([str(i), *row]) for i, row in enumerate(zip(*texts, strict=True)))
        return "\n".join([",".join(["iteration", *(name for name, *_ in columns)]), *lines, ""])


class Recorder:
    """Collects the figures of a run in arrays that grow, after those of an earlier history."""

    def __init__(self, earlier: History | None = None) -> None:
        # Costs, accuracies and seconds, with room for more.
        self._figures = np.empty((3, 0)) if earlier is None else np.array(earlier)
        self._count: int = self._figures.shape[1]

    def __len__(self) -> int:
        return self._count

    def add(self, costs: npt.ArrayLike, accuracies: npt.ArrayLike, seconds: float) -> None:
        """Add the figures of some iterations, reported after so many seconds."""
        before, after = self._count, self._count + len(np.atleast_1d(costs))
        if after > self._figures.shape[1]:
            room = np.empty((3, 2 * after))
            room[:, :before] = self._figures[:, :before]
            self._figures = room
        for row, figures in zip(self._figures, (costs, accuracies, seconds), strict=True):
            row[before:after] = figures
        self._count = after

    @property
    def history(self) -> History:
        """The figures so far, which later ones leave as they are."""
        return History(*self._figures[:, : self._count])

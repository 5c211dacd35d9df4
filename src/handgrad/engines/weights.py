"""The weights of the rows of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """The weights of the rows of blocks: one for each row, one for each class, or both multiplied.

    Only rows that have a class can be weighted by it.

    Examples
    --------
    >>> BlockWeights(of_rows=np.array([1.0, 2.0]), of_classes=np.array([1.0, 3.0])).at(0, [0, 1])
    array([1., 6.])
    """

    of_rows: npt.NDArray[np.float64] | None = None
    of_classes: npt.NDArray[np.float64] | None = None

    def at(self, start: int, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the weights of consecutive rows with these targets; the first one is row start."""
        y = np.asarray(y)
        weights = np.ones(len(y))
        if self.of_rows is not None:
            weights = weights * self.of_rows[start : start + len(y)]
        if self.of_classes is not None:
            weights = weights * self.of_classes[y]
        return weights

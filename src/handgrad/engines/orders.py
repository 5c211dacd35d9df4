"""The orders in which epochs take rows that lie in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def shuffled(
    m: int, random: np.random.RandomState | None, before: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.int64]:
    """Return an epoch's order of m rows: that of the epoch before, shuffled as scikit-learn does.

    Without a random state, the rows stay in order.

    Examples
    --------
    >>> shuffled(4, None, None)
    array([0, 1, 2, 3])
    >>> first = shuffled(4, np.random.RandomState(1), None)
    >>> first, shuffled(4, np.random.RandomState(1), first)
    (array([3, 2, 0, 1]), array([1, 0, 3, 2]))
    """
    order = np.arange(m) if before is None else before
    return order if random is None else order[random.permutation(m)]

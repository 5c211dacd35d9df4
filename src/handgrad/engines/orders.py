"""The orders in which epochs take rows that lie in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handgrad.errors import EngineError

if TYPE_CHECKING:
    import numpy.typing as npt


def shuffled(
    m: int, random: np.random.RandomState | None, before: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.int64]:
    """Return an epoch's order of m rows: that of the epoch before, shuffled as scikit-learn does.

    Without a random state, the rows stay in order. An order of another number of rows raises an
    EngineError.

    Examples
    --------
    >>> shuffled(4, None, None)
    array([0, 1, 2, 3])
    >>> first = shuffled(4, np.random.RandomState(1), None)
    >>> first, shuffled(4, np.random.RandomState(1), first)
    (array([3, 2, 0, 1]), array([1, 0, 3, 2]))
    """
    order = np.arange(m) if before is None else before
    if len(order) != m:
        raise EngineError(
            f"The epoch before had an order of {len(order)} rows; expected {m}, the rows of X."
        )
    return order if random is None else order[random.permutation(m)]

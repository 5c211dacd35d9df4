"""Shares of counts, as the figures of classes and of labels need them."""

from __future__ import annotations

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


def harmonic_mean(
    precision: npt.NDArray[np.float64], recall: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return F1 for each entry; 0 where precision and recall are 0.

    Examples
    --------
    >>> harmonic_mean(np.array([1.0, 0.0]), np.array([0.5, 0.0])).round(3)
    array([0.667, 0.   ])
    """
    return share(2 * precision * recall, precision + recall)

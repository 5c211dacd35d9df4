"""Sums over leaves of rows, always added in the same order: along a binary tree.

Node (level, k) is the sum of the leaves from k 2^level to (k + 1) 2^level - 1, as far as there are
any, and the sum of the nodes (level - 1, 2k) and (level - 1, 2k + 1). So threads and machines may
compute different nodes, and the bits of the whole sum do not depend on who computed which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from handgrad.backpropagation import Gradient
from handgrad.engines.protocol import Measurement
from handgrad.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.network import Network
    from handgrad.objective import Objective

Node: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Sum:
    """What a pass over some rows adds up to, in float64.

    Examples
    --------
    >>> Sum(loss=1.0, right=2, rows=3, weight=3.0) + Sum(loss=0.5, right=1, rows=1, weight=1.0)
    Sum(loss=1.5, right=3, rows=4, weight=4.0, gradient=None)
    """

    loss: float = 0.0
    """Σ w_i · loss_i; row i has weight w_i, 1 by default."""
    right: float = 0
    """The number of rows predicted right; NaN if values are predicted."""
    rows: int = 0
    weight: float = 0.0
    """Σ w_i."""
    gradient: tuple[npt.NDArray[np.float64], ...] | None = None
    """The gradient of ``loss``; None if it is zero, or if it was not asked for."""

    @classmethod
    def of(cls, measured: Measurement, rows: int, weight: float) -> Sum:
        """Return the sum behind means over rows with these weights."""
        right = np.round(measured.accuracy * rows)
        if not weight:
            return cls(right=right, rows=rows)
        gradient = tuple(np.multiply(mean, weight, dtype=np.float64) for mean in measured.gradient)
        return cls(measured.cost * weight, right, rows, weight, gradient)

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.loss + other.loss,
            self.right + other.right,
            self.rows + other.rows,
            self.weight + other.weight,
            _added(self.gradient, other.gradient),
        )

    @property
    def accuracy(self) -> float:
        """The share of rows predicted right; each row counts once, whatever its weight."""
        return self.right / self.rows

    def measurement(self, network: Network, objective: Objective) -> Measurement:
        """Return the means, with the objective's penalty."""
        cost = self.penalised_cost(network, objective)
        gradient = objective.penalised(self._mean_gradient(network), network, self.weight)
        return Measurement(cost, gradient, self.accuracy)

    def penalised_cost(self, network: Network, objective: Objective) -> float:
        """Return the mean loss (O2) with the objective's penalty."""
        if not self.weight:
            raise ShapeError("The weights of all rows are 0; expected one above 0.")
        return self.loss / self.weight + objective.penalty(network, self.weight)

    def _mean_gradient(self, network: Network) -> Gradient:
        sums = self.gradient or tuple(np.zeros(array.shape) for array in network.parameters)
        return Gradient((total / self.weight).astype(network.dtype) for total in sums)


def sum_of(node: Node, leaves: int, known: Callable[[Node], Sum | None]) -> Sum:
    """Add up a node of the tree over so many leaves.

    ``known`` returns the sum of a node, or None if it has to be added up from its two halves. It
    must know all nodes of level 0, and is asked for leaves in their order.

    Examples
    --------
    >>> sum_of(root(3), 3, lambda node: Sum(rows=10 ** node[1]) if node[0] == 0 else None).rows
    111
    """
    found = known(node)
    if found is not None:
        return found
    level, index = node
    left = sum_of((level - 1, 2 * index), leaves, known)
    if (2 * index + 1) << (level - 1) >= leaves:
        return left
    return left + sum_of((level - 1, 2 * index + 1), leaves, known)


def root(leaves: int) -> Node:
    """Return the node that covers all of so many leaves."""
    return (max(leaves - 1, 0).bit_length(), 0)


def _added(
    left: tuple[npt.NDArray[np.float64], ...] | None,
    right: tuple[npt.NDArray[np.float64], ...] | None,
) -> tuple[npt.NDArray[np.float64], ...] | None:
    if left is None or right is None:
        return right if left is None else left
    return tuple(a + b for a, b in zip(left, right, strict=True))

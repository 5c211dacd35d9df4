"""The reference engine: the formulas of the notes as they stand, the oracle of all others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import notes
from handgrad.engines.protocol import Progress
from handgrad.errors import EngineError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from handgrad.network import Labels, Matrix, Network
    from handgrad.notes import Activations, Gradient


class ReferenceEngine:
    """Calls `handgrad.notes` on all rows at once.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    >>> network, costs = ReferenceEngine().descend(network, X, y, learning_rate=0.5, iterations=9)
    >>> bool(costs[-1] < costs[0])
    True
    """

    name = "reference"

    @property
    def threads(self) -> int:
        """The processors that NumPy's matrix products may use."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    @property
    def instruction_set(self) -> str:
        """The widest vector instructions that NumPy found."""
        config: Any = np.show_config(mode="dicts")
        extensions = config["SIMD Extensions"]
        return str((extensions["found"] or extensions["baseline"])[-1])

    def cost_and_gradient(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[float, Gradient]:
        """Compute C1 and the gradient B1 to B7; see `handgrad.engines.Engine`."""
        X, y, shares = _checked(network, X, y, sample_weight)
        activations = notes.forward(network, X)
        cost = float(notes.losses(activations.Z2, y) @ shares)
        return cost, _gradient(network, X, y, shares, activations)

    def predict_proba(self, network: Network, X: npt.ArrayLike) -> Matrix:
        """Compute F4 as an array of shape (m, K); see `handgrad.engines.Engine`."""
        return np.ascontiguousarray(notes.forward(network, _finite_rows(network, X)).A2.T)

    def descend(
        self,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        learning_rate: float,
        iterations: int,
        sample_weight: npt.ArrayLike | None = None,
        on_progress: Callable[[Progress], bool | None] | None = None,
    ) -> tuple[Network, npt.NDArray[np.float64]]:
        """Take full-batch steps (U1); ``on_progress`` is called before each one."""
        if iterations < 0:
            raise EngineError(f"iterations is {iterations}; expected 0 or more.")
        X, y, shares = _checked(network, X, y, sample_weight)
        costs, accuracies = np.empty(iterations), np.empty(iterations)
        for step in range(iterations):
            activations = notes.forward(network, X)
            costs[step] = notes.losses(activations.Z2, y) @ shares
            accuracies[step] = np.mean(activations.A2.argmax(axis=0) == y)
            if on_progress is not None:
                measured = slice(step + 1)
                if on_progress(Progress(network, costs[measured], accuracies[measured])):
                    return network, costs[:step]
            gradient = _gradient(network, X, y, shares, activations)
            network = notes.descend(network, gradient, learning_rate)
        return network, costs


def _gradient(
    network: Network,
    X: Matrix,
    y: Labels,
    shares: npt.NDArray[np.float64],
    activations: Activations,
) -> Gradient:
    dZ2 = notes.output_gradient(activations.A2, y)  # B1
    dZ2 *= (len(shares) * shares).astype(dZ2.dtype)  # sample i counts w_i / Σ w instead of 1/m
    return notes.propagate(network, X, activations, dZ2).gradient  # B2 to B7


def _checked(
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
) -> tuple[Matrix, Labels, npt.NDArray[np.float64]]:
    rows = _finite_rows(network, X)
    m = len(rows)
    return rows, network.labels(y, m), _shares(sample_weight, m)


def _finite_rows(network: Network, X: npt.ArrayLike) -> Matrix:
    X = np.asarray(X)
    rows = network.rows(X)
    if X.dtype != np.uint8 and not np.isfinite(rows).all():
        raise ShapeError("X holds NaN or infinite values; expected finite numbers.")
    return rows


def _shares(sample_weight: npt.ArrayLike | None, m: int) -> npt.NDArray[np.float64]:
    """Each sample's share of the cost: 1/m, or its weight over the sum of weights."""
    if sample_weight is None:
        return np.full(m, 1 / m)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (m,):
        raise ShapeError(
            f"sample_weight has shape {weights.shape}; expected ({m},), one weight a row of X."
        )
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise ShapeError(
            "sample_weight holds a negative or infinite weight, or only zeros; "
            "expected weights of 0 or more, with a positive sum."
        )
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares

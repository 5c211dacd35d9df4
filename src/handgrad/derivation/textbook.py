"""The passes in summation notation: one sample and one term at a time, no matrix product.

This is the other notation of the notes, and the oracle of `handgrad.derivation.checks`. Nothing
here calls `handgrad.notes`. The functions are analytic except at the kink of the ReLU, so they
also take the complex parameters that the complex step needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Parameters = tuple[Array, ...]  # W1 (H,D), b1 (H,1), W2 (K,H), b2 (K,1); real or complex


def weighted_sums(W: Array, b: Array, x: Array) -> Array:
    """F1 and F3 for one sample: Σ_j W[k, j] x[j] + b[k] for each k."""
    z: Array = (W * x).sum(axis=1) + b[:, 0]
    return z


def relu(z: Array) -> Array:
    """F2 for one sample: z if it is above 0, else 0."""
    return np.where(z.real > 0, z, 0)


def softmax(z: Array) -> Array:
    """F4 for one sample, by its definition, which overflows for large logits."""
    a: Array = np.exp(z) / np.exp(z).sum()
    return a


def loss(z2: Array, label: int) -> Any:
    """−log of the probability of the label, for one sample."""
    return -np.log(softmax(z2)[label])


def cost(parameters: Parameters, X: Array, y: Array) -> Any:
    """C1 as a function of the parameters."""
    W1, b1, W2, b2 = parameters
    A1 = np.stack([relu(weighted_sums(W1, b1, x)) for x in X], axis=1)
    return cost_of_hidden(A1, W2, b2, y)


def cost_of_hidden(A1: Array, W2: Array, b2: Array, y: Array) -> Any:
    """C1 as a function of the hidden activations, one column per sample."""
    Z2 = np.stack([weighted_sums(W2, b2, a1) for a1 in A1.T], axis=1)
    return cost_of_logits(Z2, y)


def cost_of_logits(Z2: Array, y: Array) -> Any:
    """C1 as a function of the logits, one column per sample."""
    return sum(loss(z2, label) for z2, label in zip(Z2.T, y, strict=True)) / len(y)


def one_hot(y: Array, K: int) -> Array:
    """Y as the notes draw it: one column per sample, with a 1 in the row of its label."""
    Y: Array = (np.arange(K)[:, None] == y).astype(np.float64)
    return Y


def sum_of_outer_products(left: Array, right: Array) -> Array:
    """B2 and B6 as sums: the outer product of the i-th columns, added up over the samples i."""
    return sum(
        (np.outer(u, v) for u, v in zip(left.T, right.T, strict=True)),
        start=np.zeros((len(left), len(right))),
    )


def sum_of_columns(matrix: Array) -> Array:
    """B3 and B7 as sums: the i-th columns, added up over the samples i."""
    return sum((column[:, None] for column in matrix.T), start=np.zeros((len(matrix), 1)))

"""The passes in summation notation: one sample and one term at a time, no matrix product.

This is the other notation of the notes, and the oracle of `handgrad.derivation.checks`. Nothing
here calls `handgrad.notes` or `handgrad.backpropagation`. The functions are analytic except at the
kinks of both kinds of ReLU, so they also take the complex parameters that the complex step needs.

The first functions are those of the notes; the last are those of any depth, activation and output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Parameters = tuple[Array, ...]  # W1 (H,D), b1 (H,1), W2 (K,H), b2 (K,1); real or complex
Layer = tuple[Array, Array, str]  # W (n_l,n_{l−1}), b (n_l,1), activation


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


def activate(z: Array, activation: str) -> Array:
    """G1 to G5 by their definitions, which overflow for large z."""
    if activation == "logistic":
        a: Array = 1 / (1 + np.exp(-z))
    elif activation == "tanh":
        a = (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    elif activation == "relu":
        a = relu(z)
    elif activation == "leaky_relu":
        a = np.where(z.real > 0, z, 0.01 * z)
    else:
        a = z
    return a


def logits(layers: list[Layer], a: Array) -> Array:
    """L1 and L2 for one sample, layer by layer; the last layer has the identity."""
    for W, b, activation in layers:
        a = activate(weighted_sums(W, b, a), activation)
    return a


def output_of(z: Array, output: str) -> Array:
    """O1 for one sample, by its definition, which overflows for large logits."""
    if output == "softmax":
        return softmax(z)
    if output == "logistic":
        return activate(z, "logistic")
    a: Array = np.exp(z) if output == "exp" else z
    return a


def loss_of(z: Array, y: Any, output: str) -> Any:
    """O2 for one sample: of its logits and of its class, labels or values."""
    if output == "softmax":
        return loss(z, y)
    a = output_of(z, output)
    if output == "logistic":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
    if output == "exp":
        return sum(_poisson(a_k, y_k) for a_k, y_k in zip(a, y, strict=True))
    return ((a - y) ** 2).sum() / 2


def _poisson(a: Any, y: Any) -> Any:
    return y * np.log(y / a) - y + a if y > 0 else a  # 0 log 0 is 0


def cost_after(layers: list[Layer], output: str, A: Array, targets: Array) -> Any:
    """O2 as a function of the activations A before the given layers, one column per sample.

    Without a layer, A are the logits.
    """
    losses = (loss_of(logits(layers, a), y, output) for a, y in zip(A.T, targets, strict=True))
    return sum(losses) / len(targets)

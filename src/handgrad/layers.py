"""A layer as a value, and the activations with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from handgrad.arguments import check_choice
from handgrad.errors import ShapeError
from handgrad.rows import as_array

Matrix: TypeAlias = npt.NDArray[np.floating[Any]]
Activation: TypeAlias = Literal["identity", "logistic", "tanh", "relu", "leaky_relu"]

ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)

FLOAT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
LEAK = 0.01  # the slope of a leaky ReLU below 0


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: it maps the values A of the previous layer to ``activation(W · A + b)``.

    Parameters
    ----------
    W : array of shape (outputs, inputs)
        Weights, one row per unit.
    b : array of shape (outputs, 1)
        Biases.
    activation : {"identity", "logistic", "tanh", "relu", "leaky_relu"}
        The last layer of a network has "identity": it returns logits, to which the network's
        output applies.

    Raises
    ------
    ShapeError
        If the shapes do not belong together, a type is not real, or the activation is unknown.

    Examples
    --------
    >>> Layer([[1.0, 2.0]], [[0.0]], "relu").W.shape
    (1, 2)
    """

    W: Matrix
    b: Matrix
    activation: Activation

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, ACTIVATIONS, ShapeError)
        for name, array in zip("Wb", real_parameters(self.W, self.b), strict=True):
            value = np.array(array, order="C")
            value.flags.writeable = False
            object.__setattr__(self, name, value)


def activate(Z: Matrix, activation: Activation) -> Matrix:
    """Apply an activation g to each number: A = g(Z) (L2).

    Examples
    --------
    >>> activate(np.array([-2.0, 0.0, 3.0]), "leaky_relu")
    array([-0.02,  0.  ,  3.  ])
    """
    if activation == "logistic":
        return logistic(Z)
    if activation == "tanh":
        return np.tanh(Z)
    if activation == "relu":
        return np.maximum(0, Z)
    if activation == "leaky_relu":
        return np.where(Z > 0, Z, Z.dtype.type(LEAK) * Z)
    return Z


def slope(A: Matrix, activation: Activation) -> Matrix:
    """Return g'(Z) for each number, from A = g(Z) (L6).

    At Z = 0, ReLU has the slope 0, as in the notes, and leaky ReLU has 0.01.

    Examples
    --------
    >>> slope(np.array([-0.02, 0.0, 3.0]), "leaky_relu")
    array([0.01, 0.01, 1.  ])
    """
    if activation == "logistic":
        return A * (1 - A)
    if activation == "tanh":
        return 1 - A * A
    if activation == "relu":
        return (A > 0).astype(A.dtype)
    if activation == "leaky_relu":
        return np.where(A > 0, A.dtype.type(1), A.dtype.type(LEAK))
    return np.ones_like(A)


def logistic(Z: Matrix) -> Matrix:
    """Return 1 / (1 + exp(−z)) for each number z, without an overflow.

    Examples
    --------
    >>> logistic(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    E = np.exp(-np.abs(Z))
    A: Matrix = np.where(Z < 0, E, 1) / (1 + E)
    return A


def real_parameters(
    W: npt.ArrayLike, b: npt.ArrayLike, layer: str = ""
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return weights and biases as real arrays, or raise a ShapeError if their shapes do not match.

    Errors call them W and b with the layer's number.
    """
    weights, biases = _real_array(f"W{layer}", W), _real_array(f"b{layer}", b)
    if weights.ndim != 2 or 0 in weights.shape:
        raise ShapeError(
            f"W{layer} has shape {weights.shape}; "
            "expected a matrix with at least one row and column."
        )
    expected = (weights.shape[0], 1)
    if biases.shape != expected:
        raise ShapeError(
            f"b{layer} has shape {biases.shape}; expected {expected}, "
            f"since W{layer} has shape {weights.shape}."
        )
    return weights, biases


def _real_array(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    array = as_array(name, value)
    if array.dtype.kind in "bui":
        array = array.astype(np.float64)
    if array.dtype not in FLOAT_TYPES:
        raise ShapeError(f"{name} holds {array.dtype} values; expected float32 or float64.")
    return array

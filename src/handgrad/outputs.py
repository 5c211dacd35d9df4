"""The outputs, each with its own loss: what follows the logits Z of the last layer.

=========  ===========================  ==================================  =============
output     A (O1)                       loss of a sample (O2)               y of a sample
=========  ===========================  ==================================  =============
softmax    exp(z_k) / Σ_j exp(z_j)      −log a_y                            a class
logistic   1 / (1 + exp(−z))            −Σ_k y log a + (1 − y) log(1 − a)   0 or 1, K of them
identity   z                            ½ Σ_k (a − y)²                      K values
exp        exp(z)                       Σ_k y log(y / a) − y + a            K values ≥ 0
=========  ===========================  ==================================  =============

Each loss belongs to its output, so that dZ of the last layer is (A − Y)/m for all of them (O3). A
single logistic output has two classes, 0 and 1. docs/derivation.md proves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import notes
from handgrad.layers import logistic

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.layers import Matrix
    from handgrad.network import Output
    from handgrad.targets import Targets


def apply_output(Z: Matrix, output: Output) -> Matrix:
    """Turn each column of logits into probabilities or values (O1).

    Parameters
    ----------
    Z : array of shape (K, m)
    output : {"softmax", "logistic", "identity", "exp"}

    Returns
    -------
    array of shape (K, m)

    Examples
    --------
    >>> apply_output(np.array([[0.0, 1000.0]]), "logistic")
    array([[0.5, 1. ]])
    """
    if output == "softmax":
        return notes.softmax(Z)
    if output == "logistic":
        return logistic(Z)
    if output == "exp":
        with np.errstate(over="ignore"):
            A: Matrix = np.exp(Z)
        return A
    return Z


def losses(Z: Matrix, y: Targets, output: Output) -> npt.NDArray[np.float64]:
    """Compute the loss of each sample from its logits (O2), in float64.

    Parameters
    ----------
    Z : array of shape (K, m)
    y : array of shape (m,) or (m, K)
        As `handgrad.Network.targets` returns it.
    output : {"softmax", "logistic", "identity", "exp"}

    Returns
    -------
    array of shape (m,)

    Examples
    --------
    >>> losses(np.array([[3.0, 1.0]]), np.array([[1.0], [1.0]]), "identity")
    array([2., 0.])
    """
    if output == "softmax":
        return notes.losses(Z, y)
    Z = Z.astype(np.float64, copy=False)
    Y = _columns(y).astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if output == "logistic":
            of_each = np.logaddexp(0, np.where(Y > 0, -Z, Z))
        elif output == "exp":
            of_each = _y_log_y(Y) - Y * Z - Y + np.exp(Z)
        else:
            of_each = (Z - Y) ** 2 / 2
        result: npt.NDArray[np.float64] = of_each.sum(axis=0)
    return result


def output_gradient(A: Matrix, y: Targets, output: Output) -> Matrix:
    """Differentiate the cost with respect to the logits: (A − Y)/m, for every output (O3).

    Parameters
    ----------
    A : array of shape (K, m)
    y : array of shape (m,) or (m, K)
    output : {"softmax", "logistic", "identity", "exp"}

    Returns
    -------
    dZ : array of shape (K, m)

    Examples
    --------
    >>> output_gradient(np.array([[3.0, 1.0]]), np.array([[1.0], [1.0]]), "identity")
    array([[1., 0.]])
    """
    if output == "softmax":
        return notes.output_gradient(A, y)  # Y is never formed
    dZ: Matrix = (A - _columns(y).astype(A.dtype, copy=False)) / A.shape[1]
    return dZ


def predicted(A: Matrix, output: Output) -> npt.NDArray[Any]:
    """Predict the class, the labels or the values of each sample (O4).

    The class with the largest probability is predicted, and the first one if several are equally
    large. A label is predicted if its probability is above one half; so is class 1 of a single
    logistic output.

    Parameters
    ----------
    A : array of shape (K, m)
    output : {"softmax", "logistic", "identity", "exp"}

    Returns
    -------
    array of shape (m,) or (m, K)
        Integers (m,) for classes, 0 or 1 for each label, or values.

    Examples
    --------
    >>> predicted(np.array([[0.9, 0.3], [0.8, 0.5]]), "logistic")  # of two samples
    array([[1, 1],
           [0, 0]])
    """
    if output == "softmax":
        classes: npt.NDArray[Any] = A.argmax(axis=0)
        return classes
    if output == "logistic":
        A = (A > 0.5).astype(np.intp)  # at 0.5 class 0, or no label
        return A[0] if len(A) == 1 else A.T
    return A.T


def predicted_right(A: Matrix, y: Targets, output: Output) -> npt.NDArray[np.bool_]:
    """Tell for each sample whether its class, or each of its labels, is predicted right (O4).

    Examples
    --------
    >>> labels = np.array([[1, 0], [1, 1]])  # of two samples
    >>> predicted_right(np.array([[0.9, 0.8], [0.3, 0.4]]), labels, "logistic")
    array([ True, False])
    """
    right = predicted(A, output) == y
    of_all_labels: npt.NDArray[np.bool_] = right.reshape(A.shape[1], -1).all(axis=1)
    return of_all_labels


def _columns(y: Targets) -> npt.NDArray[Any]:
    """Return targets as (K, m), one column per sample."""
    return y[None, :] if y.ndim == 1 else y.T


def _y_log_y(Y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithms = np.log(Y, out=np.zeros_like(Y), where=Y > 0)
    return Y * logarithms

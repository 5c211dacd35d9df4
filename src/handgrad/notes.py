"""The notes as NumPy, formula by formula, in the notes' order: the specification.

Samples are the rows of X, labels are integers, Y is never formed. Each formula has its id at the
end of its line; docs/derivation.md proves it and derivation/checks.py verifies it by machine.

m samples, D features, H hidden units, K classes:

=======  =====  =========================================
X        (m,D)  the data, one sample per row
W1, b1   (H,D)  (H,1), of the hidden layer
W2, b2   (K,H)  (K,1), of the output layer
Z1, A1   (H,m)  the hidden layer, one column per sample
Z2, A2   (K,m)  the output layer, one column per sample
dQ       as Q   ∂C/∂Q, for any Q above
=======  =====  =========================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.network import Labels, Matrix, Network

if TYPE_CHECKING:
    import numpy.typing as npt


class Activations(NamedTuple):
    """The matrices of the forward pass, which the backward pass needs: F1 to F4."""

    Z1: Matrix  # (H,m)
    A1: Matrix  # (H,m)
    Z2: Matrix  # (K,m)
    A2: Matrix  # (K,m)


class Gradient(NamedTuple):
    """∂C/∂θ for each of the four parameters θ, in the shape of the parameter."""

    dW1: Matrix  # (H,D)
    db1: Matrix  # (H,1)
    dW2: Matrix  # (K,H)
    db2: Matrix  # (K,1)


class BackwardPass(NamedTuple):
    """Every matrix of the backward pass, in the order of the notes: B1 to B7."""

    dZ2: Matrix  # (K,m)
    dW2: Matrix  # (K,H)
    db2: Matrix  # (K,1)
    dA1: Matrix  # (H,m)
    dZ1: Matrix  # (H,m)
    dW1: Matrix  # (H,D)
    db1: Matrix  # (H,1)

    @property
    def gradient(self) -> Gradient:
        """The four matrices that U1 needs."""
        return Gradient(self.dW1, self.db1, self.dW2, self.db2)


def forward(network: Network, X: npt.ArrayLike) -> Activations:
    """Compute the probabilities of the classes of each sample (F1 to F4).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
        Samples as rows; ``uint8`` pixels are scaled by 1/255.

    Returns
    -------
    Activations
        Z1, A1 of shape (H, m) and Z2, A2 of shape (K, m).

    Raises
    ------
    ShapeError
        If X does not fit the network.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2, seed=0)
    >>> forward(network, np.ones((5, 4))).A2.shape
    (2, 5)
    """
    network.check_output("softmax")
    W1, b1, W2, b2 = network.parameters
    X = network.rows(X)

    Z1 = W1 @ X.T + b1  # F1: (H,m) = (H,D)(D,m) + (H,1), b1 repeated over the m columns
    A1 = np.maximum(0, Z1)  # F2
    Z2 = W2 @ A1 + b2  # F3: (K,m) = (K,H)(H,m) + (K,1)
    A2 = softmax(Z2)  # F4
    return Activations(Z1, A1, Z2, A2)


def softmax(Z2: Matrix) -> Matrix:
    """Turn each column of logits into probabilities (F4).

    The largest logit of a column is subtracted first. The quotient stays the same, and no
    exponential overflows; in float32, the exponential of a logit of 89 would.

    Examples
    --------
    >>> softmax(np.array([[1000.0], [1000.0]]))
    array([[0.5],
           [0.5]])
    """
    with np.errstate(over="ignore"):  # a difference of -inf is a probability of 0
        E = np.exp(Z2 - Z2.max(axis=0))
    A2: Matrix = E / E.sum(axis=0)
    return A2


def predict(network: Network, X: npt.ArrayLike) -> Labels:
    """Pick the class with the largest probability for each sample (F5).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)

    Returns
    -------
    array of shape (m,)
        Integer labels from 0 to K - 1.

    Examples
    --------
    >>> network = Network(W1=np.eye(2), b1=np.zeros((2, 1)), W2=np.eye(2), b2=np.zeros((2, 1)))
    >>> predict(network, [[3.0, 1.0], [0.0, 2.0]])
    array([0, 1])
    """
    labels: Labels = forward(network, X).A2.argmax(axis=0)  # F5
    return labels


def losses(Z2: Matrix, y: Labels) -> npt.NDArray[np.float64]:
    """Compute −log A2[y_i, i] for each sample i, from the logits.

    The logarithm of the softmax is the logit minus the logarithm of the sum of exponentials.
    So no probability is rounded to 0 before its logarithm is taken, and the loss is finite for
    any finite logits.

    Parameters
    ----------
    Z2 : array of shape (K, m)
        Logits.
    y : array of shape (m,)
        Integer labels.

    Returns
    -------
    array of shape (m,), float64

    Examples
    --------
    >>> losses(np.array([[0.0], [5000.0]]), np.array([0]))
    array([5000.])
    """
    Z2 = Z2.astype(np.float64, copy=False)
    samples = np.arange(Z2.shape[1])
    with np.errstate(over="ignore"):
        shifted = Z2 - Z2.max(axis=0)
        log_probability = shifted[y, samples] - np.log(np.exp(shifted).sum(axis=0))
    # Keeps the sum of m losses finite even if a difference of two logits overflows.
    largest = np.finfo(np.float64).max / (len(samples) + 1)
    result: npt.NDArray[np.float64] = np.minimum(-log_probability, largest)
    return result


def cost(network: Network, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Average the losses of all samples (C1).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    y : array of shape (m,)
        Integer labels.

    Raises
    ------
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> network = Network(W1=np.eye(2), b1=np.zeros((2, 1)), W2=np.eye(2), b2=np.zeros((2, 1)))
    >>> round(cost(network, [[0.0, 0.0]], [1]), 4)  # two classes, equally likely: log 2
    0.6931
    """
    Z2 = forward(network, X).Z2
    return float(np.mean(losses(Z2, network.labels(y, m=Z2.shape[1]))))  # C1


def output_gradient(A2: Matrix, y: Labels) -> Matrix:
    """Differentiate the cost with respect to the logits: (A2 − Y)/m without forming Y (B1).

    Parameters
    ----------
    A2 : array of shape (K, m)
        Probabilities.
    y : array of shape (m,)
        Integer labels.

    Returns
    -------
    dZ2 : array of shape (K, m)

    Examples
    --------
    >>> output_gradient(np.array([[0.25, 0.5], [0.75, 0.5]]), np.array([0, 1]))
    array([[-0.375,  0.25 ],
           [ 0.375, -0.25 ]])
    """
    m = A2.shape[1]
    dZ2 = A2.copy()
    dZ2[y, np.arange(m)] -= 1
    dZ2 /= m  # B1
    return dZ2


def propagate(
    network: Network, X: npt.ArrayLike, activations: Activations, dZ2: Matrix
) -> BackwardPass:
    """Carry dZ2 back through both layers (B2 to B7).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    activations : Activations
        What `forward` returned for the same network and X.
    dZ2 : array of shape (K, m)
        ∂C/∂Z2, from `output_gradient`.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2, seed=0)
    >>> X, y = np.ones((5, 4)), np.array([0, 1, 0, 1, 0])
    >>> activations = forward(network, X)
    >>> propagate(network, X, activations, output_gradient(activations.A2, y)).dZ1.shape
    (3, 5)
    """
    X = network.rows(X)
    W2, A1, Z1 = network.W2, activations.A1, activations.Z1

    dW2 = dZ2 @ A1.T  # B2: (K,H) = (K,m)(m,H)
    db2 = dZ2.sum(axis=1, keepdims=True)  # B3
    dA1 = W2.T @ dZ2  # B4: (H,m) = (H,K)(K,m)
    dZ1 = dA1 * (Z1 > 0)  # B5: the ReLU mask; at exactly 0 no gradient flows
    dW1 = dZ1 @ X  # B6: (H,D) = (H,m)(m,D)
    db1 = dZ1.sum(axis=1, keepdims=True)  # B7
    return BackwardPass(dZ2, dW2, db2, dA1, dZ1, dW1, db1)


def backward(
    network: Network, X: npt.ArrayLike, y: npt.ArrayLike, activations: Activations
) -> Gradient:
    """Differentiate the cost with respect to every parameter (B1 to B7).

    `propagate` also returns the matrices in between, dZ2, dA1 and dZ1.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    y : array of shape (m,)
        Integer labels.
    activations : Activations
        What `forward` returned for the same network and X.

    Returns
    -------
    Gradient
        dW1, db1, dW2, db2, each in the shape of its parameter.

    Raises
    ------
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2, seed=0)
    >>> X, y = np.ones((5, 4)), np.array([0, 1, 0, 1, 0])
    >>> backward(network, X, y, forward(network, X)).dW1.shape
    (3, 4)
    """
    A2 = activations.A2
    dZ2 = output_gradient(A2, network.labels(y, m=A2.shape[1]))  # B1
    return propagate(network, X, activations, dZ2).gradient  # B2 to B7


def descend(network: Network, gradient: Gradient, learning_rate: float) -> Network:
    """Take one step of gradient descent: θ ← θ − η dθ for each parameter θ (U1).

    Parameters
    ----------
    network : Network
    gradient : Gradient
    learning_rate : float
        η.

    Returns
    -------
    Network
        A new network; the old one does not change.

    Examples
    --------
    >>> network = Network.initial(features=4, hidden=3, classes=2, seed=0)
    >>> X, y = np.ones((5, 4)), np.array([0, 1, 0, 1, 0])
    >>> gradient = backward(network, X, y, forward(network, X))
    >>> cost(descend(network, gradient, learning_rate=0.1), X, y) < cost(network, X, y)
    True
    """
    W1, b1, W2, b2 = network.parameters
    dW1, db1, dW2, db2 = gradient
    η = learning_rate

    return Network(W1 - η * dW1, b1 - η * db1, W2 - η * dW2, b2 - η * db2)  # U1

"""The notes once more for each layer: any depth, any activation, any output.

Layer l maps A_{l−1} to A_l; A_0 is Xᵀ. Its formulas are those of the notes with l in the place of 1
and 2. docs/derivation.md proves them by induction over the layers, and for the notes' network
they give the bits of `handgrad.notes`.

====  ============================  ===========================  ==========
id    formula                       shapes, n_l units in layer   in notes
====  ============================  ===========================  ==========
L1    Z_l = W_l · A_{l−1} + b_l     n_l×m = (n_l×n_{l−1})(…×m)   F1, F3
L2    A_l = g_l(Z_l)                n_l×m                        F2
O1    A_L = output(Z_L)             K×m                          F4
O3    dZ_L = (A_L − Y)/m            K×m                          B1
L3    dW_l = dZ_l · A_{l−1}ᵀ        n_l×n_{l−1}                  B2, B6
L4    db_l = sum of dZ_l's columns  n_l×1                        B3, B7
L5    dA_{l−1} = W_lᵀ · dZ_l        n_{l−1}×m                    B4
L6    dZ_{l−1} = dA_{l−1} ⊙ g′      n_{l−1}×m                    B5
====  ============================  ===========================  ==========
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.layers import Matrix, activate, slope
from handgrad.outputs import apply_output, losses, output_gradient

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from handgrad.network import Network


class LayerPass(NamedTuple):
    """The matrices of one layer in the forward pass; A of the last layer is the output."""

    Z: Matrix  # (n_l,m)
    A: Matrix  # (n_l,m)


class LayerGradient(NamedTuple):
    """The matrices of one layer in the backward pass."""

    dZ: Matrix  # (n_l,m)
    dW: Matrix  # (n_l,n_{l−1})
    db: Matrix  # (n_l,1)
    dA_before: Matrix | None  # (n_{l−1},m), of the layer before; the first layer has none before it


class Gradient(tuple[Matrix, ...]):
    """∂C/∂θ for each parameter θ, in the shape of the parameter: dW1, db1, dW2, db2, and so on.

    Examples
    --------
    >>> gradient = Gradient(np.full((1, 1), i) for i in range(4))
    >>> gradient.dW2
    array([[2]])
    """

    __slots__ = ()

    @property
    def dW1(self) -> Matrix:
        """The gradient of the first layer's weights."""
        return self[0]

    @property
    def db1(self) -> Matrix:
        """The gradient of the first layer's biases."""
        return self[1]

    @property
    def dW2(self) -> Matrix:
        """The gradient of the second layer's weights."""
        return self[2]

    @property
    def db2(self) -> Matrix:
        """The gradient of the second layer's biases."""
        return self[3]


def forward(network: Network, X: npt.ArrayLike) -> list[LayerPass]:
    """Compute Z and A of each layer (L1, L2, O1).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
        Samples as rows; ``uint8`` pixels are scaled by 1/255.

    Returns
    -------
    list of LayerPass
        First layer to last.

    Raises
    ------
    ShapeError
        If X does not fit the network.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=(3, 5), classes=2, activation="tanh")
    >>> [of_layer.A.shape for of_layer in forward(network, np.ones((6, 4)))]
    [(3, 6), (5, 6), (2, 6)]
    """
    A = network.rows(X).T
    passes = []
    for layer in network.layers:
        Z = layer.W @ A + layer.b  # L1
        A = activate(Z, layer.activation)  # L2
        passes.append(LayerPass(Z, A))
    passes[-1] = LayerPass(Z, apply_output(Z, network.output))  # O1
    return passes


def cost(network: Network, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Average the losses of all samples (O2).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    y : array of shape (m,) or (m, K)
        See `handgrad.Network.targets`.

    Examples
    --------
    >>> from handgrad import Layer, Network
    >>> network = Network.of_layers([Layer([[1.0]], [[0.0]], "identity")], output="identity")
    >>> cost(network, [[3.0]], [1.0])
    2.0
    """
    Z = forward(network, X)[-1].Z
    return float(np.mean(losses(Z, network.targets(y, m=Z.shape[1]), network.output)))


def propagate(
    network: Network, X: npt.ArrayLike, passes: Sequence[LayerPass], dZ: Matrix
) -> list[LayerGradient]:
    """Carry dZ of the last layer back through all layers (L3 to L6).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    passes : list of LayerPass
        What `forward` returned for the same network and X.
    dZ : array of shape (K, m)
        ∂C/∂Z of the last layer.

    Returns
    -------
    list of LayerGradient
        First layer to last.
    """
    before = [network.rows(X).T, *(of_layer.A for of_layer in passes[:-1])]
    gradients: list[LayerGradient] = []
    for number in reversed(range(len(network.layers))):
        dW = dZ @ before[number].T  # L3
        db = dZ.sum(axis=1, keepdims=True)  # L4
        if number == 0:
            gradients.append(LayerGradient(dZ, dW, db, None))
            break
        dA = network.layers[number].W.T @ dZ  # L5
        gradients.append(LayerGradient(dZ, dW, db, dA))
        dZ = dA * slope(before[number], network.layers[number - 1].activation)  # L6
    return gradients[::-1]


def gradient_of(layers: Sequence[LayerGradient]) -> Gradient:
    """Return the gradients of the parameters, dW1, db1, dW2, db2, …, from those of each layer."""
    return Gradient(array for layer in layers for array in (layer.dW, layer.db))


def descend(network: Network, gradient: Sequence[Matrix], learning_rate: float) -> Network:
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
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=(3, 5), classes=2, activation="tanh")
    >>> X, y = np.ones((6, 4)), np.array([0, 1, 0, 1, 0, 1])
    >>> gradient = backward(network, X, y, forward(network, X))
    >>> cost(descend(network, gradient, learning_rate=0.1), X, y) < cost(network, X, y)
    True
    """
    pairs = zip(network.parameters, gradient, strict=True)
    return network.with_parameters(
        (θ - learning_rate * dθ).astype(network.dtype, copy=False) for θ, dθ in pairs
    )


def backward(
    network: Network, X: npt.ArrayLike, y: npt.ArrayLike, passes: Sequence[LayerPass]
) -> Gradient:
    """Differentiate the cost with respect to every parameter (O3, L3 to L6).

    Parameters
    ----------
    network : Network
    X : array of shape (m, D)
    y : array of shape (m,) or (m, K)
        See `handgrad.Network.targets`.
    passes : list of LayerPass
        What `forward` returned for the same network and X.

    Returns
    -------
    Gradient
        dW1, db1, dW2, db2, and so on, each in the shape of its parameter.

    Raises
    ------
    ShapeError
        If X or y does not fit the network.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=(3, 5), classes=2, activation="tanh")
    >>> X, y = np.ones((6, 4)), np.array([0, 1, 0, 1, 0, 1])
    >>> backward(network, X, y, forward(network, X)).dW2.shape
    (5, 3)
    """
    A = passes[-1].A
    dZ = output_gradient(A, network.targets(y, m=A.shape[1]), network.output)  # O3
    return gradient_of(propagate(network, X, passes, dZ))

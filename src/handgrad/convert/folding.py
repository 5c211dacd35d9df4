"""A scaling of the features, moved into the first layer of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.errors import ConversionError
from handgrad.layers import Layer
from handgrad.network import Network

if TYPE_CHECKING:
    import numpy.typing as npt

# What engines may differ by. A scaling that loses more is not folded.
LARGEST_LOSS = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-10}


class Scaling(NamedTuple):
    """What is done to each feature before the network: ``factor · x + shift``."""

    factor: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]

    def then(self, other: Scaling) -> Scaling:
        """Return both scalings as one, this one first.

        Examples
        --------
        >>> twice = Scaling(np.array([2.0]), np.array([1.0]))
        >>> twice.then(twice)
        Scaling(factor=array([4.]), shift=array([3.]))
        """
        return Scaling(other.factor * self.factor, other.factor * self.shift + other.shift)


def folded(network: Network, scaling: Scaling) -> Network:
    """Return the network that computes from x what the given one computes from scaled features.

    W1 · (f ⊙ x + s) + b1 = (W1 ⊙ f) · x + (W1 · s + b1), where f multiplies the columns of W1.

    Raises
    ------
    ConversionError
        If the new weights would lose digits: a feature whose mean is large in comparison to its
        deviation makes W1 · x and b1 large, and their sum small.

    Examples
    --------
    >>> network = Network([[1.0]], [[0.0]], [[1.0]], [[0.0]], output="identity")
    >>> folded(network, Scaling(np.array([0.5]), np.array([3.0]))).b1
    array([[3.]])
    """
    loss = float(np.finfo(network.dtype).eps) * np.abs(scaling.shift)
    if not (loss <= LARGEST_LOSS[network.dtype]).all():
        worst = int(loss.argmax())
        raise ConversionError(
            f"Feature {worst} is shifted by {scaling.shift[worst]:g} after scaling, which the "
            f"{network.dtype} weights of the first layer cannot take up without a loss of digits; "
            "expected a shift near 0: convert the last step alone, and scale rows yourself."
        )
    first, *others = network.layers
    W = first.W.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        arrays = W * scaling.factor, first.b + (W @ scaling.shift)[:, None]
        W, b = (array.astype(network.dtype) for array in arrays)
    result = Network.of_layers([Layer(W, b, first.activation), *others], network.output)
    check_finite(result)
    return result


def check_finite(network: Network) -> None:
    """Raise a ConversionError if a weight or a bias is NaN or infinite."""
    for number, layer in enumerate(network.layers, start=1):
        if not (np.isfinite(layer.W).all() and np.isfinite(layer.b).all()):
            raise ConversionError(
                f"Layer {number} holds weights that are NaN or infinite in {network.dtype}; "
                "expected finite numbers: train it again."
            )

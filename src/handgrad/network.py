"""The network as a value: its layers, its output, and its initial values.

Dimension letters, used everywhere: m samples, D features, H hidden units, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
import numpy.typing as npt

from handgrad.arguments import check_choice
from handgrad.errors import ShapeError
from handgrad.initial import Scheme, initial_values, usual_scheme
from handgrad.layers import FLOAT_TYPES, Activation, Layer, Matrix, real_parameters
from handgrad.quoting import shown
from handgrad.reading import Output, ReadsSamples
from handgrad.targets import Labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OUTPUTS: tuple[Output, ...] = get_args(Output)

__all__ = ["FLOAT_TYPES", "OUTPUTS", "Labels", "Layer", "Matrix", "Network", "Output"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Network(ReadsSamples):
    """A network of any depth; this constructor makes one of two layers, like the notes' network.

    A network is a value: its arrays are copies and read-only, and a step of descent makes a
    new network. `Network.of_layers` takes any number of layers.

    Parameters
    ----------
    W1 : array of shape (H, D)
        Weights of the hidden layer, one row per hidden unit.
    b1 : array of shape (H, 1)
        Biases of the hidden layer.
    W2 : array of shape (K, H)
        Weights of the output layer, one row per output.
    b2 : array of shape (K, 1)
        Biases of the output layer.
    activation : {"relu", "identity", "logistic", "tanh", "leaky_relu"}
        The activation of the hidden units.
    output : {"softmax", "logistic", "identity", "exp"}
        What is applied to the logits. "softmax" gives the probability of each class. "logistic"
        gives the probability of each of several labels; a single one is the probability of class 1
        of two. "identity" gives values, and "exp" gives values above 0.

    Attributes
    ----------
    layers : tuple of Layer
        From first to last.
    output : str

    Raises
    ------
    ShapeError
        If the shapes do not belong together, a type is not real, or the activation or the output is
        unknown.

    Examples
    --------
    >>> network = Network(W1=[[1.0, 2.0]], b1=[[0.0]], W2=[[1.0], [-1.0]], b2=[[0.0], [0.5]])
    >>> network.D, network.H, network.K
    (2, 1, 2)
    >>> Network.initial(features=784, hidden=10, classes=10, seed=0)
    Network(784 features, 10 hidden units, 10 classes, float32)
    >>> Network.initial(features=784, hidden=(100, 50), classes=10, activation="tanh")
    Network(784 features, 100 and 50 hidden tanh units, 10 classes, float32)
    """

    layers: tuple[Layer, ...]
    output: Output

    def __init__(
        self,
        W1: npt.ArrayLike,
        b1: npt.ArrayLike,
        W2: npt.ArrayLike,
        b2: npt.ArrayLike,
        *,
        activation: Activation = "relu",
        output: Output = "softmax",
    ) -> None:
        hidden = Layer(*real_parameters(W1, b1, "1"), activation)
        last = Layer(*real_parameters(W2, b2, "2"), "identity")
        self._set(**_fields((hidden, last), output))

    def _set(self, **fields: Any) -> None:
        vars(self).update(fields)  # the only place that sets fields of this frozen class

    @classmethod
    def of_layers(cls, layers: Iterable[Layer], output: Output = "softmax") -> Network:
        """Return the network of these layers, from first to last.

        Raises
        ------
        ShapeError
            If there are no layers, if their shapes do not match, if the last one has another
            activation than "identity", or if the output is unknown.

        Examples
        --------
        >>> layer = Layer(np.ones((3, 3)), np.zeros((3, 1)), "tanh")
        >>> last = Layer(np.ones((2, 3)), np.zeros((2, 1)), "identity")
        >>> Network.of_layers([layer, layer, last])
        Network(3 features, 3 and 3 hidden tanh units, 2 classes, float64)
        """
        network = object.__new__(Network)
        network._set(**_fields(tuple(layers), output))
        return network

    def __repr__(self) -> str:
        of_hidden = "" if self.activation == "relu" else f"{self.activation} "
        hidden = f", {_listed(self.hidden)} hidden {of_hidden}units" if self.hidden else ""
        what = f"{self.columns} {self.predicts}"
        return f"{type(self).__name__}({self.D} features{hidden}, {what}, {self.dtype})"

    def _of_two_layers(self, layer: int) -> Layer:
        if len(self.layers) != 2:
            raise ShapeError(
                f"The network has {len(self.layers)} layers; expected the notes' two for W1, b1, "
                "W2, b2 and H: use network.layers."
            )
        return self.layers[layer]

    @property
    def W1(self) -> Matrix:
        """(H, D): weights of the hidden layer, if the network has two layers."""
        return self._of_two_layers(0).W

    @property
    def b1(self) -> Matrix:
        """(H, 1): biases of the hidden layer, if the network has two layers."""
        return self._of_two_layers(0).b

    @property
    def W2(self) -> Matrix:
        """(K, H): weights of the output layer, if the network has two layers."""
        return self._of_two_layers(1).W

    @property
    def b2(self) -> Matrix:
        """(K, 1): biases of the output layer, if the network has two layers."""
        return self._of_two_layers(1).b

    @property
    def D(self) -> int:
        """Number of features."""
        return int(self.layers[0].W.shape[1])

    @property
    def H(self) -> int:
        """Number of hidden units of a network of two layers."""
        return int(self.W1.shape[0])

    @property
    def hidden(self) -> tuple[int, ...]:
        """Number of units of each hidden layer."""
        return tuple(len(layer.W) for layer in self.layers[:-1])

    @property
    def activation(self) -> str:
        """The activation of the hidden units; different ones are separated by commas."""
        return ",".join(dict.fromkeys(layer.activation for layer in self.layers[:-1])) or "relu"

    @property
    def is_of_the_notes(self) -> bool:
        """Whether it is the network of the notes: one hidden layer of ReLU units, and a softmax."""
        hidden = [layer.activation for layer in self.layers[:-1]]
        return hidden == ["relu"] and self.output == "softmax"

    @property
    def K(self) -> int:
        """Number of outputs: one per class, label or value, or a single logistic one."""
        return int(self.layers[-1].W.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all arrays: float32 or float64."""
        return self.layers[0].W.dtype

    @property
    def is_finite(self) -> bool:
        """Whether every weight and bias is a finite number."""
        return all(bool(np.isfinite(array).all()) for array in self.parameters)

    @property
    def parameters(self) -> tuple[Matrix, ...]:
        """W1, b1, W2, b2, and so on for each layer."""
        return tuple(array for layer in self.layers for array in (layer.W, layer.b))

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return the same network, or model, in another floating type.

        Examples
        --------
        >>> Network.initial(features=2, hidden=1, classes=2).astype("float64").dtype
        dtype('float64')
        """
        dtype = _float_type(dtype)
        return self.with_parameters(array.astype(dtype) for array in self.parameters)

    def with_parameters(self, parameters: Iterable[Matrix]) -> Self:
        """Return the same network, or model, with other values of W1, b1, W2, b2 and so on.

        Examples
        --------
        >>> network = Network.initial(features=2, hidden=1, classes=2)
        >>> network.with_parameters(2 * array for array in network.parameters)
        Network(2 features, 1 hidden units, 2 classes, float32)
        """
        arrays = list(parameters)
        pairs = zip(arrays[::2], arrays[1::2], self.layers, strict=True)
        layers = [Layer(W, b, layer.activation) for W, b, layer in pairs]
        return self._changed(**_fields(layers, self.output))

    def _changed(self, **fields: Any) -> Self:
        changed = object.__new__(type(self))
        changed._set(**vars(self) | fields)
        return changed

    def check_output(self, expected: Output) -> None:
        """Raise a ShapeError unless the notes describe the network, with this output."""
        if [layer.activation for layer in self.layers] != ["relu", "identity"]:
            raise ShapeError(
                f"The network is {self!r}, but the notes have one hidden layer of ReLU units; "
                "expected such a network: handgrad.backpropagation takes all others."
            )
        if self.output != expected:
            is_same = expected == "softmax" and self.predicts == "classes"
            raise ShapeError(
                f"The output of the network is {self.output}; expected {expected}"
                f"{': pass network.as_softmax()' if is_same else ''}."
            )

    def as_softmax(self) -> Self:
        """Return a network, or model, of the same probabilities whose output is a softmax.

        A single logistic output has no logit for class 0; here it is 0, because
        1 / (1 + exp(−z)) = exp(z) / (exp(0) + exp(z)). A network that does not predict classes
        is returned unchanged.

        Examples
        --------
        >>> Network([[1.0]], [[0.0]], [[2.0]], [[3.0]], output="logistic").as_softmax().W2
        array([[0.],
               [2.]])
        """
        if self.output == "softmax" or self.predicts != "classes":
            return self
        last = self.layers[-1]
        W, b = (np.vstack([np.zeros_like(array), array]) for array in (last.W, last.b))
        return self._changed(layers=(*self.layers[:-1], Layer(W, b, "identity")), output="softmax")

    @classmethod
    def initial(
        cls,
        *,
        features: int = 784,
        hidden: int | Sequence[int] = 10,
        classes: int = 10,
        activation: Activation = "relu",
        output: Output = "softmax",
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        scheme: Scheme | None = None,
    ) -> Network:
        """Make a network with initial values drawn from a seed.

        Parameters
        ----------
        features : int
            D, at least 1.
        hidden : int or sequence of int
            The units of the hidden layer, or of each of several; () makes a network of one layer.
        classes : int
            K, at least 1: the rows of the last layer, one per class, label or value.
        activation, output : str
            As in `Network`.
        seed : int
            The same seed gives the same values, in float32 as in float64 (rounded).
        dtype : float32 or float64
            The type of all arrays.
        scheme : {"he", "glorot", "uniform"}, optional
            "he" draws weights from a normal distribution of variance 2 / inputs, which keeps
            the size of the activations from layer to layer under ReLU (He et al., 2015,
            arXiv:1502.01852). "glorot" draws them from ±√(6 / (inputs + outputs)), which does
            so for the other activations (Glorot & Bengio, 2010). Both set biases to 0. "uniform"
            draws weights and biases from [-0.5, 0.5), like the video that the notes mention. By
            default "he" for both kinds of ReLU, and "glorot" for other activations.

        Raises
        ------
        ShapeError
            If a size is not a whole number of 1 or more, or too large for the memory, if the seed
            is not a whole number of 0 or more, or if a name is unknown.

        Examples
        --------
        >>> network = Network.initial(features=3, hidden=2, classes=2, seed=7, scheme="uniform")
        >>> bool(abs(network.W1).max() <= 0.5)
        True
        """
        if scheme is None:
            scheme = usual_scheme(activation)
        float_type = _float_type(dtype)
        values = initial_values(
            features, hidden, classes, seed=seed, dtype=float_type, scheme=scheme
        )
        activations = [activation] * (len(values) - 1) + ["identity"]
        layers = [Layer(*pair, name) for pair, name in zip(values, activations, strict=True)]
        return Network.of_layers(layers, output)


def _fields(layers: Sequence[Layer], output: Output) -> dict[str, Any]:
    """Check that layers fit each other and the output; return the fields of their network."""
    check_choice("output", output, OUTPUTS, ShapeError)
    if not layers:
        raise ShapeError("The network has no layers; expected at least one.")
    for number, (before, after) in enumerate(pairwise(layers), start=2):
        if len(before.W) != after.W.shape[1]:
            raise ShapeError(
                f"W{number} has shape {after.W.shape}; expected {len(before.W)} columns, "
                f"one per row of W{number - 1}, which has shape {before.W.shape}."
            )
    if layers[-1].activation != "identity":
        raise ShapeError(
            f"The last layer has the activation {layers[-1].activation}; expected identity, since "
            "the output is applied to its logits."
        )
    return {"layers": _of_one_type(layers), "output": output}


def _of_one_type(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return layers whose numbers all have the widest type among them."""
    types = {array.dtype for layer in layers for array in (layer.W, layer.b)}
    if len(types) == 1:
        return tuple(layers)
    dtype = np.result_type(*types)
    return tuple(
        Layer(layer.W.astype(dtype), layer.b.astype(dtype), layer.activation) for layer in layers
    )


def _listed(sizes: Sequence[int]) -> str:
    *most, last = map(str, sizes)
    return f"{', '.join(most)} and {last}" if most else last


def _float_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        float_type = np.dtype(dtype)
    except (TypeError, ValueError):
        raise ShapeError(f"dtype is {shown(dtype)}; expected float32 or float64.") from None
    if float_type not in FLOAT_TYPES:
        raise ShapeError(f"dtype is {float_type}; expected float32 or float64.")
    return float_type

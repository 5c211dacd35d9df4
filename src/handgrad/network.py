"""The network as a value: its layers, its initial values, and the rows and labels that fit it.

Dimension letters, used everywhere: m samples, D features, H hidden units, K outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from handgrad.arguments import check_choice
from handgrad.errors import ShapeError
from handgrad.initial import Scheme, initial_values
from handgrad.layers import FLOAT_TYPES, Layer, Matrix, real_parameters
from handgrad.quoting import shown
from handgrad.rows import PIXEL_SCALE, Bytes, as_array, real_rows, scaled_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

Labels: TypeAlias = npt.NDArray[np.integer[Any]]
Output: TypeAlias = Literal["softmax", "logistic"]

OUTPUTS: tuple[Output, ...] = get_args(Output)

__all__ = ["FLOAT_TYPES", "OUTPUTS", "Labels", "Layer", "Matrix", "Network", "Output"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Network:
    """A two-layer network: ReLU hidden units, softmax outputs.

    A network is a value: its arrays are copies and read-only, and a step of descent makes a
    new network.

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
    output : {"softmax", "logistic"}
        The function that turns logits into probabilities. Softmax has one row per class. Two
        classes may have a single logistic output instead, the probability of class 1.

    Attributes
    ----------
    layers : tuple of Layer
        From first to last.
    output : str

    Raises
    ------
    ShapeError
        If the shapes do not belong together, a type is not real, or the output is unknown.

    Examples
    --------
    >>> network = Network(W1=[[1.0, 2.0]], b1=[[0.0]], W2=[[1.0], [-1.0]], b2=[[0.0], [0.5]])
    >>> network.D, network.H, network.K
    (2, 1, 2)
    >>> Network.initial(features=784, hidden=10, classes=10, seed=0)
    Network(784 features, 10 hidden units, 10 classes, float32)
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
        output: Output = "softmax",
    ) -> None:
        hidden, last = real_parameters(W1, b1, "1"), real_parameters(W2, b2, "2")
        if hidden[0].shape[0] != last[0].shape[1]:
            raise ShapeError(
                f"W2 has shape {last[0].shape}; expected {hidden[0].shape[0]} columns, "
                f"one per row of W1, which has shape {hidden[0].shape}."
            )
        check_choice("output", output, OUTPUTS, ShapeError)
        if output == "logistic" and last[0].shape[0] != 1:
            raise ShapeError(f"W2 has {last[0].shape[0]} rows; expected 1 for a logistic output.")
        dtype = np.result_type(*hidden, *last)
        W1, b1, W2, b2 = (array.astype(dtype, copy=False) for array in (*hidden, *last))
        self._set(layers=(Layer(W1, b1, "relu"), Layer(W2, b2, "identity")), output=output)

    def _set(self, **fields: Any) -> None:
        vars(self).update(fields)  # the only place that sets fields of this frozen class

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.D} features, {self.H} hidden units, "
            f"{self.classes} classes, {self.dtype})"
        )

    @property
    def W1(self) -> Matrix:
        """(H, D): weights of the hidden layer."""
        return self.layers[0].W

    @property
    def b1(self) -> Matrix:
        """(H, 1): biases of the hidden layer."""
        return self.layers[0].b

    @property
    def W2(self) -> Matrix:
        """(K, H): weights of the output layer."""
        return self.layers[1].W

    @property
    def b2(self) -> Matrix:
        """(K, 1): biases of the output layer."""
        return self.layers[1].b

    @property
    def D(self) -> int:
        """Number of features."""
        return int(self.W1.shape[1])

    @property
    def H(self) -> int:
        """Number of hidden units."""
        return int(self.W1.shape[0])

    @property
    def K(self) -> int:
        """Number of outputs: one per class, or a single logistic one."""
        return int(self.W2.shape[0])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 2 if self.output == "logistic" else self.K

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all four arrays: float32 or float64."""
        return self.W1.dtype

    @property
    def is_finite(self) -> bool:
        """Whether every weight and bias is a finite number."""
        return all(bool(np.isfinite(array).all()) for array in self.parameters)

    @property
    def largest_value(self) -> float:
        """The largest number that a sample may hold."""
        return math.inf

    @property
    def byte_scale(self) -> float:
        """The factor of ``uint8`` numbers: 1/255, because they are pixels."""
        return PIXEL_SCALE

    @property
    def reading(self) -> tuple[object, ...]:
        """What decides how the network reads rows and labels."""
        sizes = self.D, self.classes
        return *sizes, self.output, self.dtype, self.byte_scale, self.largest_value

    @property
    def parameters(self) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """W1, b1, W2, b2."""
        return self.W1, self.b1, self.W2, self.b2

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
        """Return the same network, or model, with other values of W1, b1, W2 and b2.

        Examples
        --------
        >>> network = Network.initial(features=2, hidden=1, classes=2)
        >>> network.with_parameters(2 * array for array in network.parameters)
        Network(2 features, 1 hidden units, 2 classes, float32)
        """
        network = Network(*parameters, output=self.output)
        return self._changed(layers=network.layers)

    def _changed(self, **fields: Any) -> Self:
        changed = object.__new__(type(self))
        changed._set(**vars(self) | fields)
        return changed

    def check_output(self, expected: Output) -> None:
        """Raise a ShapeError unless the network has this output."""
        if self.output != expected:
            raise ShapeError(
                f"The network has a {self.output} output; expected {expected}"
                f"{': pass network.as_softmax()' if expected == 'softmax' else ''}."
            )

    def as_softmax(self) -> Self:
        """Return a network, or model, of the same probabilities whose output is a softmax.

        A logistic output has no logit for class 0; here it is 0, because
        1 / (1 + exp(−z)) = exp(z) / (exp(0) + exp(z)).

        Examples
        --------
        >>> Network([[1.0]], [[0.0]], [[2.0]], [[3.0]], output="logistic").as_softmax().W2
        array([[0.],
               [2.]])
        """
        if self.output == "softmax":
            return self
        W2, b2 = (np.vstack([np.zeros_like(array), array]) for array in (self.W2, self.b2))
        return self._changed(layers=(self.layers[0], Layer(W2, b2, "identity")), output="softmax")

    @classmethod
    def initial(
        cls,
        *,
        features: int = 784,
        hidden: int = 10,
        classes: int = 10,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        scheme: Scheme = "he",
    ) -> Self:
        """Make a network with initial values drawn from a seed.

        Parameters
        ----------
        features, hidden, classes : int
            D, H and K, each at least 1.
        seed : int
            The same seed gives the same values, in float32 as in float64 (rounded).
        dtype : float32 or float64
            The type of the four arrays.
        scheme : {"he", "uniform"}
            "he" draws weights from a normal distribution of variance 2 / inputs, which keeps
            the size of the activations from layer to layer under ReLU (He et al., 2015,
            arXiv:1502.01852), and sets biases to 0. "uniform" draws weights and biases from
            [-0.5, 0.5), like the video that the notes mention.

        Raises
        ------
        ShapeError
            If a size is not a whole number of 1 or more, or too large for the memory, if the seed
            is not a whole number of 0 or more, or if the type or the scheme is unknown.

        Examples
        --------
        >>> network = Network.initial(features=3, hidden=2, classes=2, seed=7, scheme="uniform")
        >>> bool(abs(network.W1).max() <= 0.5)
        True
        """
        values = initial_values(
            features, hidden, classes, seed=seed, dtype=_float_type(dtype), scheme=scheme
        )
        return cls(*values)

    def check_rows(self, X: npt.ArrayLike) -> Any:
        """Check that the rows of X are samples of this network; return them as an array or as CSR.

        If bytes are not pixels, ``uint8`` rows are returned as `handgrad.rows.Bytes`.

        Raises
        ------
        ShapeError
            If X is not a matrix of real numbers with D columns. If samples are columns, the error
            says so.
        """
        rows = real_rows(X, self.D)
        bare = rows.dtype == np.uint8 and not isinstance(rows, Bytes)
        if bare and self.byte_scale != PIXEL_SCALE:
            rows = Bytes(rows, self.byte_scale)
        if isinstance(rows, Bytes) and 255 * abs(rows.scale) > float(np.finfo(self.dtype).max):
            raise ShapeError(
                f"X holds bytes to be multiplied with {rows.scale:g}, beyond {self.dtype}'s range; "
                "expected a smaller scale."
            )
        return rows

    def rows(self, X: npt.ArrayLike) -> Matrix:
        """Return X as this network reads it: one sample per row, in the network's own type.

        Bytes (``uint8``) are pixels and are multiplied by 1/255, unless `byte_scale` or a
        `handgrad.rows.Bytes` gives another scale. All other numbers stay as they are. Rows that
        already have the network's type are not copied.

        Parameters
        ----------
        X : array or SciPy sparse array of shape (m, D)
            Samples as rows. Sparse ones stay sparse, as CSR.

        Returns
        -------
        array of shape (m, D), of the network's type

        Raises
        ------
        ShapeError
            If X is not such a matrix; see `check_rows`.

        Examples
        --------
        >>> network = Network.initial(features=2, hidden=1, classes=2)
        >>> network.rows(np.array([[0, 255]], dtype=np.uint8))
        array([[0., 1.]], dtype=float32)
        """
        rows: Matrix = scaled_rows(self.check_rows(X), self.dtype)
        return rows

    def labels(self, y: npt.ArrayLike, m: int) -> Labels:
        """Return y as m integer labels, each the number of a class.

        Parameters
        ----------
        y : array of shape (m,)
            Integers from 0 to ``classes - 1``, never one-hot.
        m : int
            The number of samples that the labels belong to.

        Raises
        ------
        ShapeError
            If y is not of that shape, not of integers, or out of range.

        Examples
        --------
        >>> Network.initial(features=2, hidden=1, classes=2).labels([0, 1, 1], m=3)
        array([0, 1, 1])
        """
        labels = as_array("y", y)
        if labels.ndim == 2 and labels.shape[1] == self.classes:
            raise ShapeError(
                f"y has shape {labels.shape}, which looks one-hot; "
                "expected integer labels: pass y.argmax(axis=1)."
            )
        if labels.shape != (m,):
            raise ShapeError(
                f"y has shape {labels.shape}; expected ({m},), one label per row of X."
            )
        if m == 0:
            raise ShapeError("X and y hold no samples; expected at least one.")
        if labels.dtype.kind not in "ui":
            raise ShapeError(
                f"y holds {labels.dtype} values; expected integers from 0 to {self.classes - 1}."
            )
        if labels.min() < 0 or labels.max() >= self.classes:
            raise ShapeError(
                f"y holds labels from {labels.min()} to {labels.max()}; "
                f"expected integers from 0 to {self.classes - 1}, one per class of the network."
            )
        return labels


def _float_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        float_type = np.dtype(dtype)
    except (TypeError, ValueError):
        raise ShapeError(f"dtype is {shown(dtype)}; expected float32 or float64.") from None
    if float_type not in FLOAT_TYPES:
        raise ShapeError(f"dtype is {float_type}; expected float32 or float64.")
    return float_type

"""The network as a value: four arrays, their shapes, their initial values, and what fits them.

Dimension letters, used everywhere: m samples, D features, H hidden units, K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from handgrad.arguments import whole_number
from handgrad.errors import ShapeError
from handgrad.quoting import shown
from handgrad.rows import PIXEL_SCALE, Bytes, as_array, real_rows, scaled_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Matrix: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.integer[Any]]
Scheme: TypeAlias = Literal["he", "uniform"]

FLOAT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True, eq=False)
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
        Weights of the output layer, one row per class.
    b2 : array of shape (K, 1)
        Biases of the output layer.

    Raises
    ------
    ShapeError
        If the four shapes do not belong together, or a type is not real.

    Examples
    --------
    >>> network = Network(W1=[[1.0, 2.0]], b1=[[0.0]], W2=[[1.0], [-1.0]], b2=[[0.0], [0.5]])
    >>> network.D, network.H, network.K
    (2, 1, 2)
    >>> Network.initial(features=784, hidden=10, classes=10, seed=0)
    Network(784 features, 10 hidden units, 10 classes, float32)
    """

    W1: Matrix
    b1: Matrix
    W2: Matrix
    b2: Matrix

    def __post_init__(self) -> None:
        arrays = [_real_array(name, getattr(self, name)) for name in ("W1", "b1", "W2", "b2")]
        dtype = np.result_type(*arrays)
        for name, array in zip(("W1", "b1", "W2", "b2"), arrays, strict=True):
            value = np.array(array, dtype=dtype, order="C")
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        self._check_shapes()

    def _check_shapes(self) -> None:
        for name in ("W1", "W2"):
            shape = getattr(self, name).shape
            if len(shape) != 2 or 0 in shape:
                raise ShapeError(
                    f"{name} has shape {shape}; expected a matrix with at least one row and column."
                )
        expected = {"b1": (self.H, 1), "W2": (self.K, self.H), "b2": (self.K, 1)}
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ShapeError(
                    f"{name} has shape {found}; expected {shape}, "
                    f"since W1 is {self.W1.shape} and W2 is {self.W2.shape}."
                )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.D} features, {self.H} hidden units, "
            f"{self.K} classes, {self.dtype})"
        )

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
        """Number of classes."""
        return int(self.W2.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of all four arrays: float32 or float64."""
        return self.W1.dtype

    @property
    def largest_value(self) -> float:
        """The largest number that a sample may hold."""
        return math.inf

    @property
    def byte_scale(self) -> float:
        """What a bare ``uint8`` number is multiplied with where it is used: 1/255, a pixel's."""
        return PIXEL_SCALE

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
        W1, b1, W2, b2 = parameters
        return replace(self, W1=W1, b1=b1, W2=W2, b2=b2)

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
            [-0.5, 0.5), as the video that the notes mention does.

        Raises
        ------
        ShapeError
            If a size is not a whole number of 1 or more, or more than memory holds, the seed is
            not one of 0 or more, or the type or the scheme is unknown.

        Examples
        --------
        >>> network = Network.initial(features=3, hidden=2, classes=2, seed=7, scheme="uniform")
        >>> bool(abs(network.W1).max() <= 0.5)
        True
        """
        features, hidden, classes = (
            whole_number(name, size, 1, None, ShapeError)
            for name, size in (("features", features), ("hidden", hidden), ("classes", classes))
        )
        seed = whole_number("seed", seed, 0, None, ShapeError)
        if not isinstance(scheme, str) or scheme not in _DRAWS:
            raise ShapeError(f"scheme is {shown(scheme)}; expected one of {', '.join(_DRAWS)}.")
        float_type = _float_type(dtype)
        draw_weights, draw_biases = _DRAWS[scheme]
        random = np.random.default_rng(seed)
        try:
            W1 = draw_weights(random, hidden, features)
            b1 = draw_biases(random, hidden, 1)
            W2 = draw_weights(random, classes, hidden)
            b2 = draw_biases(random, classes, 1)
            arrays = [array.astype(float_type) for array in (W1, b1, W2, b2)]
        except (MemoryError, OverflowError, ValueError):  # NumPy's for sizes beyond its own
            raise ShapeError(
                f"A network of {shown(features)} features, {shown(hidden)} hidden units and "
                f"{shown(classes)} classes does not fit into memory; expected smaller sizes."
            ) from None
        return cls(*arrays)

    def check_rows(self, X: npt.ArrayLike) -> Any:
        """Return X as it is, dense or CSR, once it is known to fit: one sample a row.

        Bare ``uint8`` rows come back as `handgrad.rows.Bytes` where a byte's scale is not a
        pixel's.

        Raises
        ------
        ShapeError
            If X is not a matrix of real numbers with D columns. Samples as columns get an error
            that says so.

        Examples
        --------
        >>> Network.initial(features=2, hidden=1, classes=2).check_rows([[1, 2]])
        array([[1, 2]])
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
        """Return X as this network reads it: one sample a row, in the network's own type.

        Bytes (``uint8``) are scaled here, where they are used: pixels by 1/255, unless
        `byte_scale` or a `handgrad.rows.Bytes` says otherwise. Any other number is taken as it
        is. No copy is made of rows that already fit.

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
            If X is no such matrix; see `check_rows`.

        Examples
        --------
        >>> network = Network.initial(features=2, hidden=1, classes=2)
        >>> network.rows(np.array([[0, 255]], dtype=np.uint8))
        array([[0., 1.]], dtype=float32)
        """
        rows: Matrix = scaled_rows(self.check_rows(X), self.dtype)
        return rows

    def labels(self, y: npt.ArrayLike, m: int) -> Labels:
        """Return y as m integer labels, each a row of Z2.

        Parameters
        ----------
        y : array of shape (m,)
            Integers from 0 to K - 1, never one-hot.
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
        if labels.ndim == 2 and labels.shape[1] == self.K:
            raise ShapeError(
                f"y has shape {labels.shape}, which looks one-hot; "
                "expected integer labels: hand over y.argmax(axis=1)."
            )
        if labels.shape != (m,):
            raise ShapeError(
                f"y has shape {labels.shape}; expected ({m},), one label per row of X."
            )
        if m == 0:
            raise ShapeError("X and y hold no samples; expected at least one.")
        if labels.dtype.kind not in "ui":
            raise ShapeError(
                f"y holds {labels.dtype} values; expected integers from 0 to {self.K - 1}."
            )
        if labels.min() < 0 or labels.max() >= self.K:
            raise ShapeError(
                f"y holds labels from {labels.min()} to {labels.max()}; "
                f"expected integers from 0 to {self.K - 1}, one per class of the network."
            )
        return labels


def _he_weights(random: np.random.Generator, rows: int, columns: int) -> npt.NDArray[np.float64]:
    return random.normal(0, np.sqrt(2 / columns), (rows, columns))


def _zeros(_random: np.random.Generator, rows: int, columns: int) -> npt.NDArray[np.float64]:
    return np.zeros((rows, columns))


def _uniform(random: np.random.Generator, rows: int, columns: int) -> npt.NDArray[np.float64]:
    return random.uniform(-0.5, 0.5, (rows, columns))


_Draw: TypeAlias = "Callable[[np.random.Generator, int, int], npt.NDArray[np.float64]]"
_DRAWS: dict[str, tuple[_Draw, _Draw]] = {
    "he": (_he_weights, _zeros),
    "uniform": (_uniform, _uniform),
}


def _float_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        float_type = np.dtype(dtype)
    except (TypeError, ValueError):
        raise ShapeError(f"dtype is {shown(dtype)}; expected float32 or float64.") from None
    if float_type not in FLOAT_TYPES:
        raise ShapeError(f"dtype is {float_type}; expected float32 or float64.")
    return float_type


def _real_array(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    array = as_array(name, value)
    if array.dtype.kind in "bui":
        array = array.astype(np.float64)
    if array.dtype not in FLOAT_TYPES:
        raise ShapeError(f"{name} holds {array.dtype} values; expected float32 or float64.")
    return array

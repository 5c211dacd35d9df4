"""Initial values of a network, drawn from a seed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from handgrad.arguments import check_choice, whole_number
from handgrad.errors import ShapeError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Parameters: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any]]

Scheme: TypeAlias = Literal["he", "glorot", "uniform"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


def initial_values(
    features: int,
    hidden: int | Sequence[int],
    classes: int,
    *,
    seed: int,
    dtype: np.dtype[Any],
    scheme: Scheme,
) -> list[Parameters]:
    """Draw weights and biases of each layer; see `handgrad.Network.initial`."""
    sizes = [
        whole_number("features", features, 1, None, ShapeError),
        *(whole_number("hidden", size, 1, None, ShapeError) for size in _sizes(hidden)),
        whole_number("classes", classes, 1, None, ShapeError),
    ]
    seed = whole_number("seed", seed, 0, None, ShapeError)
    check_choice("scheme", scheme, SCHEMES, ShapeError)
    random = np.random.default_rng(seed)
    try:
        layers = [
            _draw_layer(random, outputs, inputs, scheme) for inputs, outputs in pairwise(sizes)
        ]
        return [(W.astype(dtype), b.astype(dtype)) for W, b in layers]
    except (MemoryError, OverflowError, ValueError):  # NumPy raises these for impossible sizes
        raise ShapeError(
            f"A network of {shown(features)} features, {shown(hidden)} hidden units and "
            f"{shown(classes)} classes does not fit into memory; expected smaller sizes."
        ) from None


def usual_scheme(activation: str) -> Scheme:
    """Return the scheme that keeps the size of the activations from layer to layer.

    Examples
    --------
    >>> usual_scheme("relu"), usual_scheme("tanh")
    ('he', 'glorot')
    """
    return "he" if activation in ("relu", "leaky_relu") else "glorot"


def _sizes(hidden: int | Sequence[int]) -> list[Any]:
    if isinstance(hidden, list | tuple | np.ndarray):
        return list(hidden)
    return [hidden]


def _draw_layer(
    random: np.random.Generator, outputs: int, inputs: int, scheme: Scheme
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw the weights and biases of one layer."""
    if scheme == "uniform":
        weights = random.uniform(-0.5, 0.5, (outputs, inputs))
        return weights, random.uniform(-0.5, 0.5, (outputs, 1))
    biases = np.zeros((outputs, 1))
    if scheme == "glorot":
        bound = np.sqrt(6 / (inputs + outputs))
        return random.uniform(-bound, bound, (outputs, inputs)), biases
    return random.normal(0, np.sqrt(2 / inputs), (outputs, inputs)), biases

"""Initial values of a network, drawn from a seed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from handgrad.arguments import check_choice, whole_number
from handgrad.errors import ShapeError
from handgrad.quoting import shown

if TYPE_CHECKING:
    import numpy.typing as npt

Scheme: TypeAlias = Literal["he", "uniform"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


def initial_values(
    features: int,
    hidden: int,
    classes: int,
    *,
    seed: int,
    dtype: np.dtype[Any],
    scheme: Scheme,
) -> list[npt.NDArray[Any]]:
    """Draw W1, b1, W2 and b2; see `handgrad.Network.initial`."""
    sizes = [
        whole_number(name, size, 1, None, ShapeError)
        for name, size in (("features", features), ("hidden", hidden), ("classes", classes))
    ]
    seed = whole_number("seed", seed, 0, None, ShapeError)
    check_choice("scheme", scheme, SCHEMES, ShapeError)
    random = np.random.default_rng(seed)
    try:
        layers = [
            _draw_layer(random, outputs, inputs, scheme) for inputs, outputs in pairwise(sizes)
        ]
        return [array.astype(dtype) for layer in layers for array in layer]
    except (MemoryError, OverflowError, ValueError):  # NumPy raises these for impossible sizes
        raise ShapeError(
            f"A network of {shown(features)} features, {shown(hidden)} hidden units and "
            f"{shown(classes)} classes does not fit into memory; expected smaller sizes."
        ) from None


def _draw_layer(
    random: np.random.Generator, outputs: int, inputs: int, scheme: Scheme
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw the weights and biases of one layer."""
    if scheme == "uniform":
        weights = random.uniform(-0.5, 0.5, (outputs, inputs))
        return weights, random.uniform(-0.5, 0.5, (outputs, 1))
    return random.normal(0, np.sqrt(2 / inputs), (outputs, inputs)), np.zeros((outputs, 1))

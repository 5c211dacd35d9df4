"""Initial values of a network, drawn from a seed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from handgrad.arguments import whole_number
from handgrad.errors import ShapeError
from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

Scheme: TypeAlias = Literal["he", "uniform"]


def initial_values(
    features: int,
    hidden: int,
    classes: int,
    *,
    seed: int,
    dtype: np.dtype[Any],
    scheme: Scheme,
) -> list[npt.NDArray[Any]]:
    """Draw W1, b1, W2 and b2; see `handgrad.Network.initial`.

    Raises
    ------
    ShapeError
        If a size or the seed is out of range, the scheme is unknown, or memory is too small.

    Examples
    --------
    >>> dtype = np.dtype(np.float32)
    >>> [array.shape for array in initial_values(4, 3, 2, seed=0, dtype=dtype, scheme="he")]
    [(3, 4), (3, 1), (2, 3), (2, 1)]
    """
    sizes = [
        whole_number(name, size, 1, None, ShapeError)
        for name, size in (("features", features), ("hidden", hidden), ("classes", classes))
    ]
    seed = whole_number("seed", seed, 0, None, ShapeError)
    if not isinstance(scheme, str) or scheme not in _DRAWS:
        raise ShapeError(f"scheme is {shown(scheme)}; expected one of {', '.join(_DRAWS)}.")
    draw_weights, draw_biases = _DRAWS[scheme]
    random = np.random.default_rng(seed)
    values = []
    try:
        for inputs, outputs in pairwise(sizes):
            values.append(draw_weights(random, outputs, inputs))
            values.append(draw_biases(random, outputs, 1))
        return [array.astype(dtype) for array in values]
    except (MemoryError, OverflowError, ValueError):  # NumPy raises these for impossible sizes
        raise ShapeError(
            f"A network of {shown(features)} features, {shown(hidden)} hidden units and "
            f"{shown(classes)} classes does not fit into memory; expected smaller sizes."
        ) from None


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

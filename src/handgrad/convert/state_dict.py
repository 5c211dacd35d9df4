"""The layers of a state dict: arrays with names such as ``0.weight`` and ``0.bias``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.errors import ConversionError
from handgrad.quoting import listed, named, quoted
from handgrad.rows import as_array

if TYPE_CHECKING:
    from handgrad.layers import Matrix

NUMBER = re.compile(r"([0-9]+)")
PARTS = ("weight", "bias")


class Linear(NamedTuple):
    """The weights and biases of a linear layer, as PyTorch holds them."""

    name: str
    weight: Matrix
    """(outputs, inputs)"""
    bias: Matrix
    """(outputs,)"""


def linear_layers(state: Mapping[Any, Any]) -> list[Linear]:
    """Return the layers in the order of the numbers in their names.

    A missing bias is 0.

    Raises
    ------
    ConversionError
        If it holds something other than weights and biases of linear layers, if the names do not
        tell the order, or if a layer does not fit the one before it.

    Examples
    --------
    >>> state = {"net.10.weight": np.ones((1, 3)), "net.2.weight": np.ones((3, 4))}
    >>> [layer.name for layer in linear_layers(state)]
    ['net.2', 'net.10']
    """
    layers: dict[str, dict[str, Any]] = {}
    for key, value in state.items():
        layer, _, part = key.rpartition(".") if isinstance(key, str) else ("", "", "")
        if isinstance(value, Mapping):
            raise ConversionError(
                f"The state dict holds another dict, {quoted(key)}; expected weights and biases: "
                "pass the part that holds them."
            )
        if part not in PARTS:
            raise ConversionError(
                f"The state dict holds {quoted(key)}; expected only weights and biases of linear "
                "layers, such as '0.weight' and '0.bias'."
            )
        layers.setdefault(layer, {})[part] = value
    if not layers:
        raise ConversionError("The state dict is empty; expected weights, such as '0.weight'.")
    found = [linear(name, **layers[name]) for name in _ordered(list(layers))]
    check_chain(found)
    return found


def linear(name: str, weight: Any = None, bias: Any = None) -> Linear:
    """Return one layer, after a check of its types and shapes."""
    if weight is None:
        raise ConversionError(f"The layer {quoted(name)} has a bias, but no weight; expected both.")
    W = _floats(f"The weight of the layer {quoted(name)}", weight)
    if W.ndim != 2 or 0 in W.shape:
        raise ConversionError(
            f"The weight of the layer {quoted(name)} has shape {W.shape}; expected a matrix "
            "(outputs, inputs), as a linear layer has."
        )
    if bias is None:
        return Linear(name, W, np.zeros(len(W), W.dtype))
    b = _floats(f"The bias of the layer {quoted(name)}", bias)
    if b.shape != W.shape[:1]:
        raise ConversionError(
            f"The bias of the layer {quoted(name)} has shape {b.shape}; expected {W.shape[:1]}, "
            f"since its weight has shape {W.shape}."
        )
    return Linear(name, W, b)


def check_chain(layers: list[Linear]) -> None:
    """Raise a ConversionError unless each layer takes what the one before it gives."""
    for before, after in pairwise(layers):
        outputs, inputs = before.weight.shape[0], after.weight.shape[1]
        if inputs != outputs:
            raise ConversionError(
                f"The layer {quoted(after.name)} takes {inputs} inputs, but {quoted(before.name)} "
                f"has {outputs} outputs; expected layers that follow one another."
            )


def _ordered(names: list[str]) -> list[str]:
    """Return names in the order of the numbers in them, by which alone they may differ."""
    split = {name: NUMBER.split(name) for name in names}
    numbers = {name: tuple(map(int, parts[1::2])) for name, parts in split.items()}
    texts = {tuple(parts[::2]) for parts in split.values()}
    if len(texts) > 1 or len(set(numbers.values())) < len(names):
        raise ConversionError(
            f"The layers are called {listed(names)}; expected names that differ in a number alone, "
            "such as '0' and '2', because it tells their order."
        )
    return sorted(names, key=lambda name: numbers[name])


def _floats(what: str, value: Any) -> Matrix:
    """Return a tensor or an array as float32 or float64; halves are widened, which is exact."""
    array = _array_of_tensor(what, value) if hasattr(value, "detach") else as_array(what, value)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ConversionError(
            f"{what} holds {array.dtype} values; expected floating numbers of 16, 32 or 64 bits."
        )
    return array


def _array_of_tensor(what: str, tensor: Any) -> Any:
    """Return a tensor of PyTorch as an array."""
    try:
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point() and tensor.element_size() < 4:
            tensor = tensor.float()  # NumPy has no bfloat16
        return tensor.numpy()
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ConversionError(
            f"{what} cannot become an array ({named(error)}); expected a dense tensor with values."
        ) from error

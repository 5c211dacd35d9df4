"""From PyTorch's linear layers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handgrad.arguments import check_choice
from handgrad.convert.folding import check_finite
from handgrad.convert.modules import Read, read_module
from handgrad.convert.state_dict import linear_layers
from handgrad.convert.weight_files import read_weights
from handgrad.errors import ConversionError
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.model import Model
from handgrad.network import OUTPUTS, Network
from handgrad.quoting import named, shown
from handgrad.rows import PIXEL_SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.layers import Activation
    from handgrad.network import Output


def from_torch(
    source: Any,
    *,
    activation: Activation | Sequence[Activation] | None = None,
    output: Output | None = None,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    pixels: bool = False,
) -> Model:
    """Return linear layers of PyTorch as a model.

    Parameters
    ----------
    source : path, mapping or torch.nn.Module
        A state dict, as a mapping from names to tensors or arrays, or as a file. A name that ends
        in ``.safetensors`` is read without PyTorch, any other with `torch.load`, which runs no code
        of the file. The layers are named as in a `Sequential`, ``0.weight``, ``0.bias``,
        ``2.weight``, with any common prefix, and ordered by their numbers; a missing bias is 0.
        A `Sequential` also contains the activations; modules without an effect on predictions, such
        as `Dropout`, are left out.
    activation : str or sequence of str, optional
        One for all hidden layers, or one per hidden layer: "relu", "tanh", "logistic", "identity",
        or "leaky_relu" with the slope 0.01. A state dict does not contain it.
    output : str, optional
        The meaning of the last layer's logits: "softmax" for classes (`CrossEntropyLoss`),
        "logistic" for two classes or several labels (`BCEWithLogitsLoss`), "identity" for values
        (`MSELoss`), "exp" for counts (`PoissonNLLLoss`). It may be left out for a `Sequential` that
        ends in `Softmax`, `LogSoftmax` or `Sigmoid`.
    class_names, feature_names, image_shape : optional
        As in `handgrad.model.Model`.
    pixels : bool
        Whether the network was trained on bytes scaled by 1/255, as torchvision's `ToTensor` does:
        the model then scales ``uint8`` rows itself. By default bytes are ordinary numbers.

    Returns
    -------
    Model
        Two classes of one logistic output become a softmax of two rows, which has the same
        probabilities. Numbers of 16 bits are widened to float32.

    Raises
    ------
    ConversionError
        If something is missing, unknown, of another shape or type, or not finite.
    MissingPackageError
        If a file needs PyTorch, and PyTorch is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"0.weight": np.eye(3), "0.bias": np.zeros(3), "2.weight": np.ones((2, 3))}
    >>> from_torch(state, activation="tanh", output="softmax")
    Model(3 features, 3 hidden tanh units, 2 classes, float64)
    """
    read = _read(source)
    hidden = len(read.layers) - 1
    activations = _activations(activation, hidden, read.activations)
    output = _output(output, read.output)
    layers = [
        Layer(layer.weight, layer.bias[:, None], name)
        for layer, name in zip(read.layers, [*activations, "identity"], strict=True)
    ]
    network = Network.of_layers(layers, output)
    check_finite(network)
    fields = {"class_names": class_names, "feature_names": feature_names}
    return Model.of(
        network,
        **{name: tuple(names) for name, names in fields.items() if names is not None},
        image_shape=image_shape,
        pixels=pixels,
        scaling=PIXEL_SCALE if pixels else 1.0,
    ).as_softmax()


def _read(source: Any) -> Read:
    if isinstance(source, str | os.PathLike):
        source = read_weights(source)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):
        return read_module(source)
    if not isinstance(source, Mapping):
        raise ConversionError(
            f"A {named(type(source).__name__)} cannot become a model; expected a state dict, its "
            "file, or a torch.nn.Sequential."
        )
    return Read(linear_layers(source))


def _activations(
    given: Activation | Sequence[Activation] | None,
    hidden: int,
    read: Sequence[Activation] | None,
) -> Sequence[Activation]:
    """Return the activation of each hidden layer, as it was given, or read from the modules."""
    if given is None and read is None and hidden > 0:
        raise ConversionError(
            f"The activation of {hidden} hidden layers is not known; expected activation= with one "
            f"of {', '.join(ACTIVATIONS)}."
        )
    if given is None:
        return read or []
    several = isinstance(given, list | tuple)
    for name in given if several else [given]:
        check_choice("activation", name, ACTIVATIONS, ConversionError)
    names: list[Any] = list(given) if several else [given] * hidden
    if len(names) != hidden:
        raise ConversionError(
            f"activation holds {len(names)} names; expected {hidden}, one per hidden layer."
        )
    if read is not None and list(read) != names:
        raise ConversionError(
            f"activation is {shown(given)}, but the modules have {', '.join(read)}; expected the "
            "same, or no activation=."
        )
    return names


def _output(given: Output | None, read: Output | None) -> Output:
    if given is None:
        if read is not None:
            return read
        raise ConversionError(
            "The output is not known; expected output= with softmax for classes, logistic for two "
            "classes or several labels, identity for values, or exp for counts."
        )
    check_choice("output", given, OUTPUTS, ConversionError)
    if read not in (None, given):
        raise ConversionError(
            f"output is {shown(given)}, but the modules end in {read}; expected the same, "
            "or no output=."
        )
    return given

"""Modules of PyTorch: their linear layers, and what follows each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.convert.state_dict import Linear, check_chain, linear, linear_layers
from handgrad.errors import ConversionError
from handgrad.layers import LEAK
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handgrad.layers import Activation
    from handgrad.network import Output

# By the names of the classes in torch.nn, which is not imported here.
ACTIVATIONS: dict[str, Activation] = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "Tanh": "tanh",
    "Sigmoid": "logistic",
}
OUTPUTS: dict[str, Output] = {
    "Softmax": "softmax",
    "LogSoftmax": "softmax",
    "Sigmoid": "logistic",
}
WITHOUT_EFFECT = ("Identity", "Dropout", "AlphaDropout", "FeatureAlphaDropout")  # in a prediction


class Read(NamedTuple):
    """Linear layers, the activations between them, and the output, as far as they are known."""

    layers: Sequence[Linear]
    activations: Sequence[Activation] | None = None
    """One per hidden layer."""
    output: Output | None = None


class _Step(NamedTuple):
    """A module by its name, such as "0 (Linear)", with the name of its class."""

    name: str
    kind: str
    module: Any


def read_module(module: Any) -> Read:
    """Return the layers of a module, and its activations and output as far as it shows them.

    A `Sequential` shows its activations. If it ends in logits, its output is unknown. Any other
    module computes in its own way, so only its weights are read.
    """
    if _kind(module) not in ("Sequential", "Linear"):
        _check_parts(module)
        return Read(linear_layers(module.state_dict()))
    layers: list[Linear] = []
    after: list[list[_Step]] = []  # what follows each layer
    for step in _steps(module, ""):
        if step.kind == "Linear":
            layers.append(linear(step.name, step.module.weight, step.module.bias))
            after.append([])
        elif not after:
            raise _refusal(step, "a Linear before it")
        else:
            after[-1].append(step)
    if not layers:
        raise ConversionError("The Sequential has no Linear; expected one or more.")
    check_chain(layers)
    return Read(layers, [_activation(steps) for steps in after[:-1]], _output(after[-1]))


def _check_parts(module: Any) -> None:
    """Refuse weights that are not those of linear layers, such as those of an embedding."""
    for name, part in module.named_modules():
        has_weights = next(part.parameters(recurse=False), None) is not None
        if has_weights and _kind(part) != "Linear":
            raise _refusal(_Step(name or "itself", _kind(part), part), "weights of Linear alone")


def _steps(module: Any, name: str) -> Iterator[_Step]:
    """Yield what a module computes, in order: nested parts one by one, if they have an effect."""
    kind = _kind(module)
    if kind == "Sequential":
        for number, part in enumerate(module):  # named_children leaves out a part given twice
            yield from _steps(part, f"{name}.{number}" if name else str(number))
        return
    is_flatten = kind == "Flatten" and (module.start_dim, module.end_dim) == (1, -1)
    if kind not in WITHOUT_EFFECT and not is_flatten:
        yield _Step(name, kind, module)


def _activation(steps: list[_Step]) -> Activation:
    """Return the activation of a hidden layer from what follows it."""
    if not steps:
        return "identity"
    first, *others = steps
    if first.kind not in ACTIVATIONS:
        raise _refusal(first, f"one of {', '.join(ACTIVATIONS)}, or Identity")
    if others:
        raise _refusal(others[0], "one activation per Linear")
    if first.kind == "LeakyReLU" and first.module.negative_slope != LEAK:
        raise ConversionError(
            f"The LeakyReLU {first.name} has the slope {first.module.negative_slope:g}; "
            f"expected {LEAK:g}."
        )
    return ACTIVATIONS[first.kind]


def _output(steps: list[_Step]) -> Output | None:
    """Return the output from what follows the last layer; None for logits."""
    if not steps:
        return None
    first, *others = steps
    if first.kind not in OUTPUTS:
        raise _refusal(first, f"a Linear at the end, or one of {', '.join(OUTPUTS)}")
    if others:
        raise _refusal(others[0], f"{first.kind} at the end")
    if first.kind != "Sigmoid" and first.module.dim not in (1, -1, None):
        raise ConversionError(
            f"The {first.kind} {first.name} sums along axis {first.module.dim}; expected dim=1, "
            "over the outputs of a sample."
        )
    return OUTPUTS[first.kind]


def _kind(module: Any) -> str:
    """Return the name of a class of torch.nn; of others with their module, which matches none."""
    kind = type(module)
    is_known = kind.__module__.startswith("torch.nn.modules.")
    return kind.__name__ if is_known else f"{kind.__module__}.{kind.__name__}"


def _refusal(step: _Step, expected: str) -> ConversionError:
    return ConversionError(
        f"The module {named(step.name)} is a {named(step.kind)}; expected {expected}."
    )

"""The matrices of a forward and a backward pass, each with the formula that computes it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import backpropagation, notes, outputs
from handgrad.derivation.formulas import FORMULAS, Formula
from handgrad.derivation.numbered import numbered_formulas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from handgrad.network import Matrix, Network
    from handgrad.targets import Targets

GIVEN = {
    "X": Formula("", "X", "m×D", "the samples, one per row"),
    "W1": Formula("", "W1", "H×D", "hidden weights"),
    "b1": Formula("", "b1", "H×1", "hidden biases"),
    "W2": Formula("", "W2", "K×H", "output weights"),
    "b2": Formula("", "b2", "K×1", "output biases"),
    "y": Formula("", "y", "m", "labels, as integers"),
}


class TraceStep(NamedTuple):
    """One matrix of a pass."""

    formula: Formula
    """The formula that computes it; a matrix that is given has a formula with an empty id."""
    name: str
    value: npt.NDArray[Any]


def steps_of_pass(
    network: Network, X: Matrix, y: npt.ArrayLike | None, *, learning_rate: float
) -> Iterator[TraceStep]:
    """Yield every matrix of the pass in the order in which it is computed.

    The notes' network has the formulas F1 to U1; any other has L1 to L6, O1 to O4 and U1. Without
    targets, the pass ends with the prediction.
    """
    if not network.is_of_the_notes:
        yield from _steps_of_layers(network, X, y, learning_rate)
        return
    activations = notes.forward(network, X)
    yield from _forward(network, X, activations)
    if y is not None:
        yield from _backward(network, X, network.labels(y, m=len(X)), activations, learning_rate)


def _forward(network: Network, X: Matrix, activations: notes.Activations) -> Iterator[TraceStep]:
    Z1, A1, Z2, A2 = activations
    yield TraceStep(GIVEN["X"], "X", X)
    yield TraceStep(GIVEN["W1"], "W1", network.W1)
    yield TraceStep(GIVEN["b1"], "b1", network.b1)
    yield TraceStep(FORMULAS["F1"], "Z1", Z1)
    yield TraceStep(FORMULAS["F2"], "A1", A1)
    yield TraceStep(GIVEN["W2"], "W2", network.W2)
    yield TraceStep(GIVEN["b2"], "b2", network.b2)
    yield TraceStep(FORMULAS["F3"], "Z2", Z2)
    yield TraceStep(FORMULAS["F4"], "A2", A2)
    yield TraceStep(FORMULAS["F5"], "ŷ", notes.predict(network, X))


def _backward(
    network: Network,
    X: Matrix,
    y: npt.NDArray[Any],
    activations: notes.Activations,
    learning_rate: float,
) -> Iterator[TraceStep]:
    dZ2 = notes.output_gradient(activations.A2, y)
    backward = notes.propagate(network, X, activations, dZ2)
    yield TraceStep(GIVEN["y"], "y", y)
    yield TraceStep(FORMULAS["C1"], "C", np.array(notes.cost(network, X, y)))
    for number, name in enumerate(backward._fields, start=1):
        yield TraceStep(FORMULAS[f"B{number}"], name, getattr(backward, name))
    after = notes.descend(network, backward.gradient, learning_rate)
    for name, value in zip(("W1", "b1", "W2", "b2"), after.parameters, strict=True):
        yield TraceStep(FORMULAS["U1"], name, value)


def _steps_of_layers(
    network: Network, X: Matrix, y: npt.ArrayLike | None, learning_rate: float
) -> Iterator[TraceStep]:
    formulas = numbered_formulas(network)
    passes = backpropagation.forward(network, X)
    matrices = _forward_through_layers(network, X, passes)
    if y is not None:
        targets = network.targets(y, m=len(X))
        matrices = chain(matrices, _backward_through_layers(network, X, targets, passes))
    for name, value in matrices:
        yield TraceStep(formulas[name], name, value)
    if y is not None:
        gradient = backpropagation.backward(network, X, y, passes)
        after = backpropagation.descend(network, gradient, learning_rate)
        for name, value in _named_parameters(after):
            yield TraceStep(FORMULAS["U1"], name, value)


def _forward_through_layers(
    network: Network, X: Matrix, passes: Sequence[backpropagation.LayerPass]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "X", X
    for number, (layer, (Z, A)) in enumerate(zip(network.layers, passes, strict=True), start=1):
        yield f"W{number}", layer.W
        yield f"b{number}", layer.b
        yield f"Z{number}", Z
        yield f"A{number}", A
    yield "ŷ", outputs.predicted(passes[-1].A, network.output)


def _backward_through_layers(
    network: Network, X: Matrix, y: Targets, passes: Sequence[backpropagation.LayerPass]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "y", y
    yield "C", np.array(backpropagation.cost(network, X, y))
    dZ = outputs.output_gradient(passes[-1].A, y, network.output)
    layers = backpropagation.propagate(network, X, passes, dZ)
    for number, layer in reversed(list(enumerate(layers, start=1))):
        yield f"dZ{number}", layer.dZ
        yield f"dW{number}", layer.dW
        yield f"db{number}", layer.db
        if layer.dA_before is not None:
            yield f"dA{number - 1}", layer.dA_before


def _named_parameters(network: Network) -> Iterator[tuple[str, Matrix]]:
    for number, layer in enumerate(network.layers, start=1):
        yield f"W{number}", layer.W
        yield f"b{number}", layer.b

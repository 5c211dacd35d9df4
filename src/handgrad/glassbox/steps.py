"""The matrices of a forward and a backward pass, each with the formula that computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import notes
from handgrad.derivation.formulas import FORMULAS, Formula

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.network import Matrix, Network

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
    """Yield every matrix of the pass in the order of the notes.

    Without labels, the pass ends with the prediction, F5.
    """
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

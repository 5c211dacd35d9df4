"""Checks the formulas of the notes, F1 to U1, against values that are computed in a different way.

Derivatives are compared with central differences of the cost and with the complex step, matrix
products with sums over samples, and integer labels with one-hot labels. All checks run in float64,
on small networks of unusual shapes and, if given, on real digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import notes
from handgrad.derivation import textbook
from handgrad.derivation.comparisons import (
    CENTRAL_DIFFERENCE,
    COMPLEX_STEP,
    EXACT,
    KINK_MARGIN,
    SAME_SUM,
    Comparison,
    central_differences,
    columns,
    compare,
    complex_step,
    some_entries,
)
from handgrad.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from handgrad.derivation.textbook import Array

SHAPES = (  # m, D, H, K
    (1, 1, 1, 1),
    (1, 5, 1, 3),
    (2, 1, 2, 2),
    (7, 1, 3, 2),
    (3, 2, 5, 1),
    (5, 4, 2, 2),
    (3, 7, 4, 6),
    (16, 9, 6, 5),
)


@dataclass(frozen=True, eq=False)
class NotesCase:
    """A network of the notes on labelled rows."""

    network: Network
    X: Array  # (m,D), as notes.py gets them
    values: Array  # (m,D), the same numbers as float64
    y: Array  # (m,)


def random_case(m: int, D: int, H: int, K: int) -> NotesCase:
    """Draw a network and samples of these sizes."""
    random = np.random.default_rng([m, D, H, K])
    X = random.normal(size=(m, D))
    y = random.integers(K, size=m)
    return NotesCase(_network_off_the_kink(X, H, K), X, X, y)


def digits_case(digits: npt.NDArray[np.uint8], labels: Array) -> NotesCase:
    """Draw a network for real samples."""
    values = digits / 255 if digits.dtype == np.uint8 else digits.astype(np.float64)
    network = _network_off_the_kink(values, H=10, K=int(labels.max()) + 1)
    return NotesCase(network, digits, values, labels)


def _network_off_the_kink(X: Array, H: int, K: int) -> Network:
    """Draw networks until no pre-activation is so small that a step would cross the kink."""
    for seed in range(1000):
        network = Network.initial(
            features=X.shape[1], hidden=H, classes=K, seed=seed, dtype=np.float64, scheme="uniform"
        )
        Z1 = columns(textbook.weighted_sums(network.W1, network.b1, x) for x in X)
        if np.abs(Z1).min() > KINK_MARGIN:
            return network
    raise AssertionError("no network keeps its pre-activations off the kink")


def compare_case(case: NotesCase) -> Iterator[Comparison]:
    """Compare every formula on one case."""
    activations = notes.forward(case.network, case.X)
    yield from _compare_forward(case, activations)
    dZ2 = notes.output_gradient(activations.A2, case.y)
    backward = notes.propagate(case.network, case.X, activations, dZ2)
    gradient = notes.backward(case.network, case.X, case.y, activations)
    yield from _compare_with_sums(case, activations, backward)
    yield from _compare_inner_derivatives(case, activations, backward)
    for place, formula in enumerate(("B6", "B7", "B2", "B3")):
        yield from _compare_parameter(case, place, formula, gradient[place])
    yield from _compare_step(case, gradient)


def _compare_forward(case: NotesCase, activations: notes.Activations) -> Iterator[Comparison]:
    W1, b1, W2, b2 = case.network.parameters
    Z1, A1, Z2, A2 = activations
    one_by_one = "one sample at a time"
    Z1_sums = columns(textbook.weighted_sums(W1, b1, x) for x in case.values)
    Z2_sums = columns(textbook.weighted_sums(W2, b2, a1) for a1 in A1.T)
    yield compare("F1", one_by_one, Z1, Z1_sums, SAME_SUM)
    yield compare("F2", one_by_one, A1, columns(textbook.relu(z1) for z1 in Z1.T), EXACT)
    yield compare("F3", one_by_one, Z2, Z2_sums, SAME_SUM)
    yield compare("F4", one_by_one, A2, columns(textbook.softmax(z2) for z2 in Z2.T), SAME_SUM)
    yield compare("F4", "columns add up to 1", A2.sum(axis=0), np.ones(len(case.y)), SAME_SUM)

    predicted = np.array(notes.predict(case.network, case.X))
    largest = np.array([max(range(case.network.K), key=a2.__getitem__) for a2 in A2.T])
    yield compare("F5", one_by_one, predicted, largest, EXACT)

    cost = notes.cost(case.network, case.X, case.y)
    expected = textbook.cost(case.network.parameters, case.values, case.y)
    yield compare("C1", one_by_one, cost, expected, SAME_SUM)


def _compare_with_sums(
    case: NotesCase, activations: notes.Activations, backward: notes.BackwardPass
) -> Iterator[Comparison]:
    """Compare B1 with one-hot labels, and B2 to B7 with sums of one term per sample."""
    dZ2, dW2, db2, dA1, dZ1, dW1, db1 = backward
    Y = textbook.one_hot(case.y, case.network.K)
    W2, A1, Z1 = case.network.W2, activations.A1, activations.Z1
    sums = "sum over samples"
    yield compare("B1", "one-hot labels", dZ2, (activations.A2 - Y) / len(case.y), SAME_SUM)
    yield compare("B2", sums, dW2, textbook.sum_of_outer_products(dZ2, A1), SAME_SUM)
    yield compare("B3", sums, db2, textbook.sum_of_columns(dZ2), SAME_SUM)
    dA1_sums = columns((W2 * dz2[:, None]).sum(axis=0) for dz2 in dZ2.T)
    yield compare("B4", "one sample at a time", dA1, dA1_sums, SAME_SUM)
    yield compare("B5", "case by case", dZ1, np.where(Z1 > 0, dA1, 0), EXACT)
    yield compare("B6", sums, dW1, textbook.sum_of_outer_products(dZ1, case.values.T), SAME_SUM)
    yield compare("B7", sums, db1, textbook.sum_of_columns(dZ1), SAME_SUM)


def _compare_inner_derivatives(
    case: NotesCase, activations: notes.Activations, backward: notes.BackwardPass
) -> Iterator[Comparison]:
    """Compare B1, B4 and B5 with the complex step of the cost as a function of Z2, A1 and Z1."""
    _, _, W2, b2 = case.network.parameters

    def of_Z2(Z2: Array) -> Any:
        return textbook.cost_of_logits(Z2, case.y)

    def of_A1(A1: Array) -> Any:
        return textbook.cost_of_hidden(A1, W2, b2, case.y)

    def of_Z1(Z1: Array) -> Any:
        return of_A1(textbook.relu(Z1))

    for formula, found, function, at in (
        ("B1", backward.dZ2, of_Z2, activations.Z2),
        ("B4", backward.dA1, of_A1, activations.A1),
        ("B5", backward.dZ1, of_Z1, activations.Z1),
    ):
        entries = some_entries(at)
        expected = complex_step(function, at, entries)
        yield compare(formula, "complex step", found.flat[entries], expected, COMPLEX_STEP)


def _compare_parameter(
    case: NotesCase, place: int, formula: str, dθ: Array
) -> Iterator[Comparison]:
    """Compare one gradient with central differences and the complex step of the cost."""
    parameters = case.network.parameters
    before, at, after = parameters[:place], parameters[place], parameters[place + 1 :]

    def cost_of_notes(θ: Array) -> float:
        return notes.cost(case.network.with_parameters((*before, θ, *after)), case.X, case.y)

    def cost_of_sums(θ: Array) -> Any:
        return textbook.cost((*before, θ, *after), case.values, case.y)

    entries = some_entries(at)
    found = dθ.flat[entries]
    differences = central_differences(cost_of_notes, at, entries)
    exact = complex_step(cost_of_sums, at, entries)
    yield compare(formula, "central differences", found, differences, CENTRAL_DIFFERENCE)
    yield compare(formula, "complex step", found, exact, COMPLEX_STEP)


def _compare_step(case: NotesCase, gradient: notes.Gradient) -> Iterator[Comparison]:
    learning_rate = 0.125
    after = notes.descend(case.network, gradient, learning_rate).parameters
    for θ, dθ, found in zip(case.network.parameters, gradient, after, strict=True):
        yield compare("U1", "entry by entry", found, θ - learning_rate * dθ, SAME_SUM)
    # The first term of Taylor's series: a small step lowers the cost by η‖dθ‖².
    squared_norm = sum(float((dθ**2).sum()) for dθ in gradient)
    tiny = 1e-3 * min(1.0, 1 / squared_norm) if squared_norm > 0 else 0.0
    before = notes.cost(case.network, case.X, case.y)
    then = notes.cost(notes.descend(case.network, gradient, tiny), case.X, case.y)
    rises = float(then > before + SAME_SUM)
    yield compare("U1", "a small step does not raise the cost", rises, 0.0, EXACT)


def compare_extremes() -> Iterator[Comparison]:
    """Check the mask at exactly 0, and the largest logits that a float can hold."""
    network = Network(
        W1=np.array([[0.0, 0.0], [1.0, -1.0]]),
        b1=np.zeros((2, 1)),
        W2=np.array([[1.0, 2.0], [3.0, -1.0]]),
        b2=np.zeros((2, 1)),
    )
    X, y = np.array([[1.0, 2.0], [3.0, 3.0]]), np.array([0, 1])  # unit 2 is at exactly 0 on row 2
    activations = notes.forward(network, X)
    dZ2 = notes.output_gradient(activations.A2, y)
    backward = notes.propagate(network, X, activations, dZ2)
    at_zero = backward.dZ1[activations.Z1 == 0]
    yield compare("B5", "no gradient at exactly 0", at_zero, np.zeros(3), EXACT)

    largest = np.finfo(np.float64).max
    for size in (1e3, 1e6, largest):
        Z2, y = np.array([[size, -size], [-size, size]]), np.array([1, 1])
        A2 = notes.softmax(Z2)
        yield compare("F4", "largest logits", A2, np.eye(2), EXACT)
        losses = notes.losses(Z2, y)
        finite = np.isfinite(losses).all() and np.isfinite(losses.sum())
        yield compare("C1", "finite for any finite logits", float(finite), 1.0, EXACT)

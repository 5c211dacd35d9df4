"""Checks every formula of the notes against a value that is computed in a different way.

Derivatives are compared with central differences of the cost and with the complex step, matrix
products with sums over samples, and integer labels with one-hot labels. All checks run in float64,
on small networks of unusual shapes and, if given, on real digits. docs/derivation.md explains the
methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import notes
from handgrad.derivation import textbook
from handgrad.derivation.formulas import FORMULAS
from handgrad.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

EXACT = 0.0
SAME_SUM = 1e-12  # the same terms, added in a different order
COMPLEX_STEP = 1e-10  # exact except for rounding
CENTRAL_DIFFERENCE = 1e-6  # rounding error of the cost over the step, about 1e-16 / 1e-5 / 1e-2

STEP = float(np.cbrt(np.finfo(np.float64).eps))  # balances truncation and rounding errors
KINK_MARGIN = 1e-3  # differences must not cross the kink of the ReLU
SMALLEST_SCALE = 1e-2  # errors are relative to the largest entry, or to this if all are smaller
MOST_ENTRIES = 200  # of a matrix, at which derivatives are compared


@dataclass(frozen=True)
class Comparison:
    """One formula compared with one oracle."""

    formula: str
    method: str
    error: float
    """The largest difference, relative to the largest entry of both."""
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN never is."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class FormulaCheck:
    """All comparisons of one formula."""

    formula: str
    comparisons: tuple[Comparison, ...]

    @property
    def error(self) -> float:
        """The largest relative error."""
        return float(np.max([comparison.error for comparison in self.comparisons]))

    @property
    def passed(self) -> bool:
        """Whether there are comparisons, and all of them passed."""
        return bool(self.comparisons) and all(c.passed for c in self.comparisons)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of all comparisons, each once."""
        return tuple(dict.fromkeys(c.method for c in self.comparisons))

    @property
    def failed_methods(self) -> tuple[str, ...]:
        """The methods that found a difference."""
        return tuple(dict.fromkeys(c.method for c in self.comparisons if not c.passed))

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values for JSON, which has no infinite numbers."""
        return {
            "formula": self.formula,
            "error": self.error if np.isfinite(self.error) else None,
            "passed": self.passed,
            "methods": self.methods,
            "failed_methods": self.failed_methods,
        }


@dataclass(frozen=True, eq=False)
class _Case:
    """A network on labelled rows."""

    network: Network
    X: Array  # (m,D), as notes.py gets them
    values: Array  # (m,D), the same numbers as float64
    y: Array  # (m,)


def check_formulas(
    digits: npt.NDArray[np.uint8] | None = None, labels: npt.ArrayLike | None = None
) -> list[FormulaCheck]:
    """Check every formula of `handgrad.notes`.

    Examples
    --------
    >>> all(check.passed for check in check_formulas())
    True
    """
    cases = [_random_case(*shape) for shape in SHAPES]
    if digits is not None:
        cases.append(_digits_case(digits, np.asarray(labels)))
    comparisons = [
        comparison
        for run in (*(_compare_case(case) for case in cases), _compare_extremes())
        for comparison in _until_an_error(run)
    ]
    return [
        FormulaCheck(name, tuple(c for c in comparisons if c.formula == name)) for name in FORMULAS
    ]


def _random_case(m: int, D: int, H: int, K: int) -> _Case:
    random = np.random.default_rng([m, D, H, K])
    X = random.normal(size=(m, D))
    y = random.integers(K, size=m)
    return _Case(_network_off_the_kink(X, H, K), X, X, y)


def _digits_case(digits: npt.NDArray[np.uint8], labels: Array) -> _Case:
    values = digits / 255 if digits.dtype == np.uint8 else digits.astype(np.float64)
    network = _network_off_the_kink(values, H=10, K=int(labels.max()) + 1)
    return _Case(network, digits, values, labels)


def _network_off_the_kink(X: Array, H: int, K: int) -> Network:
    """Draw networks until no pre-activation is so small that a step would cross the kink."""
    for seed in range(1000):
        network = Network.initial(
            features=X.shape[1], hidden=H, classes=K, seed=seed, dtype=np.float64, scheme="uniform"
        )
        Z1 = _columns(textbook.weighted_sums(network.W1, network.b1, x) for x in X)
        if np.abs(Z1).min() > KINK_MARGIN:
            return network
    raise AssertionError("no network keeps its pre-activations off the kink")


def _until_an_error(comparisons: Iterator[Comparison]) -> Iterator[Comparison]:
    """Pass comparisons on; after an error, such as shapes that do not fit, fail the rest."""
    compared = set()
    try:
        for comparison in comparisons:
            compared.add(comparison.formula)
            yield comparison
    except (ValueError, TypeError, IndexError) as error:
        for formula in FORMULAS:
            if formula not in compared:
                yield Comparison(formula, f"stopped: {error}", float("inf"), EXACT)


def _compare_case(case: _Case) -> Iterator[Comparison]:
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


def _compare_forward(case: _Case, activations: notes.Activations) -> Iterator[Comparison]:
    W1, b1, W2, b2 = case.network.parameters
    Z1, A1, Z2, A2 = activations
    one_by_one = "one sample at a time"
    Z1_sums = _columns(textbook.weighted_sums(W1, b1, x) for x in case.values)
    Z2_sums = _columns(textbook.weighted_sums(W2, b2, a1) for a1 in A1.T)
    yield _compare("F1", one_by_one, Z1, Z1_sums, SAME_SUM)
    yield _compare("F2", one_by_one, A1, _columns(textbook.relu(z1) for z1 in Z1.T), EXACT)
    yield _compare("F3", one_by_one, Z2, Z2_sums, SAME_SUM)
    yield _compare("F4", one_by_one, A2, _columns(textbook.softmax(z2) for z2 in Z2.T), SAME_SUM)
    yield _compare("F4", "columns add up to 1", A2.sum(axis=0), np.ones(len(case.y)), SAME_SUM)

    predicted = np.array(notes.predict(case.network, case.X))
    largest = np.array([max(range(case.network.K), key=a2.__getitem__) for a2 in A2.T])
    yield _compare("F5", one_by_one, predicted, largest, EXACT)

    cost = notes.cost(case.network, case.X, case.y)
    expected = textbook.cost(case.network.parameters, case.values, case.y)
    yield _compare("C1", one_by_one, cost, expected, SAME_SUM)


def _compare_with_sums(
    case: _Case, activations: notes.Activations, backward: notes.BackwardPass
) -> Iterator[Comparison]:
    """Compare B1 with one-hot labels, and B2 to B7 with sums of one term per sample."""
    dZ2, dW2, db2, dA1, dZ1, dW1, db1 = backward
    Y = textbook.one_hot(case.y, case.network.K)
    W2, A1, Z1 = case.network.W2, activations.A1, activations.Z1
    sums = "sum over samples"
    yield _compare("B1", "one-hot labels", dZ2, (activations.A2 - Y) / len(case.y), SAME_SUM)
    yield _compare("B2", sums, dW2, textbook.sum_of_outer_products(dZ2, A1), SAME_SUM)
    yield _compare("B3", sums, db2, textbook.sum_of_columns(dZ2), SAME_SUM)
    dA1_sums = _columns((W2 * dz2[:, None]).sum(axis=0) for dz2 in dZ2.T)
    yield _compare("B4", "one sample at a time", dA1, dA1_sums, SAME_SUM)
    yield _compare("B5", "case by case", dZ1, np.where(Z1 > 0, dA1, 0), EXACT)
    yield _compare("B6", sums, dW1, textbook.sum_of_outer_products(dZ1, case.values.T), SAME_SUM)
    yield _compare("B7", sums, db1, textbook.sum_of_columns(dZ1), SAME_SUM)


def _compare_inner_derivatives(
    case: _Case, activations: notes.Activations, backward: notes.BackwardPass
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
        entries = _some_entries(at)
        expected = _complex_step(function, at, entries)
        yield _compare(formula, "complex step", found.flat[entries], expected, COMPLEX_STEP)


def _compare_parameter(case: _Case, place: int, formula: str, dθ: Array) -> Iterator[Comparison]:
    """Compare one gradient with central differences and the complex step of the cost."""
    parameters = case.network.parameters
    before, at, after = parameters[:place], parameters[place], parameters[place + 1 :]

    def cost_of_notes(θ: Array) -> float:
        return notes.cost(case.network.with_parameters((*before, θ, *after)), case.X, case.y)

    def cost_of_sums(θ: Array) -> Any:
        return textbook.cost((*before, θ, *after), case.values, case.y)

    entries = _some_entries(at)
    found = dθ.flat[entries]
    differences = _central_differences(cost_of_notes, at, entries)
    complex_step = _complex_step(cost_of_sums, at, entries)
    yield _compare(formula, "central differences", found, differences, CENTRAL_DIFFERENCE)
    yield _compare(formula, "complex step", found, complex_step, COMPLEX_STEP)


def _compare_step(case: _Case, gradient: notes.Gradient) -> Iterator[Comparison]:
    learning_rate = 0.125
    after = notes.descend(case.network, gradient, learning_rate).parameters
    for θ, dθ, found in zip(case.network.parameters, gradient, after, strict=True):
        yield _compare("U1", "entry by entry", found, θ - learning_rate * dθ, SAME_SUM)
    # The first term of Taylor's series: a small step lowers the cost by η‖dθ‖².
    squared_norm = sum(float((dθ**2).sum()) for dθ in gradient)
    tiny = 1e-3 * min(1.0, 1 / squared_norm) if squared_norm > 0 else 0.0
    before = notes.cost(case.network, case.X, case.y)
    then = notes.cost(notes.descend(case.network, gradient, tiny), case.X, case.y)
    rises = float(then > before + SAME_SUM)
    yield _compare("U1", "a small step does not raise the cost", rises, 0.0, EXACT)


def _compare_extremes() -> Iterator[Comparison]:
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
    yield _compare("B5", "no gradient at exactly 0", at_zero, np.zeros(3), EXACT)

    largest = np.finfo(np.float64).max
    for size in (1e3, 1e6, largest):
        Z2, y = np.array([[size, -size], [-size, size]]), np.array([1, 1])
        A2 = notes.softmax(Z2)
        yield _compare("F4", "largest logits", A2, np.eye(2), EXACT)
        losses = notes.losses(Z2, y)
        finite = np.isfinite(losses).all() and np.isfinite(losses.sum())
        yield _compare("C1", "finite for any finite logits", float(finite), 1.0, EXACT)


def _compare(formula: str, method: str, found: Any, expected: Any, tolerance: float) -> Comparison:
    return Comparison(formula, method, relative_error(found, expected), tolerance)


def relative_error(found: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the largest difference, relative to the largest entry of both (at least 0.01).

    Arrays of different shapes are infinitely far apart.

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 4.0])
    0.5
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return float("inf")
    scale = max(np.abs(found).max(), np.abs(expected).max(), SMALLEST_SCALE)
    return float(np.abs(found - expected).max() / scale)


def _columns(vectors: Iterator[Array]) -> Array:
    return np.stack(list(vectors), axis=1)


def _some_entries(at: Array) -> Array:
    """Return flat indices of entries to check: all of them, or a fixed random choice of many."""
    if at.size <= MOST_ENTRIES:
        return np.arange(at.size)
    return np.random.default_rng(0).choice(at.size, MOST_ENTRIES, replace=False)


def _central_differences(function: Callable[[Array], float], at: Array, entries: Array) -> Array:
    def slope(entry: int) -> float:
        above, below = at.copy(), at.copy()
        above.flat[entry] += STEP
        below.flat[entry] -= STEP
        return (function(above) - function(below)) / (2 * STEP)

    return np.array([slope(entry) for entry in entries])


def _complex_step(function: Callable[[Array], Any], at: Array, entries: Array) -> Array:
    tiny = 1e-200  # nothing is subtracted, so no step is too small

    def slope(entry: int) -> float:
        beside = at.astype(np.complex128)
        beside.flat[entry] += tiny * 1j
        return float(function(beside).imag) / tiny

    return np.array([slope(entry) for entry in entries])

"""Checks the formulas of any depth, L1 to O4, against values that are computed in a different way.

The networks have one layer to four, each activation, and each output with its loss. Derivatives are
compared with central differences of the cost and with the complex step, matrix products with sums
over samples, all in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad import backpropagation, layers, outputs
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
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from handgrad.backpropagation import LayerGradient, LayerPass
    from handgrad.derivation.textbook import Array
    from handgrad.layers import Activation
    from handgrad.network import Output
    from handgrad.targets import Targets

SAMPLES, FEATURES = 4, 2
HIDDEN = (4, 3, 3)  # the last of these matrices is square, so that its transpose fits, too
OUTPUTS: tuple[tuple[Output, int], ...] = (  # with K
    ("softmax", 3),
    ("logistic", 1),  # two classes
    ("logistic", 3),  # several labels
    ("identity", 2),
    ("exp", 2),
)
FORMULA_OF: dict[Activation, str] = dict(
    zip(ACTIVATIONS, ("G1", "G2", "G3", "G4", "G5"), strict=True)
)
SLOPE_AT_0: dict[Activation, float] = {
    "identity": 1,
    "logistic": 0.25,
    "tanh": 1,
    "relu": 0,
    "leaky_relu": 0.01,
}
FAR = np.array([-1000.0, 1000.0])
LIMITS: dict[Activation, Sequence[float]] = {
    "identity": (-1000, 1000),
    "logistic": (0, 1),
    "tanh": (-1, 1),
    "relu": (0, 1000),
    "leaky_relu": (-10, 1000),
}


@dataclass(frozen=True, eq=False)
class LayersCase:
    """A network of any depth on rows with targets."""

    network: Network
    X: Array  # (m,D), as backpropagation.py gets them
    values: Array  # (m,D), the same numbers as float64
    y: Targets

    @property
    def in_sums(self) -> list[textbook.Layer]:
        """The layers as the textbook takes them."""
        return [(layer.W, layer.b, layer.activation) for layer in self.network.layers]


def cases() -> Iterator[LayersCase]:
    """Draw networks of every depth: all pairs of an activation and an output, and mixed layers."""
    for which, (output, K) in enumerate(OUTPUTS):
        yield _random_case((), output, K)
        for activation in ACTIVATIONS:
            yield _random_case((activation,), output, K)
        for depth in (2, 3):
            mixed = [ACTIVATIONS[(which + layer) % len(ACTIVATIONS)] for layer in range(depth)]
            yield _random_case(mixed, output, K)


def digits_case(digits: npt.NDArray[np.uint8], labels: Array) -> LayersCase:
    """Draw a network of three layers for real samples."""
    values = digits / 255 if digits.dtype == np.uint8 else digits.astype(np.float64)
    sizes = (values.shape[1], 10, 8, int(labels.max()) + 1)
    network = _network_off_the_kinks(values, sizes, ("leaky_relu", "tanh"), "softmax")
    return LayersCase(network, digits, values, labels)


def _random_case(hidden: Sequence[Activation], output: Output, K: int) -> LayersCase:
    random = np.random.default_rng([len(hidden), K])
    X = random.normal(size=(SAMPLES, FEATURES))
    sizes = (FEATURES, *HIDDEN[: len(hidden)], K)
    network = _network_off_the_kinks(X, sizes, hidden, output)
    y: Array
    if network.predicts == "classes":
        y = random.integers(network.classes, size=SAMPLES)
    elif network.predicts == "labels":
        y = random.integers(2, size=(SAMPLES, K))
    else:
        y = random.integers(4, size=(SAMPLES, K)) / 2  # some are 0, which has no logarithm
    return LayersCase(network, X, X, network.targets(y, SAMPLES))


def _network_off_the_kinks(
    X: Array, sizes: Sequence[int], hidden: Sequence[Activation], output: Output
) -> Network:
    """Draw networks until no pre-activation is so small that a step would cross a kink."""
    for seed in range(1000):
        random = np.random.default_rng(seed)
        drawn = [
            Layer(
                random.normal(size=(after, before)) / np.sqrt(before),
                random.normal(size=(after, 1)) / 2,
                activation,
            )
            for (before, after), activation in zip(
                pairwise(sizes), (*hidden, "identity"), strict=True
            )
        ]
        if _smallest_sum(X, drawn) > KINK_MARGIN:
            return Network.of_layers(drawn, output)
    raise AssertionError("no network keeps its pre-activations off the kinks")


def _smallest_sum(X: Array, drawn: Sequence[Layer]) -> float:
    """Return the pre-activation that is closest to 0."""
    A, smallest = X.T, np.inf
    for layer in drawn:
        Z = columns(textbook.weighted_sums(layer.W, layer.b, a) for a in A.T)
        A, smallest = textbook.activate(Z, layer.activation), min(smallest, np.abs(Z).min())
    return float(smallest)


def compare_case(case: LayersCase) -> Iterator[Comparison]:
    """Compare every formula on one case."""
    network, X, y = case.network, case.X, case.y
    passes = backpropagation.forward(network, X)
    yield from _compare_forward(case, passes)
    yield from _compare_output(case, passes[-1])
    dZ = outputs.output_gradient(passes[-1].A, y, network.output)
    back = backpropagation.propagate(network, X, passes, dZ)
    gradient = backpropagation.backward(network, X, y, passes)
    yield from _compare_with_sums(case, passes, back)
    yield from _compare_inner_derivatives(case, passes, back)
    for place, dθ in enumerate(gradient):
        yield from _compare_parameter(case, place, dθ)
    yield from _compare_step(case, gradient)


def _compare_forward(case: LayersCase, passes: Sequence[LayerPass]) -> Iterator[Comparison]:
    one_by_one = "one sample at a time"
    A = case.values.T
    for layer, of_layer in zip(case.network.layers, passes, strict=True):
        Z = columns(textbook.weighted_sums(layer.W, layer.b, a) for a in A.T)
        yield compare("L1", one_by_one, of_layer.Z, Z, SAME_SUM)
        A = of_layer.A
        if of_layer is not passes[-1]:
            expected = textbook.activate(of_layer.Z, layer.activation)
            yield compare("L2", "definition", A, expected, SAME_SUM)


def _compare_output(case: LayersCase, last: LayerPass) -> Iterator[Comparison]:
    """Compare the output, its loss, its gradient, and the prediction."""
    network, (Z, A), y = case.network, last, case.y
    output, m = network.output, len(case.y)
    expected = columns(textbook.output_of(z, output) for z in Z.T)
    yield compare("O1", f"{output}: one sample at a time", A, expected, SAME_SUM)

    cost = backpropagation.cost(network, case.X, y)
    by_sums = textbook.cost_after(case.in_sums, output, case.values.T, y)
    yield compare("O2", f"{output}: one sample at a time", cost, by_sums, SAME_SUM)

    dZ = outputs.output_gradient(A, y, output)
    Y = textbook.one_hot(y, network.K) if output == "softmax" else np.reshape(y, (m, -1)).T
    yield compare("O3", f"{output}: with Y", dZ, (A - Y) / m, SAME_SUM)
    entries = some_entries(Z)
    slopes = complex_step(lambda Z: textbook.cost_after([], output, Z, y), Z, entries)
    yield compare("O3", f"{output}: complex step", dZ.flat[entries], slopes, COMPLEX_STEP)

    predicted = outputs.predicted(A, output)
    one_by_one = np.array([_predicted(a, network) for a in A.T])
    yield compare("O4", f"{output}: one sample at a time", predicted, one_by_one, EXACT)


def _predicted(a: Array, network: Network) -> Any:
    if network.output == "softmax":
        return max(range(network.K), key=a.__getitem__)
    if network.output == "logistic":
        labels = [int(share > 1 - share) for share in a]
        return labels[0] if network.K == 1 else labels
    return a


def _compare_with_sums(
    case: LayersCase, passes: Sequence[LayerPass], back: Sequence[LayerGradient]
) -> Iterator[Comparison]:
    """Compare L3 to L6 with sums of one term per sample."""
    before = [case.values.T, *(of_layer.A for of_layer in passes[:-1])]
    sums = "sum over samples"
    for layer, A, (dZ, dW, db, dA) in zip(case.network.layers, before, back, strict=True):
        yield compare("L3", sums, dW, textbook.sum_of_outer_products(dZ, A), SAME_SUM)
        yield compare("L4", sums, db, textbook.sum_of_columns(dZ), SAME_SUM)
        if dA is not None:
            expected = columns((layer.W * dz[:, None]).sum(axis=0) for dz in dZ.T)
            yield compare("L5", "one sample at a time", dA, expected, SAME_SUM)
    for layer, (Z, _), here, after in zip(
        case.network.layers, passes, back, back[1:], strict=False
    ):
        slopes = _slopes(Z, layer.activation)
        yield compare("L6", "entry by entry", here.dZ, after.dA_before * slopes, SAME_SUM)


def _slopes(Z: Array, activation: Activation) -> Array:
    """Return g′(Z) by the complex step."""
    tiny = 1e-200
    slopes: Array = textbook.activate(Z + tiny * 1j, activation).imag / tiny
    return slopes


def _compare_inner_derivatives(
    case: LayersCase, passes: Sequence[LayerPass], back: Sequence[LayerGradient]
) -> Iterator[Comparison]:
    """Compare L5 and L6 with the complex step of the cost as a function of A_l and Z_l."""
    for place, (Z, A) in enumerate(passes[:-1]):
        activation = case.network.layers[place].activation
        of_A = partial(
            textbook.cost_after, case.in_sums[place + 1 :], case.network.output, targets=case.y
        )

        def of_Z(Z: Array, of_A: Any = of_A, activation: str = activation) -> Any:
            return of_A(textbook.activate(Z, activation))

        dA, dZ = back[place + 1].dA_before, back[place].dZ
        for formula, found, function, at in (("L5", dA, of_A, A), ("L6", dZ, of_Z, Z)):
            entries = some_entries(at)
            expected = complex_step(function, at, entries)
            yield compare(
                formula, "complex step", np.asarray(found).flat[entries], expected, COMPLEX_STEP
            )


def _compare_parameter(case: LayersCase, place: int, dθ: Array) -> Iterator[Comparison]:
    """Compare one gradient with central differences and the complex step of the cost."""
    network = case.network
    parameters, activations = network.parameters, [layer.activation for layer in network.layers]
    before, at, after = parameters[:place], parameters[place], parameters[place + 1 :]

    def cost_of_layers(θ: Array) -> float:
        changed = network.with_parameters((*before, θ, *after))
        return backpropagation.cost(changed, case.X, case.y)

    def cost_of_sums(θ: Array) -> Any:
        moved = (*before, θ, *after)
        in_sums: list[textbook.Layer] = list(zip(moved[::2], moved[1::2], activations, strict=True))
        return textbook.cost_after(in_sums, network.output, case.values.T, case.y)

    formula = "L4" if place % 2 else "L3"
    if dθ.shape != at.shape:
        yield compare(formula, "shape of the parameter", dθ, at, EXACT)
        return
    entries = some_entries(at)
    found = dθ.flat[entries]
    differences = central_differences(cost_of_layers, at, entries)
    yield compare(formula, "central differences", found, differences, CENTRAL_DIFFERENCE)
    slopes = complex_step(cost_of_sums, at, entries)
    yield compare(formula, "complex step", found, slopes, COMPLEX_STEP)


def _compare_step(case: LayersCase, gradient: Sequence[Array]) -> Iterator[Comparison]:
    learning_rate = 0.125
    after = backpropagation.descend(case.network, gradient, learning_rate).parameters
    for θ, dθ, found in zip(case.network.parameters, gradient, after, strict=True):
        yield compare("U1", "any depth: entry by entry", found, θ - learning_rate * dθ, SAME_SUM)


def compare_activations() -> Iterator[Comparison]:
    """Compare each activation with its definition, and its slope with derivatives of that."""
    Z = np.linspace(-6, 6, 96)  # 0 is none of them
    entries = np.arange(Z.size)
    for activation, formula in FORMULA_OF.items():
        A = layers.activate(Z, activation)
        found = layers.slope(A, activation)
        yield compare(formula, "definition", A, textbook.activate(Z, activation), SAME_SUM)
        differences = central_differences(partial(_sum_of, activation), Z, entries)
        yield compare(formula, "central differences", found, differences, CENTRAL_DIFFERENCE)
        yield compare(formula, "complex step", found, _slopes(Z, activation), COMPLEX_STEP)
        at_0 = layers.slope(layers.activate(np.zeros(1), activation), activation)
        yield compare(formula, "slope at 0", at_0, [SLOPE_AT_0[activation]], EXACT)
        far = layers.activate(FAR, activation)
        yield compare(formula, "far from 0", far, np.array(LIMITS[activation]), SAME_SUM)


def _sum_of(activation: Activation, Z: Array) -> float:
    return float(layers.activate(Z, activation).sum())


def compare_extremes() -> Iterator[Comparison]:
    """Check the outputs on logits whose exponentials overflow, and the prediction at one half."""
    for size in (1e3, 1e6, 1e300):
        Z = np.array([[size, -size]])
        yield compare("O1", "large logits", outputs.apply_output(Z, "logistic"), [[1, 0]], EXACT)
        losses = outputs.losses(Z, np.array([0, 0]), "logistic")
        yield compare("O2", "finite for any finite logits", losses, [size, 0], EXACT)
        both = np.vstack([Z, -Z])
        yield compare("O1", "large logits", outputs.apply_output(both, "softmax"), np.eye(2), EXACT)
        finite = np.isfinite(outputs.losses(both, np.array([0, 0]), "softmax")).all()
        yield compare("O2", "finite for any finite logits", float(finite), 1.0, EXACT)
    half = outputs.predicted(np.array([[0.5], [0.5]]), "logistic")
    yield compare("O4", "no label at one half", half, [[0, 0]], EXACT)

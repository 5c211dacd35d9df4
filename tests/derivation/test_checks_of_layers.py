"""The check fails on each classic mistake in a network of any depth, activation and output."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from handgrad import Network, backpropagation, layers, outputs
from handgrad.derivation import checks_of_layers
from handgrad.derivation.checks import check_formulas
from handgrad.derivation.formulas import LAYER_FORMULAS, OUTPUT_FORMULAS
from handgrad.layers import ACTIVATIONS
from handgrad.network import OUTPUTS

MODULES = (backpropagation, layers, outputs)
right = {
    name: getattr(module, name) for module in MODULES for name in dir(module) if name[0].islower()
}


@pytest.fixture
def failed(monkeypatch):
    """Plant functions in the place of others, wherever these are used; return what fails."""

    def failed(**mistakes):
        for name, mistake in mistakes.items():
            for module in MODULES:
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, mistake)
        checks = [check for check in check_formulas() if not check.passed]
        assert all(check.failed_methods for check in checks)
        return {check.formula for check in checks}

    return failed


def test_the_cases_hold_every_depth_and_every_pair_of_an_activation_and_an_output():
    networks = [case.network for case in checks_of_layers.cases()]
    assert {len(network.layers) for network in networks} == {1, 2, 3, 4}
    pairs = {
        (layer.activation, network.output) for network in networks for layer in network.layers[:-1]
    }
    assert pairs == set(product(ACTIVATIONS, OUTPUTS))
    assert {network.predicts for network in networks} == {"classes", "labels", "values"}
    assert any(network.output == "logistic" and network.K == 1 for network in networks)
    mixed = [n for n in networks if len({layer.activation for layer in n.layers[:-1]}) > 1]
    assert {len(network.layers) for network in mixed} == {3, 4}


def test_targets_of_the_cases_hold_every_kind():
    for case in checks_of_layers.cases():
        if case.network.output == "exp":
            assert (case.y == 0).any()  # 0 log 0
            assert (case.y > 0).any()
        if case.network.predicts == "labels":
            assert set(case.y.flat) == {0, 1}


SLOPES = {
    "identity": {
        "none": lambda A: np.zeros_like(A),
        "the activation itself": lambda A: A,
    },
    "logistic": {
        "forgotten factor": lambda A: 1 - A,
        "wrong sign": lambda A: A * (A - 1),
        "plus": lambda A: A * (1 + A),
        "applied to the slope of the sum": lambda A: (
            right["logistic"](A) * (1 - right["logistic"](A))
        ),
    },
    "tanh": {
        "no square": lambda A: 1 - A,
        "plus": lambda A: 1 + A * A,
        "that of logistic": lambda A: A * (1 - A),
        "from Z": lambda A: 1 - np.tanh(A) ** 2,
    },
    "relu": {
        "open at 0": lambda A: (A >= 0).astype(A.dtype),
        "the activation itself": lambda A: A,
        "leaky": lambda A: np.where(A > 0, 1.0, 0.01),
    },
    "leaky_relu": {
        "no leak": lambda A: (A > 0).astype(A.dtype),
        "larger leak": lambda A: np.where(A > 0, 1.0, 0.1),
        "sides swapped": lambda A: np.where(A > 0, 0.01, 1.0),
        "open at 0": lambda A: np.where(A >= 0, 1.0, 0.01),
    },
}


@pytest.mark.parametrize(
    ("activation", "mistake"), [(name, which) for name in SLOPES for which in SLOPES[name]]
)
def test_a_wrong_slope_is_caught_in_the_row_of_its_activation(failed, activation, mistake):
    change = SLOPES[activation][mistake]

    def slope(A, which):
        return change(A) if which == activation else right["slope"](A, which)

    found = failed(slope=slope)
    formula = checks_of_layers.FORMULA_OF[activation]
    of_others = {other for other in found if other.startswith("G")} - {formula}
    assert formula in found
    assert not of_others
    if mistake != "open at 0" or activation == "relu":  # no sum of the cases is exactly 0
        assert {"L3", "L4", "L6"} <= found


ACTIVATED = {
    "identity": {"doubled": lambda Z: 2 * Z},
    "logistic": {
        "wrong sign": lambda Z: right["logistic"](-Z),
        "scaled": lambda Z: right["logistic"](2 * Z),
    },
    "tanh": {
        "that of logistic": lambda Z: right["logistic"](Z),
        "by a quotient that overflows": lambda Z: (
            (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z))
        ),
    },
    "relu": {"leaky": lambda Z: np.where(Z > 0, Z, 0.01 * Z), "magnitude": lambda Z: np.abs(Z)},
    "leaky_relu": {
        "no leak": lambda Z: np.maximum(0, Z),
        "minus": lambda Z: np.where(Z > 0, Z, -0.01 * Z),
    },
}


@pytest.mark.parametrize(
    ("activation", "mistake"), [(name, which) for name in ACTIVATED for which in ACTIVATED[name]]
)
def test_a_wrong_activation_is_caught_in_its_row(failed, activation, mistake):
    change = ACTIVATED[activation][mistake]

    def activate(Z, which):
        with np.errstate(over="ignore", invalid="ignore"):
            return change(Z) if which == activation else right["activate"](Z, which)

    found = failed(activate=activate)
    assert checks_of_layers.FORMULA_OF[activation] in found
    if "overflows" not in mistake:
        assert "L2" in found


def propagate_with(**changes):
    """Return `propagate` with one matrix computed wrongly and all that follows from it."""
    steps = {
        "dW": lambda dZ, before, _layer: dZ @ before.T,
        "db": lambda dZ, _before, _layer: dZ.sum(axis=1, keepdims=True),
        "dA": lambda dZ, _before, layer: layer.W.T @ dZ,
    } | {name: change for name, change in changes.items() if name != "dZ"}

    def correct(dA, network, passes, number):
        return dA * layers.slope(passes[number].A, network.layers[number].activation)

    to_dZ = changes.get("dZ", correct)

    def propagate(network, X, passes, dZ):
        before = [network.rows(X).T, *(p.A for p in passes[:-1])]
        found = []
        for number in reversed(range(len(network.layers))):
            layer = network.layers[number]
            dW, db = (steps[name](dZ, before[number], layer) for name in ("dW", "db"))
            dA = steps["dA"](dZ, before[number], layer) if number else None
            found.append(backpropagation.LayerGradient(dZ, dW, db, dA))
            dZ = to_dZ(dA, network, passes, number - 1) if number else None
        return found[::-1]

    return propagate


def test_the_harness_of_planted_mistakes_plants_none_by_itself(failed):
    assert failed(propagate=propagate_with()) == set()


def not_transposed(dZ, _before, layer):
    return layer.W @ dZ


def not_transposed_where_it_fits(dZ, _before, layer):
    rows, columns = layer.W.shape
    return (layer.W if rows == columns else layer.W.T) @ dZ


def transposed_weights(dZ, before, _layer):
    return before @ dZ.T


def transposed_weights_where_it_fits(dZ, before, _layer):
    dW = dZ @ before.T
    return dW.T if len(dZ) == len(before) else dW


def shifted_to_the_next_layer(dA, network, passes, number):
    activation = network.layers[number + 1].activation
    return dA * layers.slope(passes[number].A, activation)


def shifted_to_the_first_layer(dA, network, passes, number):
    return dA * layers.slope(passes[number].A, network.layers[0].activation)


def slope_of_the_sums(dA, network, passes, number):
    return dA * layers.slope(passes[number].Z, network.layers[number].activation)


def slope_of_another_layers_values(dA, network, passes, number):
    other = passes[number - 1].A if passes[number - 1].A.shape == dA.shape else passes[number].A
    return dA * layers.slope(other, network.layers[number].activation)


@pytest.mark.parametrize(
    ("changes", "caught"),
    [
        ({"dA": not_transposed}, "L5"),
        ({"dA": not_transposed_where_it_fits}, "L5"),
        ({"dA": lambda dZ, _, layer: -layer.W.T @ dZ}, "L5"),
        ({"dW": transposed_weights}, "L3"),
        ({"dW": transposed_weights_where_it_fits}, "L3"),
        ({"dW": lambda dZ, before, _: -dZ @ before.T}, "L3"),
        ({"dW": lambda dZ, before, _: dZ @ before.T / dZ.shape[1]}, "L3"),
        ({"db": lambda dZ, *_: -dZ.sum(axis=1, keepdims=True)}, "L4"),
        ({"db": lambda dZ, *_: dZ.mean(axis=1, keepdims=True)}, "L4"),
        ({"db": lambda dZ, *_: 0 * dZ[:, :1]}, "L4"),
        ({"db": lambda dZ, *_: dZ.sum(axis=1)}, "L4"),
        ({"dZ": lambda dA, *_: dA}, "L6"),
        ({"dZ": shifted_to_the_next_layer}, "L6"),
        ({"dZ": shifted_to_the_first_layer}, "L6"),
        ({"dZ": slope_of_the_sums}, "L6"),
        ({"dZ": slope_of_another_layers_values}, "L6"),
    ],
)
def test_a_mistake_in_the_backward_pass_is_caught(failed, changes, caught):
    assert caught in failed(propagate=propagate_with(**changes))


def in_deep_networks(change):
    """Return `forward` with a mistake in the second hidden layer alone, where there is one."""

    def forward(network, X):
        if len(network.layers) < 3:
            return right["forward"](network, X)
        A = network.rows(X).T
        passes: list[backpropagation.LayerPass] = []
        for number, layer in enumerate(network.layers):
            Z = layer.W @ A + layer.b
            A = right["activate"](Z, layer.activation)
            if number == 1:
                Z, A = change(layer, passes[-1].A, Z, A)
            passes.append(backpropagation.LayerPass(Z, A))
        output = right["apply_output"](Z, network.output)
        return [*passes[:-1], backpropagation.LayerPass(Z, output)]

    return forward


def without_bias(layer, before, _Z, _A):
    Z = layer.W @ before
    return Z, right["activate"](Z, layer.activation)


def without_activation(_layer, _before, Z, _A):
    return Z, Z


def bias_after_the_activation(layer, before, Z, _A):
    return Z, right["activate"](layer.W @ before, layer.activation) + layer.b


@pytest.mark.parametrize(
    ("change", "caught"),
    [(without_bias, "L1"), (without_activation, "L2"), (bias_after_the_activation, "L2")],
)
def test_a_mistake_in_one_layer_of_the_forward_pass_is_caught(failed, change, caught):
    assert caught in failed(forward=in_deep_networks(change))


OUTPUT_GRADIENTS = {
    "without 1/m": lambda dZ, _A: dZ * dZ.shape[1],
    "wrong sign": lambda dZ, _A: -dZ,
    "doubled": lambda dZ, _A: 2 * dZ,
    "with the slope of the logistic once more": lambda dZ, A: dZ * A * (1 - A),
    "without targets": lambda dZ, A: A / dZ.shape[1],
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("mistake", OUTPUT_GRADIENTS)
def test_a_wrong_gradient_of_an_output_is_caught_there_and_in_all_that_follows(
    failed, output, mistake
):
    def output_gradient(A, y, which):
        dZ = right["output_gradient"](A, y, which)
        return OUTPUT_GRADIENTS[mistake](dZ, A) if which == output else dZ

    assert {"O3", "L3", "L4", "L5", "L6"} <= failed(output_gradient=output_gradient)


def _logs(A):
    with np.errstate(divide="ignore"):
        return np.log(A)


LOSSES = {
    "softmax": {
        "wrong sign": lambda losses, *_: -losses,
        "of the probabilities": lambda _, Z, y: (
            -_logs(right["apply_output"](Z, "softmax"))[y, np.arange(len(y))]
        ),
    },
    "logistic": {
        "wrong sign": lambda losses, *_: -losses,
        "mean over labels": lambda losses, Z, _: losses / len(Z),
        "labels that are 0 left out": lambda _, Z, y: (
            np.reshape(y, (Z.shape[1], -1)).T * np.logaddexp(0, -Z)
        ).sum(axis=0),
    },
    "identity": {
        "without the half": lambda losses, *_: 2 * losses,
        "mean over values": lambda losses, Z, _: losses / len(Z),
        "not squared": lambda _, Z, y: np.abs(Z - y.T).sum(axis=0),
    },
    "exp": {
        "without y log y": lambda _, Z, y: (np.exp(Z) - y.T * Z).sum(axis=0),
        "the whole deviance": lambda losses, *_: 2 * losses,
        "squared error": lambda _, Z, y: ((np.exp(Z) - y.T) ** 2).sum(axis=0) / 2,
    },
}


@pytest.mark.parametrize(
    ("output", "mistake"), [(name, which) for name in LOSSES for which in LOSSES[name]]
)
def test_a_wrong_loss_is_caught(failed, output, mistake):
    def losses(Z, y, which):
        expected = right["losses"](Z, y, which)
        return LOSSES[output][mistake](expected, Z, y) if which == output else expected

    found = failed(losses=losses)
    assert "O2" in found
    assert "O3" not in found  # the sums of the oracle have their own loss


APPLIED = {
    "softmax": lambda Z: right["apply_output"](Z.T, "softmax").T,
    "logistic": lambda Z: np.tanh(Z),
    "identity": lambda Z: np.maximum(0, Z),
    "exp": lambda Z: np.log1p(np.exp(np.minimum(Z, 100))),
}


@pytest.mark.parametrize("output", APPLIED)
def test_a_wrong_output_is_caught(failed, output):
    def apply_output(Z, which):
        return APPLIED[output](Z) if which == output else right["apply_output"](Z, which)

    assert "O1" in failed(apply_output=apply_output)


def total_cost(network, X, y):
    return right["cost"](network, X, y) * len(X)


def biases_first(gradients):
    return backpropagation.Gradient(m for layer in gradients for m in (layer.db, layer.dW))


def last_layer_first(gradients):
    return right["gradient_of"](gradients[::-1])


def ascend(network, gradient, learning_rate):
    return right["descend"](network, gradient, -learning_rate)


def biases_forgotten(network, gradient, learning_rate):
    only = [dθ if place % 2 == 0 else 0 * dθ for place, dθ in enumerate(gradient)]
    return right["descend"](network, only, learning_rate)


def last_layer_forgotten(network, gradient, learning_rate):
    only = [*gradient[:-2], *(0 * dθ for dθ in gradient[-2:])]
    return right["descend"](network, only, learning_rate)


def predict_least(A, output):
    return A.argmin(axis=0) if output == "softmax" else right["predicted"](A, output)


def labels_at_one_half(A, output):
    return right["predicted"](np.where(A == 0.5, 1, A), output)


@pytest.mark.parametrize(
    ("name", "mistake", "caught"),
    [
        ("cost", total_cost, "O2"),
        ("gradient_of", biases_first, "L3"),
        ("gradient_of", last_layer_first, "L4"),
        ("descend", ascend, "U1"),
        ("descend", biases_forgotten, "U1"),
        ("descend", last_layer_forgotten, "U1"),
        ("predicted", predict_least, "O4"),
        ("predicted", labels_at_one_half, "O4"),
    ],
)
def test_a_mistake_anywhere_else_is_caught_by_the_row_of_its_formula(failed, name, mistake, caught):
    assert caught in failed(**{name: mistake})


def test_factors_that_do_not_fit_fail_what_they_stop_and_nothing_before(failed):
    found = failed(propagate=propagate_with(dA=not_transposed))
    assert found.isdisjoint({"F1", "B4", "L1", "L2", "O1", "O2", "O3"})
    (check,) = (check for check in check_formulas() if check.formula == "L5")
    assert any("stopped: matmul" in method for method in check.failed_methods)


def test_digits_are_checked_on_three_layers():
    random = np.random.default_rng(0)
    digits = random.integers(0, 256, size=(20, 64), dtype=np.uint8)
    case = checks_of_layers.digits_case(digits, np.arange(20) % 10)
    assert case.network.hidden == (10, 8)
    compared = list(checks_of_layers.compare_case(case))
    assert all(comparison.passed for comparison in compared)
    assert {c.formula for c in compared} >= set(LAYER_FORMULAS | OUTPUT_FORMULAS)


def test_no_case_is_of_a_dead_network():
    """A gradient of 0 would hide mistakes."""
    for case in checks_of_layers.cases():
        network: Network = case.network
        passes = backpropagation.forward(network, case.X)
        gradient = backpropagation.backward(network, case.X, case.y, passes)
        assert all(np.abs(dθ).max() > 1e-3 for dθ in gradient)

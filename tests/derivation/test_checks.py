"""The check passes on the notes as they are, and fails on each classic mistake."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network, notes
from handgrad.derivation.checks import Comparison, FormulaCheck, check_formulas, relative_error
from handgrad.derivation.formulas import ALL_FORMULAS

right = {name: getattr(notes, name) for name in dir(notes) if name[0].islower()}


def failed() -> set[str]:
    return {check.formula for check in check_formulas() if not check.passed}


def test_every_formula_is_checked_in_the_order_of_the_derivation_and_passes():
    checks = check_formulas()
    assert [check.formula for check in checks] == list(ALL_FORMULAS)
    assert [check.formula for check in checks if not check.passed] == []


def test_derivatives_are_checked_in_three_ways():
    for check in check_formulas():
        if check.formula in ("B2", "B3", "B6", "B7", "L3", "L4"):
            ways = ("sum over samples", "central differences", "complex step")
            assert check.methods == ways


def test_the_formulas_hold_on_pixels():
    random = np.random.default_rng(0)
    digits = random.integers(0, 256, size=(20, 64), dtype=np.uint8)
    assert all(check.passed for check in check_formulas(digits, np.arange(20) % 10))


def propagate_with(**changes):
    """Return `notes.propagate` with one matrix computed wrongly and all that follows from it."""

    def propagate(network, X, activations, dZ2):
        X = network.rows(X)
        matrices = {
            "dW2": lambda _known: dZ2 @ activations.A1.T,
            "db2": lambda _known: dZ2.sum(axis=1, keepdims=True),
            "dA1": lambda _known: network.W2.T @ dZ2,
            "dZ1": lambda known: known["dA1"] * (activations.Z1 > 0),
            "dW1": lambda known: known["dZ1"] @ X,
            "db1": lambda known: known["dZ1"].sum(axis=1, keepdims=True),
        } | {
            name: lambda known, change=change: change(known, network, X, activations, dZ2)
            for name, change in changes.items()
        }
        known = {"dZ2": dZ2}
        for name, compute in matrices.items():
            known[name] = compute(known)
        return notes.BackwardPass(**known)

    return propagate


def test_the_harness_of_planted_mistakes_plants_none_by_itself(monkeypatch):
    monkeypatch.setattr(notes, "propagate", propagate_with())
    assert failed() == set()


def forgotten_mask(known, *_):
    return known["dA1"]


def mask_open_at_zero(known, _network, _X, activations, _dZ2):
    return known["dA1"] * (activations.Z1 >= 0)


def mask_by_activation_value(known, _network, _X, activations, _dZ2):
    return known["dA1"] * activations.A1


def transposed_output_weights(_known, network, _X, _activations, dZ2):
    W2 = network.W2 if network.H == network.K else network.W2.T
    return W2 @ dZ2


def output_weights_not_transposed(_known, network, _X, _activations, dZ2):
    return network.W2 @ dZ2


def samples_not_features(known, _network, X, _activations, _dZ2):
    return X.T @ known["dZ1"].T


def transposed_output_gradient(_known, network, _X, activations, dZ2):
    product = activations.A1 @ dZ2.T
    return product if network.H == network.K else product.T


def wrong_sign_of_weights(_known, _network, _X, activations, dZ2):
    return -dZ2 @ activations.A1.T


def wrong_sign_of_biases(_known, _network, _X, _activations, dZ2):
    return -dZ2.sum(axis=1, keepdims=True)


def mean_instead_of_sum(_known, _network, _X, _activations, dZ2):
    return dZ2.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("changes", "caught"),
    [
        ({"dZ1": forgotten_mask}, "B5"),
        ({"dZ1": mask_open_at_zero}, "B5"),
        ({"dZ1": mask_by_activation_value}, "B5"),
        ({"dA1": transposed_output_weights}, "B4"),
        ({"dA1": output_weights_not_transposed}, "B4"),
        ({"dW1": samples_not_features}, "B6"),
        ({"dW2": transposed_output_gradient}, "B2"),
        ({"dW2": wrong_sign_of_weights}, "B2"),
        ({"db2": wrong_sign_of_biases}, "B3"),
        ({"db2": mean_instead_of_sum}, "B3"),
    ],
)
def test_a_mistake_in_the_backward_pass_is_caught(monkeypatch, changes, caught):
    monkeypatch.setattr(notes, "propagate", propagate_with(**changes))
    assert caught in failed()


def without_one_over_m(A2, y):
    return right["output_gradient"](A2, y) * A2.shape[1]


def with_wrong_sign(A2, y):
    return -right["output_gradient"](A2, y)


def without_labels(A2, _y):
    return A2 / A2.shape[1]


@pytest.mark.parametrize("mistake", [without_one_over_m, with_wrong_sign, without_labels])
def test_a_mistake_in_b1_is_caught_there_and_in_all_that_follows(monkeypatch, mistake):
    monkeypatch.setattr(notes, "output_gradient", mistake)
    assert failed() >= {"B1", "B2", "B3", "B6", "B7"}


def transposed_gradient(network, X, y, activations):
    gradient = right["backward"](network, X, y, activations)
    dW2 = gradient.dW2.T if network.H == network.K else gradient.dW2
    return gradient._replace(dW2=dW2)


def softmax_over_rows(Z2):
    return right["softmax"](Z2.T).T


def softmax_without_the_shift(Z2):
    with np.errstate(over="ignore", invalid="ignore"):
        E = np.exp(Z2)
        return E / E.sum(axis=0)


def losses_of_the_probabilities(Z2, y):
    with np.errstate(divide="ignore"):
        return -np.log(right["softmax"](Z2)[y, np.arange(Z2.shape[1])])


def ascend(network, gradient, learning_rate):
    return right["descend"](network, gradient, -learning_rate)


def predict_least(network, X):
    return right["forward"](network, X).A2.argmin(axis=0)


def forward_without_bias(network, X):
    W1, b1, W2, b2 = network.parameters
    return right["forward"](Network(W1, 0 * b1, W2, b2), X)


def forward_with_leaky_units(network, X):
    activations = right["forward"](network, X)
    return activations._replace(A1=np.where(activations.Z1 > 0, 1, 0.01) * activations.Z1)


def total_cost(network, X, y):
    return right["cost"](network, X, y) * len(X)


@pytest.mark.parametrize(
    ("name", "mistake", "caught"),
    [
        ("backward", transposed_gradient, "B2"),
        ("softmax", softmax_over_rows, "F4"),
        ("softmax", softmax_without_the_shift, "F4"),
        ("losses", losses_of_the_probabilities, "C1"),
        ("cost", total_cost, "C1"),
        ("descend", ascend, "U1"),
        ("predict", predict_least, "F5"),
        ("forward", forward_without_bias, "F1"),
        ("forward", forward_with_leaky_units, "F2"),
    ],
)
def test_a_mistake_anywhere_else_is_caught_by_the_row_of_its_formula(
    monkeypatch, name, mistake, caught
):
    monkeypatch.setattr(notes, name, mistake)
    assert caught in failed()


def test_nan_and_a_wrong_shape_never_pass():
    assert relative_error([1.0], [[1.0]]) == float("inf")
    assert not Comparison("F1", "any", relative_error([np.nan], [1.0]), tolerance=1.0).passed


def test_a_formula_without_comparisons_has_not_passed():
    assert not FormulaCheck("F1", ()).passed


def test_factors_that_do_not_fit_fail_what_they_stop_and_nothing_before(monkeypatch):
    monkeypatch.setattr(notes, "propagate", propagate_with(dA1=output_weights_not_transposed))
    assert failed().isdisjoint({"F1", "F2", "F3", "F4", "F5", "C1"})
    (b4,) = (check for check in check_formulas() if check.formula == "B4")
    assert any("stopped: matmul" in method for method in b4.failed_methods)

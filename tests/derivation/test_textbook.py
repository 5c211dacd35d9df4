"""The oracle of the checks, against matrix products, SciPy and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy import special
from sklearn import metrics

from handgrad.derivation import textbook
from strategies import layered_problems, problems


@given(problem=problems(dtype=np.float64))
def test_the_cost_is_the_mean_of_the_negative_log_probabilities(problem):
    (W1, b1, W2, b2), X, y = problem.network.parameters, problem.X, problem.y
    Z2 = W2 @ np.maximum(W1 @ X.T + b1, 0) + b2
    expected = -special.log_softmax(Z2, axis=0)[y, np.arange(len(y))].mean()
    found = textbook.cost((W1, b1, W2, b2), X, y)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(problem=problems(dtype=np.float64))
def test_the_complex_step_gives_a_derivative_to_all_digits(problem):
    """∂C/∂b2 is the mean over the samples of the probabilities less one at the labels."""
    W1, b1, W2, b2 = problem.network.parameters
    A2 = special.softmax(W2 @ np.maximum(W1 @ problem.X.T + b1, 0) + b2, axis=0)
    expected = (A2 - textbook.one_hot(problem.y, len(b2))).mean(axis=1)
    for k, slope in enumerate(expected):
        step = np.zeros(b2.shape, complex)
        step[k] = 1e-30j
        moved = textbook.cost((W1, b1, W2, b2 + step), problem.X, problem.y)
        assert moved.imag / 1e-30 == pytest.approx(slope, rel=1e-9, abs=1e-14)


def test_the_unit_of_a_negative_sum_is_off_and_of_a_sum_of_0_too():
    z = np.array([-1.0, 0.0, 2.0, -1.0 + 3j])
    assert textbook.relu(z).tolist() == [0, 0, 2, 0]


def test_one_sample_by_hand():
    W, b, x = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.5], [1.0]]), np.array([3.0, 4.0])
    assert textbook.weighted_sums(W, b, x).tolist() == [11.5, -3.0]
    np.testing.assert_allclose(textbook.softmax(np.log([1.0, 3.0])), [0.25, 0.75])
    assert textbook.loss(np.log([1.0, 3.0]), 1) == pytest.approx(np.log(4 / 3))
    assert textbook.one_hot(np.array([2, 0]), 3).tolist() == [[0, 1], [0, 0], [1, 0]]


def test_sums_over_samples_are_products_of_matrices():
    random = np.random.default_rng(3)
    left, right = random.normal(size=(4, 7)), random.normal(size=(5, 7))
    np.testing.assert_allclose(textbook.sum_of_outer_products(left, right), left @ right.T)
    found = textbook.sum_of_columns(left)
    np.testing.assert_allclose(found, left.sum(axis=1, keepdims=True))
    assert found.shape == (4, 1)


def test_activations_are_those_of_scipy():
    z = np.array([-4.0, -0.5, 0.0, 0.25, 3.0])
    np.testing.assert_allclose(textbook.activate(z, "logistic"), special.expit(z))
    np.testing.assert_allclose(textbook.activate(z, "tanh"), np.tanh(z))
    np.testing.assert_array_equal(textbook.activate(z, "relu"), [0, 0, 0, 0.25, 3])
    np.testing.assert_allclose(textbook.activate(z, "leaky_relu"), [-0.04, -0.005, 0, 0.25, 3])
    np.testing.assert_array_equal(textbook.activate(z, "identity"), z)


def test_losses_are_those_of_scikit_learn():
    random = np.random.default_rng(5)
    Z = random.normal(size=(3, 20))
    labels = random.integers(2, size=(20, 3))
    of_each = [metrics.log_loss(labels[:, k], special.expit(Z[k])) for k in range(3)]
    assert textbook.cost_after([], "logistic", Z, labels) == pytest.approx(sum(of_each))
    classes = random.integers(3, size=20)
    expected = metrics.log_loss(classes, special.softmax(Z.T, axis=1))
    assert textbook.cost_after([], "softmax", Z, classes) == pytest.approx(expected)
    values = random.normal(size=(20, 3))
    expected = 3 / 2 * metrics.mean_squared_error(values, Z.T)
    assert textbook.cost_after([], "identity", Z, values) == pytest.approx(expected)
    counts = random.integers(3, size=(20, 3))
    of_each = [metrics.mean_poisson_deviance(counts[:, k], np.exp(Z[k])) / 2 for k in range(3)]
    assert textbook.cost_after([], "exp", Z, counts) == pytest.approx(sum(of_each))


@given(problem=layered_problems())
def test_logits_through_any_depth_are_products_of_matrices(problem):
    network, X, _ = problem
    layers = [(layer.W, layer.b, layer.activation) for layer in network.layers]
    activations = {
        "identity": lambda Z: Z,
        "logistic": special.expit,
        "tanh": np.tanh,
        "relu": lambda Z: Z.clip(0),
        "leaky_relu": lambda Z: Z.clip(0) + Z.clip(None, 0) / 100,
    }
    A = X.T
    for W, b, activation in layers:
        A = activations[activation](W @ A + b)
    found = np.stack([textbook.logits(layers, x) for x in X], axis=1)
    np.testing.assert_allclose(found, A, rtol=1e-9, atol=1e-12)

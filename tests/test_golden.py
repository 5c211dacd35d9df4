"""Whole runs of descent against PyTorch's autograd in float64."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network, data, get_engine, notes

NAMES = ("W1", "b1", "W2", "b2")
TOLERANCE = 1e-10


@pytest.fixture(scope="module")
def mnist(mnist_folder):
    return data.load(mnist_folder)


def initial_network(golden) -> Network:
    return Network(*(golden[f"init_{name}"].astype(np.float64) for name in NAMES))


def assert_same(found, expected):
    """Equal to 1e-10 of the matrix's largest entry."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.fixture(scope="module")
def small(golden_folder):
    with np.load(golden_folder / "gd_512_rows_20_steps.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def whole(golden_folder):
    with np.load(golden_folder / "gd_60000_rows_500_steps.npz") as file:
        return dict(file)


def test_the_first_gradient_on_512_digits_is_pytorchs(small, mnist):
    X, y = mnist.X_train[small["indices"]], mnist.y_train[small["indices"]]
    network = initial_network(small)
    gradient = notes.backward(network, X, y, notes.forward(network, X))
    for name, matrix in zip(NAMES, gradient, strict=True):
        assert_same(matrix, small[f"grad0_{name}"])


def test_twenty_steps_on_512_digits_are_pytorchs(small, mnist):
    X, y = mnist.X_train[small["indices"]], mnist.y_train[small["indices"]]
    network, costs = get_engine("reference").descend(
        initial_network(small), X, y, learning_rate=0.1, iterations=20
    )
    np.testing.assert_allclose(costs, small["cost_512"], rtol=TOLERANCE)
    for name, parameter in zip(NAMES, network.parameters, strict=True):
        assert_same(parameter, small[f"after20_{name}"])


def test_the_first_twenty_steps_on_60000_digits_are_pytorchs(whole, mnist):
    _, costs = get_engine("reference").descend(
        initial_network(whole), mnist.X_train, mnist.y_train, learning_rate=0.1, iterations=20
    )
    np.testing.assert_allclose(costs, whole["cost"][:20], rtol=TOLERANCE)


@pytest.mark.slow
def test_five_hundred_steps_on_60000_digits_are_pytorchs(whole, mnist):
    network, costs = get_engine("reference").descend(
        initial_network(whole), mnist.X_train, mnist.y_train, learning_rate=0.1, iterations=500
    )
    np.testing.assert_allclose(costs, whole["cost"], rtol=TOLERANCE)
    final_cost = notes.cost(network, mnist.X_train, mnist.y_train)
    assert final_cost == pytest.approx(float(whole["final_cost"]), rel=TOLERANCE)
    for name, parameter in zip(NAMES, network.parameters, strict=True):
        assert_same(parameter, whole[f"after500_{name}"])
    accuracy = np.mean(notes.predict(network, mnist.X_test) == mnist.y_test)
    assert accuracy == pytest.approx(float(whole["test_accuracy"]), abs=1e-12)

"""The formulas against scikit-learn, against textbook sums, and against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from handgrad import Network, notes
from handgrad.errors import ShapeError
from strategies import problems

shapes_of_logits = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)
finite_logits = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    shapes_of_logits,
    elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
)


def scikit_learn_twin(network: Network, X, y) -> MLPClassifier:
    """scikit-learn's network with the same weights."""
    twin = MLPClassifier((network.H,), solver="sgd", batch_size=len(X), max_iter=1, alpha=0)
    twin.partial_fit(X, y, classes=np.arange(network.K))
    twin.coefs_ = [network.W1.T, network.W2.T]
    twin.intercepts_ = [network.b1[:, 0], network.b2[:, 0]]
    return twin


@pytest.fixture
def problem():
    random = np.random.default_rng(3)
    network = Network.initial(features=7, hidden=5, classes=4, dtype=np.float64, scheme="uniform")
    X = random.normal(size=(50, 7))
    return network, X, random.integers(4, size=50)


def test_probabilities_and_predictions_are_scikit_learns(problem):
    network, X, y = problem
    twin = scikit_learn_twin(network, X, y)
    np.testing.assert_allclose(notes.forward(network, X).A2.T, twin.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(notes.predict(network, X), twin.predict(X))


def test_the_cost_is_scikit_learns_log_loss(problem):
    network, X, y = problem
    probabilities = scikit_learn_twin(network, X, y).predict_proba(X)
    expected = log_loss(y, probabilities, labels=range(4))
    assert notes.cost(network, X, y) == pytest.approx(expected, rel=1e-12)


@given(problems())
def test_every_matrix_has_the_shape_of_the_notes(problem):
    network, X, y = problem
    m, H, K = len(X), network.H, network.K
    activations = notes.forward(network, X)
    assert [matrix.shape for matrix in activations] == [(H, m), (H, m), (K, m), (K, m)]
    dZ2 = notes.output_gradient(activations.A2, y)
    dZ1 = notes.propagate(network, X, activations, dZ2).dZ1
    assert (dZ2.shape, dZ1.shape) == ((K, m), (H, m))
    gradient = notes.backward(network, X, y, activations)
    for matrix, parameter in zip(gradient, network.parameters, strict=True):
        assert matrix.shape == parameter.shape
        assert matrix.dtype == network.dtype


@given(problems())
def test_the_passes_keep_the_type_of_the_network(problem):
    network, X, y = problem
    activations = notes.forward(network, X)
    after = notes.descend(network, notes.backward(network, X, y, activations), 0.1)
    assert {matrix.dtype for matrix in activations} == {network.dtype}
    assert after.dtype == network.dtype


@given(problems(dtype=np.float64))
def test_the_cost_of_all_samples_is_the_mean_of_the_costs_of_each(problem):
    network, X, y = problem
    each = [notes.cost(network, X[i : i + 1], y[i : i + 1]) for i in range(len(X))]
    assert notes.cost(network, X, y) == pytest.approx(np.mean(each), rel=1e-12, abs=1e-15)


@given(problems(dtype=np.float64))
def test_the_gradient_of_all_samples_is_the_mean_of_the_gradients_of_each(problem):
    network, X, y = problem
    each = []
    for i in range(len(X)):
        one = slice(i, i + 1)
        each.append(notes.backward(network, X[one], y[one], notes.forward(network, X[one])))
    for matrix, terms in zip(
        notes.backward(network, X, y, notes.forward(network, X)),
        zip(*each, strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(matrix, np.mean(terms, axis=0), rtol=1e-10, atol=1e-14)


@given(finite_logits)
def test_softmax_is_a_distribution_for_any_finite_logits(Z2):
    A2 = notes.softmax(Z2)
    assert A2.dtype == Z2.dtype
    assert np.isfinite(A2).all()
    assert (A2 >= 0).all()
    np.testing.assert_allclose(A2.sum(axis=0), 1, rtol=1e-5)


@given(finite_logits, st.data())
def test_losses_are_finite_and_not_negative_for_any_finite_logits(Z2, data):
    K, m = Z2.shape
    y = np.array(data.draw(st.lists(st.integers(0, K - 1), min_size=m, max_size=m)))
    losses = notes.losses(Z2, y)
    assert np.isfinite(losses).all()
    assert (losses >= 0).all()


def test_softmax_and_losses_are_finite_at_the_end_of_floating_numbers():
    for dtype in (np.float32, np.float64):
        largest = np.finfo(dtype).max
        Z2 = np.array([[largest, -largest], [-largest, largest]])
        assert np.array_equal(notes.softmax(Z2), np.eye(2))
        assert np.isfinite(notes.losses(Z2, np.array([1, 0])).sum())


def test_softmax_is_finite_where_a_plain_exponential_overflows():
    Z2 = np.array([[89.0], [0.0]], dtype=np.float32)
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(Z2[0, 0]))
    assert notes.softmax(Z2)[0, 0] == pytest.approx(1)


def test_gradient_stops_where_the_unit_is_off_and_at_exactly_zero():
    network = Network(
        W1=np.array([[1.0], [-1.0], [0.0]]),
        b1=np.zeros((3, 1)),
        W2=np.array([[1.0, 2.0, 3.0], [-1.0, 1.0, 0.5]]),
        b2=np.zeros((2, 1)),
    )
    X, y = np.array([[2.0]]), np.array([0])
    activations = notes.forward(network, X)
    dZ2 = notes.output_gradient(activations.A2, y)
    dA1, dZ1 = notes.propagate(network, X, activations, dZ2)[3:5]
    assert activations.Z1[:, 0].tolist() == [2.0, -2.0, 0.0]
    assert (dA1 != 0).all()
    assert (dZ1 != 0)[:, 0].tolist() == [True, False, False]


def test_the_labels_stay_integers():
    network = Network.initial(features=2, classes=3)
    with pytest.raises(ShapeError, match="one-hot"):
        notes.cost(network, np.ones((4, 2)), np.eye(3)[[0, 1, 2, 0]])


def test_the_backward_pass_leaves_the_forward_pass_as_it_was(problem):
    network, X, y = problem
    activations = notes.forward(network, X)
    before = [matrix.copy() for matrix in activations]
    notes.backward(network, X, y, activations)
    for matrix, copy in zip(activations, before, strict=True):
        np.testing.assert_array_equal(matrix, copy)


def test_pixels_and_scaled_pixels_give_the_same_pass():
    pixels = np.random.default_rng(0).integers(0, 256, size=(6, 9), dtype=np.uint8)
    network = Network.initial(features=9, hidden=4, classes=3, dtype=np.float64)
    from_bytes, from_floats = (notes.forward(network, X).A2 for X in (pixels, pixels / 255))
    np.testing.assert_allclose(from_bytes, from_floats, rtol=1e-13)


def test_a_step_leaves_the_network_as_it_was(problem):
    network, X, y = problem
    W1 = network.W1.copy()
    notes.descend(network, notes.backward(network, X, y, notes.forward(network, X)), 0.1)
    np.testing.assert_array_equal(network.W1, W1)

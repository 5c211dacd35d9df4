"""Initial values and networks of the estimators, against scikit-learn's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from handgrad import get_engine
from handgrad.estimator.fitting import (
    LastingPatience,
    as_network,
    as_weights_and_biases,
    check_finite,
    glorot_values,
)

if TYPE_CHECKING:
    from handgrad.network import Output

random = np.random.default_rng(4)
X = random.normal(size=(40, 5))


def scikit_learns(classes, hidden=(7,), **settings):
    y = np.arange(40) % classes
    return MLPClassifier(hidden, random_state=3, **settings).partial_fit(X, y, classes=np.unique(y))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (7, 3, 2)])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_same_random_state_draws_the_values_of_scikit_learn(classes, hidden, activation):
    options = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300}
    still = scikit_learns(classes, hidden, activation=activation, **options)
    outputs = 1 if classes == 2 else classes
    sizes = (5, *hidden, outputs)
    weights, biases = glorot_values(sizes, activation, np.float64, np.random.RandomState(3))
    for found, expected in zip(weights + biases, still.coefs_ + still.intercepts_, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["reference", "auto"])
def test_scikit_learns_arrays_make_a_network_of_the_same_probabilities(classes, name):
    trained = scikit_learns(classes, learning_rate_init=0.05)
    output: Output = "logistic" if classes == 2 else "softmax"
    network = as_network(trained.coefs_, trained.intercepts_, "relu", output)
    found = get_engine(name).predict_proba(network, X)
    np.testing.assert_allclose(found, trained.predict_proba(X), rtol=1e-10, atol=1e-14)
    weights, biases = as_weights_and_biases(network)
    for mine, theirs in zip(weights + biases, trained.coefs_ + trained.intercepts_, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_network_that_diverged_is_refused_as_scikit_learn_does(wrong):
    check_finite([np.eye(2), np.zeros(2)])
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        check_finite([np.eye(2), np.array([0.0, wrong])])


def test_patience_begins_anew_at_what_is_not_a_number():
    patience = LastingPatience(tol=0.1, iterations=1)
    assert [patience.spent(cost) for cost in (1.0, 1.0, np.nan, 1.0, np.nan, 1.0)] == [False] * 6
    assert [patience.spent(cost) for cost in (1.0, 1.0)] == [True, True]

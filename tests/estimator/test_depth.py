"""Estimators of any depth and activation: what scikit-learn's do, from the same random state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from estimator.peers import assert_same, both
from handgrad import MLPClassifier, MLPRegressor, backpropagation
from handgrad.engines import available_engines
from labelled import cancer, digits_8x8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
DEPTHS: tuple[tuple[int, ...], ...] = ((), (7,), (6, 5), (5, 4, 3), (4, 4, 4, 4))


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("hidden", DEPTHS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("source", [cancer, digits_8x8])
def test_classifiers_of_any_depth_follow_scikit_learn(source, activation, hidden, solver, engine):
    X, y = source()
    options = {"hidden_layer_sizes": hidden, "activation": activation, "solver": solver}
    # Later, scikit-learn's limit of a loss can lead lbfgs elsewhere.
    options |= {"random_state": 3, "max_iter": 2 if solver == "lbfgs" else 4}
    ours, theirs = both("MLPClassifier")
    ours = ours(**options, engine=engine).fit(X[:300], y[:300])
    theirs = theirs(**options).fit(X[:300], y[:300])
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    if solver == "lbfgs":
        np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    else:
        assert_same(ours, theirs)


@given(
    name=st.sampled_from(["MLPClassifier", "MLPRegressor"]),
    hidden=st.lists(st.integers(1, 9), max_size=4).map(tuple),
    activation=st.sampled_from(ACTIVATIONS),
    solver=st.sampled_from(["adam", "sgd"]),
    m=st.integers(2, 60),
    outputs=st.integers(1, 4),
    batch_size=st.integers(1, 30),
    weighted=st.booleans(),
    is_sparse=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_a_fit_of_any_shape_follows_scikit_learn(
    name, hidden, activation, solver, m, outputs, batch_size, weighted, is_sparse, seed
):
    random = np.random.default_rng(seed)
    X: Any = random.normal(size=(m, 3))
    y: Any = random.normal(size=(m, outputs))
    if name == "MLPClassifier":  # from two classes up, or several labels
        y = (
            np.arange(m) % (outputs + 1)
            if seed % 2
            else (random.random((m, outputs + 1)) < 0.5) * 1
        )
    elif outputs == 1:
        y = y.ravel()
    weights = random.random(m) + 0.1 if weighted else None
    options = {"hidden_layer_sizes": hidden, "activation": activation, "solver": solver}
    options |= {"batch_size": min(batch_size, m), "random_state": seed, "max_iter": 3}
    rows = sparse.csr_matrix(X) if is_sparse else X
    ours, theirs = (kind(**options).fit(rows, y, weights) for kind in both(name))
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


@pytest.mark.parametrize("engine", available_engines())
def test_a_leaky_relu_draws_the_values_of_a_relu_and_takes_the_steps_of_its_formulas(engine):
    X, y = digits_8x8()
    options: dict[str, Any] = {"hidden_layer_sizes": (8, 5), "random_state": 3, "engine": engine}
    options |= {"solver": "gd", "alpha": 0, "learning_rate_init": 0.5}
    leaky = MLPClassifier(activation="leaky_relu", max_iter=1, **options).fit(X, y)
    network = leaky.network()
    leaky.set_params(warm_start=True, max_iter=3).fit(X, y)
    for _ in range(3):
        passes = backpropagation.forward(network, X)
        gradient = backpropagation.backward(network, X, y, passes)
        network = backpropagation.descend(network, gradient, learning_rate=0.5)
    for found, expected in zip(leaky.coefs_, network.layers, strict=True):
        np.testing.assert_allclose(found, expected.W.T, atol=1e-10)
    still = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300, "max_iter": 1}
    drawn = [
        MLPClassifier(activation=name, **options | still).fit(X, y).coefs_[1]
        for name in ("relu", "leaky_relu")
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("hidden", DEPTHS, ids=str)
def test_network_and_model_give_what_the_estimator_predicts(hidden, kind, engine):
    X, y = cancer()
    y = y if kind is MLPClassifier else np.column_stack([y, 1 - y])
    fitted = kind(hidden, max_iter=2, random_state=0, engine=engine)
    if kind is MLPRegressor:
        fitted = kind("squared_error", hidden, max_iter=2, random_state=0, engine=engine)
    fitted.fit(X, y)
    network = fitted.network()
    assert network.hidden == hidden
    outputs = backpropagation.forward(network, X)[-1].A.T
    expected = fitted.predict_proba(X) if kind is MLPClassifier else fitted.predict(X)
    np.testing.assert_allclose(outputs, expected, rtol=1e-8, atol=1e-12)
    assert fitted.model().class_names == ("0", "1")
    assert network.output == ("softmax" if kind is MLPClassifier else "identity")


@pytest.mark.parametrize("engine", available_engines())
def test_callbacks_see_networks_of_any_depth(engine):
    X, y = digits_8x8()
    seen: list[Any] = []
    model = MLPClassifier((6, 5), activation="tanh", engine=engine, on_iteration=seen.append)
    expected = model.set_params(max_iter=2, random_state=0).fit(X, y).network()
    assert seen[0].network.hidden == (6, 5)
    for found, array in zip(seen[-1].network.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(found, array)

"""Every engine takes the same steps over batches, and they are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from handgrad import Network, get_engine, notes
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.errors import EngineError, ShapeError, TrainingError

every_engine = pytest.mark.parametrize(
    "engine", [get_engine(name) for name in available_engines()], ids=lambda engine: engine.name
)


@pytest.fixture
def problem():
    random = np.random.default_rng(5)
    network = Network.initial(features=4, hidden=3, classes=3, dtype=np.float64)
    return network, random.normal(size=(30, 4)), random.integers(3, size=30)


RULES = [
    Sgd(learning_rate=0.2),
    Sgd(learning_rate=0.05, momentum=0.8),
    Sgd(learning_rate=0.05, momentum=0.8, nesterov=True),
    Adam(learning_rate=0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-6),
]


@every_engine
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_batches_follow_scikit_learn(rule, engine):
    random = np.random.default_rng(3)
    X, y = random.normal(size=(50, 5)), random.integers(3, size=50)
    settings = _scikit_learn_settings(rule)
    start = _fitted(X, y, **settings | {"learning_rate_init": 1e-300, "max_iter": 1})
    expected = _fitted(X, y, **settings)
    run = engine.batches(_network(start), X, y, rule=rule, batch_size=8)
    for _ in range(4):
        costs = run.epoch()
    assert len(costs) == 7  # the last batch holds 2 rows
    for found, matrix in zip(run.network.parameters, _network(expected).parameters, strict=True):
        np.testing.assert_allclose(found, matrix, rtol=1e-9, atol=1e-12)
    sizes = [8] * 6 + [2]
    assert np.average(costs, weights=sizes) == pytest.approx(expected.loss_curve_[-1], rel=1e-9)


def _scikit_learn_settings(rule):
    settings = {"learning_rate_init": rule.learning_rate, "max_iter": 4, "batch_size": 8}
    if isinstance(rule, Adam):
        moments = {"beta_1": rule.beta_1, "beta_2": rule.beta_2, "epsilon": rule.epsilon}
        return settings | moments | {"solver": "adam"}
    momentum = {"momentum": rule.momentum, "nesterovs_momentum": rule.nesterov}
    return settings | momentum | {"solver": "sgd"}


def _fitted(X, y, **settings):
    classifier = MLPClassifier(
        hidden_layer_sizes=(4,), alpha=0, shuffle=False, random_state=5, **settings
    )
    with pytest.warns(ConvergenceWarning):
        return classifier.fit(X, y)


def _network(classifier):
    (W1, W2), (b1, b2) = classifier.coefs_, classifier.intercepts_
    return Network(W1.T, b1[:, None], W2.T, b2[:, None])


@every_engine
def test_one_batch_of_all_rows_is_a_step_of_descent(problem, engine):
    expected, costs = engine.descend(*problem, learning_rate=0.3, iterations=5)
    run = engine.batches(*problem, rule=Sgd(learning_rate=0.3), batch_size=10**6)
    found = [run.epoch() for _ in range(5)]
    np.testing.assert_allclose(np.ravel(found), costs, rtol=1e-13)
    for one, other in zip(run.network.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@every_engine
def test_an_epoch_takes_the_rows_in_their_order(problem, engine):
    network, X, y = problem
    order = np.random.default_rng(2).permutation(30)[:21]
    run = engine.batches(network, X, y, rule=Sgd(learning_rate=0.3), batch_size=8)
    costs = run.epoch(order)
    sorted_run = engine.batches(network, X[order], y[order], rule=Sgd(0.3), batch_size=8)
    np.testing.assert_allclose(costs, sorted_run.epoch(), rtol=1e-13)
    np.testing.assert_allclose(run.network.W1, sorted_run.network.W1, rtol=1e-12)
    assert len(costs) == 3


@every_engine
def test_weights_count_within_their_batch(problem, engine):
    network, X, y = problem
    weights = np.arange(30.0) % 4
    weights[:8] = 0
    rule = Sgd(learning_rate=0.3)
    run = engine.batches(network, X, y, rule=rule, batch_size=8, sample_weight=weights)
    costs = run.epoch()
    assert costs[0] == 0  # nothing counts, so nothing changes
    expected = network
    for start in (8, 16, 24):
        batch = slice(start, start + 8)
        cost, gradient = engine.cost_and_gradient(expected, X[batch], y[batch], weights[batch])
        assert costs[start // 8] == pytest.approx(cost, rel=1e-12)
        expected = notes.descend(expected, gradient, 0.3)
    np.testing.assert_allclose(run.network.W1, expected.W1, rtol=1e-12)


@every_engine
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_batches_continue_with_the_moments_of_others(rule, problem, engine):
    network, X, y = problem
    options = {"rule": rule, "batch_size": 7, "alpha": 0.1}
    whole = engine.batches(network, X, y, **options)
    whole.epoch()
    first = whole.network, whole.moments
    whole.epoch()
    parts = engine.batches(first[0], X, y, moments=first[1], **options)
    parts.epoch()
    for found, expected in zip(parts.network.parameters, whole.network.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert parts.moments.steps == whole.moments.steps


@every_engine
def test_the_rate_of_an_epoch_may_differ(problem, engine):
    run = engine.batches(*problem, rule=Sgd(learning_rate=0.5), batch_size=7)
    expected = engine.batches(*problem, rule=Sgd(learning_rate=0.1), batch_size=7)
    np.testing.assert_array_equal(run.epoch(learning_rate=0.1), expected.epoch())
    np.testing.assert_array_equal(run.network.W1, expected.network.W1)
    with pytest.raises(TrainingError, match="above 0"):
        run.epoch(learning_rate=0)


@every_engine
def test_an_epoch_stops_when_progress_says_so(problem, engine):
    network, X, y = problem
    run = engine.batches(network, X, y, rule=Sgd(), batch_size=1)
    seen = []

    def stop(progress):
        seen.append(progress)
        return True

    costs = run.epoch(np.arange(10**6) % 30, on_progress=stop)
    assert len(seen) == 1
    assert 0 < len(costs) < 10**6
    np.testing.assert_array_equal(costs, seen[0].costs)
    np.testing.assert_array_equal(run.network.W1, seen[0].network.W1)


@every_engine
@pytest.mark.parametrize("order", [[30], [-1], [[0]], [0.5], []])
def test_an_order_that_names_no_rows_is_refused(problem, engine, order):
    run = engine.batches(*problem, rule=Sgd(), batch_size=4)
    with pytest.raises(ShapeError, match="expected"):
        run.epoch(order)


@every_engine
def test_a_batch_of_nothing_is_refused(problem, engine):
    with pytest.raises(EngineError, match="whole number of 1 or more"):
        engine.batches(*problem, rule=Sgd(), batch_size=0)


@every_engine
@pytest.mark.parametrize("rule", [None, "adam", 3, Sgd])
def test_what_is_not_a_rule_is_refused_at_once(engine, rule):
    with pytest.raises(TrainingError, match="expected an Sgd or an Adam"):
        engine.batches(Network.initial(features=1), [[1.0]], [0], rule=rule, batch_size=1)


@every_engine
def test_a_rate_beyond_the_type_of_the_network_is_refused(engine):
    network = Network.initial(features=1, hidden=1, classes=2)
    with pytest.raises(TrainingError, match="which float32 cannot hold"):
        engine.descend(network, [[1.0]], [0], learning_rate=1e39, iterations=2)
    with pytest.raises(TrainingError, match="which float32 cannot hold"):
        engine.batches(network, [[1.0]], [0], rule=Sgd(1e39), batch_size=1)
    batches = engine.batches(network, [[1.0]], [0], rule=Sgd(0.1), batch_size=1)
    with pytest.raises(TrainingError, match="which float32 cannot hold"):
        batches.epoch(learning_rate=1e39)


@every_engine
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_alpha_beyond_the_type_over_one_batch_shows_in_the_cost(engine, problem):
    network, X, y = problem
    weights = np.full(len(y), 1e-300)
    batches = engine.batches(
        network.astype(np.float32), X, y, rule=Sgd(), batch_size=7, sample_weight=weights, alpha=0.1
    )
    assert not np.isfinite(batches.epoch()).all()

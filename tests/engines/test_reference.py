from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network, get_engine, notes
from handgrad.errors import EngineError, HandgradError, ShapeError
from strategies import problems

engine = get_engine("reference")


@given(problems())
def test_the_engine_gives_the_figures_of_the_notes(problem):
    network, X, y = problem
    cost, gradient = engine.cost_and_gradient(network, X, y)
    expected = notes.backward(network, X, y, notes.forward(network, X))
    np.testing.assert_allclose(cost, notes.cost(network, X, y), rtol=1e-6, atol=1e-12)
    for found, matrix in zip(gradient, expected, strict=True):
        assert found.dtype == network.dtype
        np.testing.assert_allclose(found, matrix, rtol=1e-5, atol=1e-7)


@given(problems(dtype=np.float64), st.data())
def test_a_weight_counts_as_the_row_given_so_many_times(problem, data):
    network, X, y = problem
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(y), max_size=len(y)).filter(any))
    cost, gradient = engine.cost_and_gradient(network, X, y, sample_weight=weights)
    repeated = engine.cost_and_gradient(network, X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(cost, repeated[0], rtol=1e-12, atol=1e-15)
    for found, expected in zip(gradient, repeated[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("weights", [[1, 1], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, np.inf, 1]])
def test_weights_out_of_range_are_refused(weights):
    network = Network.initial(features=2, classes=2)
    with pytest.raises(ShapeError, match="expected"):
        engine.cost_and_gradient(network, np.ones((3, 2)), [0, 1, 0], sample_weight=weights)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(bad):
    network = Network.initial(features=2, classes=2)
    X = np.array([[0.0, bad]])
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.cost_and_gradient(network, X, [0])
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.predict_proba(network, X)


@given(problems())
def test_probabilities_have_samples_as_rows(problem):
    network, X, _ = problem
    probabilities = engine.predict_proba(network, X)
    assert probabilities.shape == (len(X), network.K)
    np.testing.assert_array_equal(probabilities, notes.forward(network, X).A2.T)


def test_no_rows_have_no_probabilities():
    network = Network.initial(features=2, classes=3)
    assert engine.predict_proba(network, np.ones((0, 2))).shape == (0, 3)
    with pytest.raises(ShapeError, match="no samples"):
        engine.cost_and_gradient(network, np.ones((0, 2)), np.zeros(0, int))


@pytest.fixture
def problem():
    random = np.random.default_rng(5)
    network = Network.initial(features=4, hidden=3, classes=3, dtype=np.float64)
    return network, random.normal(size=(30, 4)), random.integers(3, size=30)


def test_a_run_is_one_step_of_the_notes_after_another(problem):
    network, X, y = problem
    last, costs = engine.descend(network, X, y, learning_rate=0.2, iterations=7)
    expected = network
    for cost in costs:
        assert cost == pytest.approx(notes.cost(expected, X, y), rel=1e-13)
        gradient = notes.backward(expected, X, y, notes.forward(expected, X))
        expected = notes.descend(expected, gradient, 0.2)
    assert len(costs) == 7
    for found, matrix in zip(last.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(found, matrix, rtol=1e-12)


def test_a_run_may_be_empty_but_not_less(problem):
    last, costs = engine.descend(*problem, learning_rate=0.2, iterations=0)
    assert last is problem[0]
    assert len(costs) == 0
    with pytest.raises(EngineError, match="expected 0 or more"):
        engine.descend(*problem, learning_rate=0.2, iterations=-1)


def test_a_weighted_run_lowers_the_weighted_cost(problem):
    network, X, y = problem
    weights = np.arange(30.0)
    last, costs = engine.descend(
        network, X, y, learning_rate=0.1, iterations=20, sample_weight=weights
    )
    assert (np.diff(costs) < 0).all()
    assert engine.cost_and_gradient(last, X, y, weights)[0] < costs[-1]


def test_progress_tells_each_cost_and_accuracy_of_the_network_at_hand(problem):
    network, X, y = problem
    seen = []
    engine.descend(network, X, y, learning_rate=0.1, iterations=4, on_progress=seen.append)
    assert [len(progress.costs) for progress in seen] == [1, 2, 3, 4]
    for progress in seen:
        assert progress.costs[-1] == pytest.approx(notes.cost(progress.network, X, y), rel=1e-13)
        right = np.mean(notes.predict(progress.network, X) == y)
        assert progress.accuracies[-1] == right


def test_a_run_stops_when_progress_says_so(problem):
    network, X, y = problem
    last, costs = engine.descend(
        network,
        X,
        y,
        learning_rate=0.1,
        iterations=9,
        on_progress=lambda progress: len(progress.costs) == 4,
    )
    expected, _ = engine.descend(network, X, y, learning_rate=0.1, iterations=3)
    assert len(costs) == 3
    np.testing.assert_array_equal(last.W1, expected.W1)


def test_pixels_and_scaled_pixels_train_alike():
    random = np.random.default_rng(1)
    pixels, y = random.integers(0, 256, (20, 6), dtype=np.uint8), random.integers(2, size=20)
    network = Network.initial(features=6, hidden=3, classes=2, dtype=np.float64)
    one, other = (
        engine.descend(network, X, y, learning_rate=0.1, iterations=5)[0]
        for X in (pixels, pixels / 255)
    )
    np.testing.assert_allclose(one.W1, other.W1, rtol=1e-12)


def test_the_engine_says_what_it_runs_on():
    assert engine.name == "reference"
    assert engine.threads >= 1
    assert engine.instruction_set


@pytest.mark.parametrize("arguments", [("quantum", None), ("reference", 0)])
def test_an_engine_that_does_not_exist_is_refused(arguments):
    name, threads = arguments
    with pytest.raises(EngineError, match="expected") as raised:
        get_engine(name, threads=threads)
    assert isinstance(raised.value, HandgradError)


def test_auto_is_an_engine_that_is_there():
    assert get_engine().name == get_engine("auto", threads=2).name == "reference"

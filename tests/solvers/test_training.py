from __future__ import annotations

import csv

import numpy as np
import pytest

from handgrad import Network, get_engine, notes
from handgrad.errors import TrainingError
from handgrad.solvers import train

engine = get_engine("reference")


@pytest.fixture
def problem():
    random = np.random.default_rng(2)
    network = Network.initial(features=4, hidden=3, classes=3)
    return network, random.normal(size=(30, 4)), random.integers(3, size=30)


def test_a_run_returns_the_engines_last_network_and_its_history(problem):
    network, X, y = problem
    run = train(network, X, y, engine=engine, learning_rate=0.2, iterations=8)
    last, costs = engine.descend(network, X, y, learning_rate=0.2, iterations=8)
    np.testing.assert_array_equal(run.network.W1, last.W1)
    np.testing.assert_array_equal(run.history.costs, costs)
    assert (run.iterations, run.stopped) == (8, False)
    assert len(run.history.accuracies) == len(run.history.seconds) == 8
    assert (np.diff(run.history.seconds) >= 0).all()
    assert run.seconds > 0


def test_a_stopped_run_keeps_the_network_of_the_lowest_cost(problem):
    network, X, y = problem
    run = train(
        network,
        X,
        y,
        engine=engine,
        learning_rate=20.0,  # far too large: the cost jumps up and down
        iterations=50,
        on_progress=lambda progress: len(progress.costs) == 12,
    )
    costs = run.history.costs
    assert (np.diff(costs) > 0).any()
    assert run.stopped
    assert run.iterations == 11
    assert notes.cost(run.network, X, y) == pytest.approx(costs.min(), rel=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0.0},
        {"learning_rate": -1.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"iterations": 0},
        {"iterations": 10**20},
    ],
)
def test_settings_out_of_range_are_refused(problem, settings):
    with pytest.raises(TrainingError, match="expected"):
        train(*problem, engine=engine, **settings)


@pytest.mark.parametrize("iterations", [1, 2, 30])
def test_a_run_that_diverges_says_what_to_do(problem, iterations):
    network, X, y = problem
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(network, X * 1e30, y, engine=engine, learning_rate=1e30, iterations=iterations)


def test_the_history_is_a_csv_of_every_step(problem):
    run = train(*problem, engine=engine, iterations=3)
    lines = list(csv.DictReader(run.history.to_csv().splitlines()))
    assert [line["iteration"] for line in lines] == ["0", "1", "2"]
    costs = [float(line["cost"]) for line in lines]
    np.testing.assert_allclose(costs, run.history.costs, rtol=1e-9)
    assert set(lines[0]) == {"iteration", "cost", "accuracy", "seconds"}


def test_a_stopped_run_can_continue_from_its_last_network(problem):
    run = train(
        *problem,
        engine=engine,
        learning_rate=0.2,
        iterations=50,
        on_progress=lambda progress: len(progress.costs) == 6,
    )
    after_five, _ = engine.descend(*problem, learning_rate=0.2, iterations=5)
    np.testing.assert_array_equal(run.last.W1, after_five.W1)

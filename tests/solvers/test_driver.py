"""The driver, over every solver: what it records, keeps, steers and ends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from handgrad import Network, get_engine, notes
from handgrad.engines import Adam, available_engines
from handgrad.errors import TrainingError
from handgrad.objective import Objective
from handgrad.solvers import (
    BatchSolver,
    Driver,
    Lbfgs,
    Patience,
    Solver,
    Training,
    full_batch_steps,
)
from handgrad.solvers.training import drive

random = np.random.default_rng(2)
X, y = random.normal(size=(30, 4)), random.integers(3, size=30)
NETWORK = Network.initial(features=4, hidden=3, classes=3)
SOLVERS: dict[str, tuple[Solver, float]] = {
    "gd": (full_batch_steps, 0.2),
    "adam": (BatchSolver(Adam(0.05), batch_size=8), 0.05),
    "lbfgs": (Lbfgs(), np.nan),
}


@pytest.fixture(params=available_engines())
def session(request):
    return get_engine(request.param).session(X, y, Objective())


def assert_same_bits(found, expected):
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", SOLVERS)
def test_progress_grows_with_the_history(session, name):
    solver, rate = SOLVERS[name]
    counts = []
    driver = Driver(9, rate, on_progress=lambda progress: counts.append(len(progress.costs)))
    result = driver.run(solver, session, NETWORK)
    assert counts == sorted(counts)
    assert counts[-1] == len(result.history.costs) == result.iterations
    assert (np.diff(result.history.seconds) >= 0).all()
    assert (result.stopped, driver.ended) == (False, True)


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_stops_at_the_next_report(session, name):
    solver, rate = SOLVERS[name]
    driver = Driver(50, rate, on_iteration=lambda it: driver.stop() if it.iteration == 3 else None)
    result = driver.run(solver, session, NETWORK)
    assert (result.iterations, result.stopped, result.converged) == (3, True, True)


@pytest.mark.parametrize("name", SOLVERS)
def test_the_best_network_has_the_lowest_figure(session, name):
    solver, rate = SOLVERS[name]
    figures = iter([3.0, 1.0, 2.0, 1.0])
    networks = []
    driver = Driver(
        4, rate, figure=lambda _: next(figures), on_iteration=lambda it: networks.append(it.network)
    )
    driver.run(solver, session, NETWORK)
    assert driver.lowest == 1.0
    assert_same_bits(driver.best, networks[1])


@pytest.mark.parametrize("stretch", [lambda _: 1, lambda taken: taken + 1, lambda _: 7])
def test_a_run_in_stretches_ends_in_the_same_bits(session, stretch):
    whole = Driver(20, 0.2).run(full_batch_steps, session, NETWORK)
    counts = []
    driver = Driver(20, 0.2, stretch=stretch, on_progress=lambda p: counts.append(len(p.costs)))
    run = driver.run(full_batch_steps, session, NETWORK)
    assert_same_bits(run.network, whole.network)
    np.testing.assert_array_equal(run.history.costs, whole.history.costs)
    np.testing.assert_array_equal(run.history.accuracies, whole.history.accuracies)
    ends = itertools.accumulate(itertools.repeat(0), lambda taken, _: taken + stretch(taken))
    assert {end for end in itertools.takewhile(lambda end: end < 20, ends) if end} <= set(counts)


def test_steered_gd_loses_no_step_and_counts_none_twice():
    engine = get_engine("reference")
    session = engine.session(X, y, Objective())

    def steer(progress):
        if len(progress.costs) == 6:  # five steps are taken, and the cost after them measured
            driver.learning_rate = 0.1

    driver = Driver(9, 0.5, on_progress=steer)
    run = driver.run(full_batch_steps, session, NETWORK)
    middle, before = engine.descend(NETWORK, X, y, learning_rate=0.5, iterations=5)
    last, after = engine.descend(middle, X, y, learning_rate=0.1, iterations=4)
    assert_same_bits(run.network, last)
    np.testing.assert_array_equal(run.history.costs, [*before, *after])
    assert (run.iterations, run.stopped, run.learning_rate) == (9, False, 0.1)


def test_steered_adam_takes_the_new_rate_in_the_next_epoch():
    session = get_engine("reference").session(X, y, Objective())
    rates = []

    def steer(iteration):
        rates.append(iteration.learning_rate)
        driver.learning_rate = 0.01

    driver = Driver(3, 0.05, on_iteration=steer)
    driver.run(BatchSolver(Adam(0.05)), session, NETWORK)
    assert rates == [0.05, 0.01, 0.01]


def test_spent_patience_ends_a_run_of_batches_alone(session):
    patience = Patience(tol=1e9, iterations=1)
    batches = Driver(50, 0.01, patience=patience).run(BatchSolver(Adam(0.01)), session, NETWORK)
    assert (batches.iterations, batches.converged, batches.stopped) == (3, True, False)
    assert (
        Driver(50, 0.01, patience=patience).run(full_batch_steps, session, NETWORK).iterations == 50
    )


@pytest.mark.parametrize("solver", [full_batch_steps, BatchSolver(Adam(1e30))], ids=["gd", "adam"])
def test_a_run_that_diverges_is_refused_if_it_must_be_finite(solver):
    session = get_engine().session(X * 1e30, y, Objective())
    with pytest.raises(TrainingError, match="lower the learning rate"):
        Driver(30, 1e30, must_be_finite=True).run(solver, session, NETWORK)
    Driver(30, 1e30).run(solver, session, NETWORK)


def test_an_interrupted_driver_knows_the_newest_network():
    session = get_engine("reference").session(X, y, Objective())

    def interrupt(progress):
        if len(progress.costs) == 4:
            raise KeyboardInterrupt

    driver = Driver(9, 0.2, on_progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run(full_batch_steps, session, NETWORK)
    expected = Driver(3, 0.2).run(full_batch_steps, session, NETWORK)
    assert driver.taken == 3
    assert_same_bits(driver.last, expected.network)


def test_a_stopped_training_run_returns_its_best_network():
    session = get_engine("reference").session(X, y, Objective())
    training = Training(learning_rate=50.0, iterations=50)
    driver = training.driver(on_progress=lambda progress: len(progress.costs) == 12)
    run = drive(driver, full_batch_steps, session, NETWORK)
    assert notes.cost(run.network, X, y) == pytest.approx(run.history.costs.min(), rel=1e-6)
    assert not np.array_equal(run.network.W1, run.last.W1)

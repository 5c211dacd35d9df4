from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest

from handgrad import Network, get_engine
from handgrad.data import Dataset
from handgrad.engines import available_engines
from handgrad.errors import TrainingError
from handgrad.glassbox.live.run import LiveRun
from handgrad.solvers import Checkpoints, RunState, Training, train

NETWORK = Network.initial(features=5, hidden=4, classes=3, seed=2)


@pytest.fixture
def dataset():
    random = np.random.default_rng(3)
    X, y = random.normal(size=(40, 5)), random.integers(3, size=40)
    return Dataset(X, y, X[:0], y[:0], ("a", "b", "c"), None)


def live_run(dataset, *, engine="auto", training=None, iterations=30, **settings):
    engine = get_engine(engine)
    training = training or Training(learning_rate=0.2, iterations=iterations)
    return LiveRun(NETWORK, dataset, engine=engine, training=training, **settings)


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("name", available_engines())
def test_a_run_that_is_watched_ends_in_the_same_bits(dataset, name, replayed, monkeypatch):
    monkeypatch.setattr("handgrad.glassbox.live.replay.SHOWN_IN", 0.3)
    run = live_run(dataset, engine=name, iterations=60, replayed=replayed).run()
    alone = train(
        NETWORK,
        dataset.X_train,
        dataset.y_train,
        engine=get_engine(name),
        learning_rate=0.2,
        iterations=60,
    )
    for there, expected in zip(run.network.parameters, alone.network.parameters, strict=True):
        np.testing.assert_array_equal(there, expected)
    np.testing.assert_array_equal(run.history.costs, alone.history.costs)
    assert (run.iterations, run.stopped) == (60, False)


def test_stopped_and_started_again_it_loses_no_step(dataset):
    live = live_run(dataset, engine="reference", iterations=20, replayed=False)
    live.run(lambda progress: len(progress.costs) == 8)
    assert (live.state().iteration, live.state().iterations) == (7, 20)
    live.run()
    whole, costs = get_engine("reference").descend(
        NETWORK, dataset.X_train, dataset.y_train, learning_rate=0.2, iterations=20
    )
    np.testing.assert_array_equal(live.snapshot().network.W1, whole.W1)
    curve = json.loads(live.snapshot().curve)
    assert [step for step, _, _ in curve] == list(range(20))
    np.testing.assert_allclose([cost for _, cost, _ in curve], costs, rtol=1e-5)


def test_each_further_start_adds_as_many_steps(dataset):
    live = live_run(dataset, iterations=10, replayed=False)
    stands = threading.Event()
    live.observe(lambda: stands.clear() if live.state().running else stands.set())
    for steps in (10, 20, 30):
        live.start()
        assert stands.wait(60)
        assert (live.state().iteration, live.state().iterations) == (steps, steps)


def test_the_learning_rate_changes_between_two_steps(dataset):
    live = live_run(dataset, engine="reference", iterations=12, replayed=False)

    def steer(progress):
        if len(progress.costs) == 6:
            live.set_learning_rate(0.05)

    run = live.run(steer)
    engine = get_engine("reference")
    middle, before = engine.descend(
        NETWORK, dataset.X_train, dataset.y_train, learning_rate=0.2, iterations=5
    )
    last, after = engine.descend(
        middle, dataset.X_train, dataset.y_train, learning_rate=0.05, iterations=7
    )
    np.testing.assert_array_equal(run.network.W1, last.W1)
    np.testing.assert_array_equal(run.history.costs, [*before, *after])
    assert not run.stopped
    assert live.state().learning_rate == 0.05


def test_stop_ends_the_run_and_keeps_the_best_network(dataset):
    live = live_run(dataset, engine="reference", iterations=1000, replayed=False)
    run = live.run(lambda progress: live.stop() if len(progress.costs) == 5 else None)
    assert run.stopped
    assert run.iterations == 4
    assert not live.state().running


def test_a_held_run_begins_by_itself_alone(dataset):
    live = live_run(dataset, iterations=5, held=True, replayed=False)
    live.start()
    assert live.state().iteration == 0
    live.run()
    live.start()
    live.close()
    assert live.state().iteration > 0


def test_a_run_stopped_before_its_first_step_has_a_result(dataset):
    live = live_run(dataset, engine="reference", replayed=False)
    live.observe(live.stop)
    run = live.run()
    assert (run.iterations, run.stopped, len(run.costs)) == (0, True, 1)
    assert run.seconds >= 0
    np.testing.assert_array_equal(run.network.W1, NETWORK.W1)


def test_a_start_while_it_closes_does_not_begin_a_run(dataset):
    class StartedLate(LiveRun):
        def stop(self):
            super().stop()
            self.start()

    training = Training(learning_rate=0.2, iterations=9)
    live = StartedLate(NETWORK, dataset, engine=get_engine(), training=training, replayed=False)
    live.close()
    assert live.state().iteration == 0


def test_a_run_does_not_begin_twice(dataset):
    live = live_run(dataset, engine="reference", iterations=9, replayed=False)
    refused = []

    def again(_progress):
        live.start()  # nothing happens
        with pytest.raises(TrainingError, match="under way already"):
            live.run()
        refused.append(True)

    assert live.run(again).iterations == 9
    assert refused


def test_a_fault_is_told_and_the_run_can_go_back(dataset):
    live = live_run(dataset, replayed=False)
    live.set_learning_rate(1e38)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        live.run()
    assert "lower the learning rate" in live.state().error
    live.set_learning_rate(0.1)
    live.reset()
    assert live.state().error is None
    assert live.run().iterations == 30


def test_observers_are_told_of_every_change(dataset):
    live = live_run(dataset, engine="reference", iterations=4, replayed=False)
    told = []
    live.observe(lambda: told.append((live.state().running, live.state().iteration)))
    live.run()
    assert told == [(True, 0), (True, 0), (True, 1), (True, 2), (True, 3), (False, 4)]


def replayed_slowly(monkeypatch, dataset, **settings):
    """Return a run whose replay shows its first picture and then waits for ever."""
    monkeypatch.setattr("handgrad.glassbox.live.replay.SHOWN_IN", 1e9)
    monkeypatch.setattr("handgrad.glassbox.live.replay.BETWEEN_PICTURES", 1e7)
    monkeypatch.setattr("handgrad.glassbox.live.replay.TOO_SHORT", 1e9)
    return live_run(dataset, engine="reference", **settings)


def test_stop_in_a_replay_keeps_the_network_shown(dataset, monkeypatch):
    live = replayed_slowly(monkeypatch, dataset, iterations=100)
    computed = threading.Event()
    threading.Thread(target=lambda: computed.wait(60) and live.stop()).start()
    run = live.run(lambda progress: computed.set() if len(progress.costs) == 100 else None)
    shown = live.snapshot()
    assert run.stopped
    assert 0 <= run.iterations == shown.iteration < 100
    assert run.network is run.last is shown.network
    expected, costs = get_engine("reference").descend(
        NETWORK, dataset.X_train, dataset.y_train, learning_rate=0.2, iterations=shown.iteration
    )
    np.testing.assert_array_equal(run.network.W1, expected.W1)
    np.testing.assert_array_equal(run.history.costs[: run.iterations], costs)
    assert len(run.history.costs) == max(run.iterations, 1)
    assert all(step <= shown.iteration for step, _, _ in json.loads(shown.curve))


def test_a_new_learning_rate_in_a_replay_continues_from_the_network_shown(dataset, monkeypatch):
    live = replayed_slowly(monkeypatch, dataset, iterations=100)
    steered: list[int] = []

    def steer(progress):
        if len(progress.costs) == 100 and not steered:
            steered.append(live.snapshot().iteration)
            live.set_learning_rate(0.05)
        elif len(progress.costs) == 100:
            live.stop()

    run = live.run(steer)
    engine = get_engine("reference")
    rows = dataset.X_train, dataset.y_train
    middle, before = engine.descend(NETWORK, *rows, learning_rate=0.2, iterations=steered[0])
    last, after = engine.descend(
        middle, *rows, learning_rate=0.05, iterations=run.iterations - steered[0]
    )
    np.testing.assert_array_equal(run.network.W1, last.W1)
    np.testing.assert_array_equal(run.history.costs[: run.iterations], [*before, *after])
    assert live.state().learning_rate == 0.05


def test_a_replay_shows_every_picture_in_its_order(dataset, monkeypatch):
    monkeypatch.setattr("handgrad.glassbox.live.replay.SHOWN_IN", 0.4)
    live = live_run(dataset, iterations=200)
    shown = []
    live.observe(lambda: shown.append((live.snapshot().iteration, live.snapshot().curve)))
    assert live.run().iterations == 200
    iterations = [iteration for iteration, _ in shown]
    assert iterations == sorted(iterations)
    assert iterations[-1] == 200
    assert len(set(iterations)) >= 6
    curve = json.loads(shown[-1][1])
    assert curve[-1][0] == 199


@pytest.mark.parametrize("learning_rate", [0, -1, float("nan"), float("inf")])
def test_a_learning_rate_out_of_range_is_refused(dataset, learning_rate):
    live = live_run(dataset)
    with pytest.raises(TrainingError, match="expected"):
        live.set_learning_rate(learning_rate)
    assert live.state().learning_rate == 0.2


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_every_solver_can_be_watched_and_ends_in_the_same_bits(dataset, solver):
    training = Training(solver)
    live = live_run(dataset, training=training, replayed=False)
    run = live.run()
    rows = dataset.X_train, dataset.y_train
    alone = train(NETWORK, *rows, engine=get_engine(), solver=solver)
    np.testing.assert_array_equal(run.network.W1, alone.network.W1)
    np.testing.assert_array_equal(run.history.costs, alone.history.costs)
    assert live.state().iteration == run.iterations
    assert live.state().unit == training.steps_or_epochs.removesuffix("s")


def test_the_learning_rate_of_epochs_changes_between_two_epochs(dataset):
    live = live_run(dataset, training=Training("adam", epochs=4), replayed=False)
    rates = []

    def steer(_progress):
        rates.append(live.state().learning_rate)
        live.set_learning_rate(0.01)

    assert live.run(steer).learning_rate == 0.01
    assert rates == [0.001, 0.01, 0.01, 0.01]


def test_lbfgs_has_no_learning_rate_to_change(dataset):
    live = live_run(dataset, training=Training("lbfgs"), replayed=False)
    with pytest.raises(TrainingError, match="lbfgs has no learning rate"):
        live.set_learning_rate(0.5)
    assert live.state().learning_rate is None


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_a_watched_run_continues_from_a_state(dataset, solver):
    planned: dict[str, Any] = {Training(solver).unit: 12}
    training = Training(solver, **planned)
    rows = dataset.X_train, dataset.y_train
    settings = training.settings
    half = train(NETWORK, *rows, engine=get_engine(), **settings | {training.unit: 5})
    whole = train(NETWORK, *rows, engine=get_engine(), **settings)
    states: list[RunState] = []
    live = live_run(dataset, training=training, start=half.state, replayed=False)
    assert live.state().iteration == 5
    run = live.run(None, Checkpoints(states.append, every="4"))
    np.testing.assert_array_equal(run.network.W1, whole.network.W1)
    np.testing.assert_array_equal(run.history.costs, whole.history.costs)
    assert (run.iterations, live.state().iteration) == (12, 12)
    assert [state.iterations for state in states] == [8, 12]
    curve = json.loads(live.snapshot().curve)
    assert [step for step, _, _ in curve] == [training.first + step for step in range(12)]
    live.reset()
    assert live.state().iteration == 5


def test_a_finished_run_is_shown_and_continues_from_the_page_alone(dataset):
    training = Training(iterations=9)
    done = train(NETWORK, dataset.X_train, dataset.y_train, engine=get_engine(), iterations=9)
    live = live_run(dataset, training=training, start=done.state)
    assert live.run().iterations == 9
    assert live.run().iterations == 18


def test_stop_in_a_replay_leaves_the_checkpoint_of_the_network_shown(dataset, monkeypatch):
    live = replayed_slowly(monkeypatch, dataset, iterations=100)
    computed = threading.Event()
    threading.Thread(target=lambda: computed.wait(60) and live.stop()).start()
    states: list[RunState] = []
    run = live.run(
        lambda progress: computed.set() if len(progress.costs) == 100 else None,
        Checkpoints(states.append),
    )
    assert states[-1].iterations == run.iterations
    np.testing.assert_array_equal(states[-1].network.W1, run.network.W1)
    whole = train(
        NETWORK,
        dataset.X_train,
        dataset.y_train,
        engine=get_engine("reference"),
        learning_rate=0.2,
        iterations=100,
    )
    live = live_run(
        dataset,
        engine="reference",
        training=Training(learning_rate=0.2, iterations=100),
        start=states[-1],
        replayed=False,
    )
    np.testing.assert_array_equal(live.run().network.W1, whole.network.W1)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "lbfgs"])
def test_any_run_stopped_before_its_first_iteration_has_a_result(dataset, solver):
    live = live_run(dataset, engine="reference", training=Training(solver), replayed=False)
    live.observe(live.stop)
    run = live.run()
    assert (run.iterations, run.stopped, len(run.costs)) == (0, True, 1)
    np.testing.assert_array_equal(run.network.W1, NETWORK.W1)


def test_sgd_keeps_its_moments_when_it_is_stopped_and_started_again(dataset):
    training = Training("sgd", epochs=12, momentum=0.9)
    live = live_run(dataset, training=training, replayed=False)
    live.run(lambda progress: len(progress.costs) == 5)
    assert live.state().iteration == 5
    whole = train(
        NETWORK, dataset.X_train, dataset.y_train, engine=get_engine(), **training.settings
    )
    np.testing.assert_array_equal(live.run().network.W1, whole.network.W1)

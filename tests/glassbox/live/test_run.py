from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from handgrad import Network, get_engine
from handgrad.data import Dataset
from handgrad.engines import available_engines
from handgrad.errors import TrainingError
from handgrad.glassbox.live.curve import MOST_POINTS, Curve
from handgrad.glassbox.live.pace import SHOWN_IN, Pace
from handgrad.glassbox.live.run import LiveRun
from handgrad.training import train

NETWORK = Network.initial(features=5, hidden=4, classes=3, seed=2)


@pytest.fixture
def dataset():
    random = np.random.default_rng(3)
    X, y = random.normal(size=(40, 5)), random.integers(3, size=40)
    return Dataset(X, y, X[:0], y[:0], ("a", "b", "c"), None)


def live_run(dataset, *, engine="auto", iterations=30, **settings):
    engine = get_engine(engine)
    return LiveRun(
        NETWORK, dataset, engine=engine, learning_rate=0.2, iterations=iterations, **settings
    )


@pytest.mark.parametrize("paced", [False, True])
@pytest.mark.parametrize("name", available_engines())
def test_a_run_that_is_watched_ends_in_the_same_bits(dataset, name, paced, monkeypatch):
    monkeypatch.setattr("handgrad.glassbox.live.pace.SHOWN_IN", 0.3)
    run = live_run(dataset, engine=name, iterations=60, paced=paced).run()
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
    live = live_run(dataset, engine="reference", iterations=20, paced=False)
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
    live = live_run(dataset, iterations=10, paced=False)
    stands = threading.Event()
    live.observe(lambda: stands.clear() if live.state().running else stands.set())
    for steps in (10, 20, 30):
        live.start()
        assert stands.wait(60)
        assert (live.state().iteration, live.state().iterations) == (steps, steps)


def test_the_learning_rate_changes_between_two_steps(dataset):
    live = live_run(dataset, engine="reference", iterations=12, paced=False)

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
    live = live_run(dataset, engine="reference", iterations=1000, paced=False)
    run = live.run(lambda progress: live.stop() if len(progress.costs) == 5 else None)
    assert run.stopped
    assert run.iterations == 4
    assert not live.state().running


def test_a_held_run_begins_by_itself_alone(dataset):
    live = live_run(dataset, iterations=5, held=True, paced=False)
    live.start()
    assert live.state().iteration == 0
    live.run()
    live.start()
    live.close()
    assert live.state().iteration > 0


def test_a_run_does_not_begin_twice(dataset):
    live = live_run(dataset, engine="reference", iterations=9, paced=False)
    refused = []

    def again(_progress):
        live.start()  # nothing happens
        with pytest.raises(TrainingError, match="goes on already"):
            live.run()
        refused.append(True)

    assert live.run(again).iterations == 9
    assert refused


def test_a_fault_is_told_and_the_run_can_go_back(dataset):
    live = live_run(dataset, paced=False)
    live.set_learning_rate(1e38)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        live.run()
    assert "lower the learning rate" in live.state().error
    live.set_learning_rate(0.1)
    live.reset()
    assert live.state().error is None
    assert live.run().iterations == 30


def test_observers_are_told_of_every_change(dataset):
    live = live_run(dataset, engine="reference", iterations=4, paced=False)
    told = []
    live.observe(lambda: told.append((live.state().running, live.state().iteration)))
    live.run()
    assert told == [(True, 0), (True, 0), (True, 1), (True, 2), (True, 3), (False, 4)]


def test_a_slowed_run_is_stopped_at_once(dataset, monkeypatch):
    monkeypatch.setattr("handgrad.glassbox.live.pace.SHOWN_IN", 1e9)
    monkeypatch.setattr("handgrad.glassbox.live.pace.BETWEEN_PICTURES", 1e6)
    live = live_run(dataset, iterations=10_000)
    begun = threading.Event()
    stopping = threading.Thread(target=lambda: begun.wait(60) and live.stop())
    stopping.start()
    assert live.run(lambda _: begun.set()).iterations < 10_000
    stopping.join()


@pytest.mark.parametrize("learning_rate", [0, -1, float("nan"), float("inf")])
def test_a_learning_rate_out_of_range_is_refused(dataset, learning_rate):
    live = live_run(dataset)
    with pytest.raises(TrainingError, match="expected"):
        live.set_learning_rate(learning_rate)
    assert live.state().learning_rate == 0.2


class Clock:
    """Time that passes when steps are taken or waited for."""

    def __init__(self, seconds_a_step):
        self.now, self.seconds_a_step = 0.0, seconds_a_step

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds

    def play(self, planned):
        pace = Pace(planned, wait=self.wait, clock=self)
        taken, pictures = 0, []
        while taken < planned:
            steps = pace.steps(taken)
            assert 1 <= steps <= planned - taken
            self.now += 0.01 + steps * self.seconds_a_step  # preparation, and the steps
            taken += steps
            pictures.append((self.now, taken))
        return pictures


@pytest.mark.parametrize("planned", [200, 500, 2000])
def test_a_short_run_is_shown_in_some_seconds_and_begins_slowly(planned):
    pictures = Clock(0.0005).play(planned)
    seconds = pictures[-1][0]
    assert SHOWN_IN - 0.3 < seconds < SHOWN_IN + 0.5
    assert len(pictures) > 60
    half = max(taken for when, taken in pictures if when < seconds / 2)
    assert half < planned * 0.35


@pytest.mark.parametrize(("planned", "seconds_a_step"), [(500, 0.009), (20_000, 0.0005), (50, 1.0)])
def test_a_long_run_is_left_alone(planned, seconds_a_step):
    pictures = Clock(seconds_a_step).play(planned)
    assert len(pictures) <= 3
    assert pictures[-1][0] < planned * seconds_a_step + 0.04


@pytest.mark.parametrize("planned", [1, 4, 5, 6, 25, 26])
def test_a_run_of_few_steps_takes_them_all(planned):
    assert Clock(0.0001).play(planned)[-1][1] == planned


@pytest.mark.parametrize("steps", [1, 255, 256, 257, 1000, 100_003])
@pytest.mark.parametrize("at_once", [1, 7, 5000])
def test_a_curve_has_few_points_and_its_first_and_last(steps, at_once):
    steps = min(steps, 3000) if at_once == 1 else steps
    costs, accuracies = np.linspace(2, 1, steps), np.linspace(0, 1, steps)
    curve = Curve()
    for first in range(0, steps, at_once):
        part = slice(first, first + at_once)
        curve.add(first, costs[part], accuracies[part])
    points = json.loads(curve.to_json())
    iterations = [point[0] for point in points]
    assert iterations[0] == 0
    assert iterations[-1] == steps - 1
    assert iterations == sorted(set(iterations))
    assert min(steps, MOST_POINTS // 2) <= len(points) <= MOST_POINTS + 1
    for iteration, cost, accuracy in points:
        assert cost == pytest.approx(costs[iteration], rel=1e-5)
        assert accuracy == pytest.approx(accuracies[iteration], abs=1e-4)


def test_points_of_a_curve_stay_where_they_were():
    curve = Curve()
    curve.add(0, np.ones(1000), np.ones(1000))
    before = {point[0] for point in json.loads(curve.to_json())[:-1]}
    curve.add(1000, np.ones(5), np.ones(5))
    assert before <= {point[0] for point in json.loads(curve.to_json())}


def test_a_step_that_is_measured_twice_is_shown_once():
    curve = Curve()
    curve.add(0, np.array([3.0, 2.0]), np.zeros(2))
    curve.add(1, np.array([2.0, 1.0]), np.zeros(2))
    assert [point[0] for point in json.loads(curve.to_json())] == [0, 1, 2]


def test_a_cost_that_is_not_finite_is_null():
    curve = Curve()
    curve.add(0, np.array([np.inf]), np.array([0.5]))
    assert json.loads(curve.to_json()) == [[0, None, 0.5]]

"""Runs that continue from a state: the same bits as a run that never stopped."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from handgrad import Network, get_engine
from handgrad.engines import Sgd, available_engines
from handgrad.errors import EngineError, TrainingError
from handgrad.objective import Objective
from handgrad.solvers import BatchSolver, Checkpoints, Driver, Patience, RunState, train
from solvers.irises import X, y

SETTINGS: dict[str, dict[str, Any]] = {
    "gd": {"learning_rate": 0.5},
    "sgd": {"solver": "sgd", "batch_size": 40},
    "momentum": {"solver": "sgd", "batch_size": 40, "momentum": 0.9, "learning_rate": 0.02},
    "nesterov": {"solver": "sgd", "batch_size": 7, "momentum": 0.9, "nesterov": True, "seed": 3},
    "adam": {"solver": "adam", "batch_size": 40, "learning_rate": 0.02, "alpha": 1e-3},
}


def run_of(name, engine, count, *, dtype="float32", rows=X, **options):
    network = Network.initial(features=4, hidden=5, classes=3, dtype=dtype)
    unit = "iterations" if name in ("gd", "lbfgs") else "epochs"
    chosen = SETTINGS.get(name, {"solver": name})
    return train(network, rows, y, engine=engine, **chosen, **{unit: count}, **options)


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_same_run(found, expected):
    same(found.network.parameters, expected.network.parameters)
    same(found.history[:2], expected.history[:2])
    same(found.state.best.parameters, expected.state.best.parameters)
    assert found.state.lowest == expected.state.lowest
    assert found.iterations == expected.iterations
    if expected.moments is not None:
        assert found.moments.steps == expected.moments.steps
        same(found.moments.first, expected.moments.first)
        same(found.moments.second, expected.moments.second)
        same([found.state.memory.order], [expected.state.memory.order])


@given(
    name=st.sampled_from(list(SETTINGS)),
    engine=st.sampled_from(available_engines()),
    dtype=st.sampled_from(["float32", "float64"]),
    parts=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    sparse=st.booleans(),
)
@settings(max_examples=40)
def test_a_run_in_parts_ends_in_the_bits_of_a_run_in_one_piece(name, engine, dtype, parts, sparse):
    engine, rows = get_engine(engine), csr_array(X) if sparse else X
    ends = list(itertools.accumulate(parts))
    whole = run_of(name, engine, ends[-1], dtype=dtype, rows=rows)
    state = None
    for end in ends:
        part = run_of(name, engine, end, dtype=dtype, rows=rows, start=state)
        state = part.state
    assert_same_run(part, whole)
    assert (np.diff(part.history.seconds) >= 0).all()


@pytest.mark.parametrize("name", [*SETTINGS, "lbfgs"])
@pytest.mark.parametrize("every", [1, 3, 4])
def test_states_come_at_multiples_and_at_the_end_and_each_continues(engine, name, every):
    states: list[RunState] = []
    run = run_of(name, engine, 10, checkpoints=Checkpoints(states.append, every=str(every)))
    assert [state.iterations for state in states] == [*range(every, 10, every), 10]
    same(run.network.parameters, run_of(name, engine, 10).network.parameters)
    for state in states[:-1]:
        if name == "lbfgs":
            assert run_of(name, engine, 10, start=state).costs[-1] <= state.history.costs[-1]
        else:
            assert_same_run(run_of(name, engine, 10, start=state), run)


@pytest.mark.parametrize("name", [*SETTINGS, "lbfgs"])
def test_states_come_when_the_time_has_passed(name, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("handgrad.solvers.checkpoints.monotonic", lambda: next(clock))
    states: list[RunState] = []
    engine = get_engine("reference")
    run = run_of(name, engine, 12, checkpoints=Checkpoints(states.append, every="4s"))
    taken = [state.iterations for state in states]
    assert taken == sorted(set(taken))
    assert taken[-1] == 12
    assert 3 <= len(taken) <= 5
    if name != "lbfgs":
        for state in states:
            assert_same_run(run_of(name, engine, 12, start=state), run)


def test_a_stopped_run_continues_where_it_stopped(engine):
    stopped = run_of("gd", engine, 10, on_progress=lambda progress: len(progress.costs) >= 4)
    state = stopped.state
    assert state.iterations == len(state.history.costs) == stopped.iterations
    same(state.network.parameters, stopped.last.parameters)
    assert_same_run(run_of("gd", engine, 10, start=state), run_of("gd", engine, 10))


@pytest.mark.parametrize("name", [*SETTINGS, "lbfgs"])
def test_a_finished_run_takes_no_further_iteration(engine, name):
    run = run_of(name, engine, 6)
    states: list[RunState] = []
    again = run_of(name, engine, 6, start=run.state, checkpoints=Checkpoints(states.append))
    assert again.iterations == 6
    same(again.network.parameters, run.network.parameters)
    same(again.history, run.history)
    assert [state.iterations for state in states] == [6]


def test_rates_patience_and_the_best_network_continue_too(engine):
    session = engine.session(X, y, Objective())
    network = Network.initial(features=4, hidden=5, classes=3, dtype="float64")

    def run(epochs, start=None):
        solver = BatchSolver(Sgd(0.5), 40, "adaptive")
        patience = Patience(tol=0.02, iterations=2)
        return Driver(epochs, 0.5, patience=patience, start=start).run(solver, session, network)

    whole = run(40)
    assert whole.learning_rate < 0.5
    for cut in range(1, whole.iterations):
        rest = run(40, run(cut).state)
        assert_same_run(rest, whole)
        assert rest.learning_rate == whole.learning_rate
        assert (rest.state.figure, rest.state.waited) == (whole.state.figure, whole.state.waited)


def test_an_earlier_iteration_continues_gd_exactly(engine):
    networks = []
    run = run_of("gd", engine, 3)
    networks.append(run.network)
    run = run_of("gd", engine, 8)
    back = run.state.back_at(3, networks[0])
    assert back.iterations == 3
    same(
        run_of("gd", engine, 8, start=back).network.parameters,
        run.network.parameters,
    )
    assert run.state.back_at(8, run.network) is run.state


def test_a_state_of_another_solver_or_network_is_refused(engine):
    state = run_of("adam", engine, 2).state
    with pytest.raises(TrainingError, match="state of a run of adam; expected one of sgd"):
        run_of("sgd", engine, 4, start=state)
    other = Network.initial(features=4, hidden=6, classes=3)
    with pytest.raises(TrainingError, match="state of a Network"):
        train(other, X, y, engine=engine, solver="adam", epochs=4, start=state)
    with pytest.raises(TrainingError, match="state of a Network"):
        run_of("adam", engine, 4, dtype="float64", start=state)
    with pytest.raises(EngineError, match="order of 150 rows"):
        train(
            Network.initial(features=4, hidden=5, classes=3),
            X[:100],
            y[:100],
            engine=engine,
            solver="adam",
            start=state,
        )


@pytest.mark.parametrize(
    "every", ["", "0", "0s", "-1", "1.5", "30 s", "s", "x", "1d", "٣", 30, None]
)
def test_intervals_that_cannot_be_are_refused(every):
    with pytest.raises(TrainingError, match=r"every is .* expected"):
        Checkpoints(print, every=every)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_a_stop_within_an_epoch_leaves_the_state_before_it(name):
    engine, asked = get_engine("reference"), []

    def ends():
        asked.append(True)  # the reference engine asks after each of the batches
        return len(asked) == 30

    stopped = run_of(name, engine, 12, ends=ends)
    assert stopped.stopped
    assert stopped.iterations < 12
    assert len(stopped.costs) == stopped.iterations == stopped.state.iterations
    same(stopped.last.parameters, run_of(name, engine, stopped.iterations).network.parameters)
    assert_same_run(run_of(name, engine, 12, start=stopped.state), run_of(name, engine, 12))


def test_a_stop_within_the_first_epoch_leaves_the_beginning():
    engine = get_engine("reference")
    stopped = run_of("nesterov", engine, 12, ends=lambda: True)
    assert (stopped.iterations, stopped.stopped, len(stopped.costs)) == (0, True, 1)
    rest = run_of("nesterov", engine, 12, start=stopped.state)
    assert_same_run(rest, run_of("nesterov", engine, 12))


@pytest.mark.parametrize("name", [*SETTINGS, "lbfgs"])
def test_every_solver_asks_whether_to_end(engine, name):
    run = run_of(name, engine, 500, ends=lambda: True)
    assert run.stopped
    assert run.iterations < 500

"""One epoch at a time, and who may read a run of batches meanwhile."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.errors import EngineError

every_engine = pytest.mark.parametrize(
    "engine", [get_engine(name) for name in available_engines()], ids=lambda engine: engine.name
)
INSIDE = "inside an epoch already; expected"


@pytest.fixture
def problem():
    random = np.random.default_rng(5)
    network = Network.initial(features=4, hidden=3, classes=3, dtype=np.float64)
    return network, random.normal(size=(30, 4)), random.integers(3, size=30)


@every_engine
def test_an_epoch_inside_its_own_callback_is_refused(problem, engine):
    run, expected = (engine.batches(*problem, rule=Adam(), batch_size=7) for _ in range(2))
    refused = []

    def enter_again(_progress):
        with pytest.raises(EngineError, match=INSIDE):
            run.epoch()
        refused.append(True)

    for _ in range(2):
        np.testing.assert_array_equal(run.epoch(on_progress=enter_again), expected.epoch())
    assert refused
    for found, matrix in zip(run.network.parameters, expected.network.parameters, strict=True):
        np.testing.assert_array_equal(found, matrix)


@every_engine
@pytest.mark.parametrize("rule", [Sgd(0.1), Sgd(0.1, 0.9), Adam()], ids=str)
def test_a_callback_may_read_network_and_moments(problem, engine, rule):
    run = engine.batches(*problem, rule=rule, batch_size=7)
    run.epoch()
    read = []

    def look(progress):
        np.testing.assert_array_equal(run.network.W1, progress.network.W1)
        read.append((len(progress.costs), run.moments))

    run.epoch(on_progress=look)
    for taken, moments in read:
        assert moments.steps == 5 + taken
    for found, matrix in zip(read[-1][1].first, run.moments.first, strict=True):
        np.testing.assert_array_equal(found, matrix)


@every_engine
def test_steps_count_where_a_callback_raises(problem, engine):
    run = engine.batches(*problem, rule=Adam(), batch_size=7)
    taken = []

    def fail(progress):
        taken.append(len(progress.costs))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.epoch(on_progress=fail)
    assert run.moments.steps == taken[0] > 0
    expected = engine.batches(
        run.network, *problem[1:], rule=Adam(), batch_size=7, moments=run.moments
    )
    np.testing.assert_array_equal(run.epoch(), expected.epoch())


@every_engine
def test_an_epoch_in_a_second_thread_is_refused(problem, engine):
    run = engine.batches(*problem, rule=Sgd(), batch_size=7)
    waiting, proceed = threading.Event(), threading.Event()

    def wait(_progress):
        waiting.set()
        proceed.wait(60)

    worker = threading.Thread(target=run.epoch, kwargs={"on_progress": wait})
    worker.start()
    assert waiting.wait(60)
    with pytest.raises(EngineError, match=INSIDE):
        run.epoch()
    assert run.network.D == 4  # while the callback waits, nobody computes
    proceed.set()
    worker.join()
    assert len(run.epoch()) == 5


@pytest.mark.skipif("native" not in available_engines(), reason="the core was not compiled")
def test_the_network_cannot_be_read_while_the_core_changes_it(problem):
    run = get_engine("native").batches(*problem, rule=Sgd(1e-6), batch_size=1)
    refused = threading.Event()

    def train():
        while not refused.is_set():
            run.epoch(np.zeros(10**6, int), on_progress=lambda _: refused.is_set())

    def read():
        while worker.is_alive():
            assert run.network.D == 4
            assert run.moments.steps >= 0

    worker = threading.Thread(target=train)
    worker.start()
    try:
        with pytest.raises(EngineError, match=INSIDE):
            read()
    finally:
        refused.set()
        worker.join()
    assert run.network.D == 4

"""Wrong calls: each raises one sentence of handgrad's own, never an error from inside."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.errors import EngineError, HandgradError, ShapeError, TrainingError
from handgrad.objective import Objective
from handgrad.quoting import shown
from handgrad.rows import Bytes

every_engine = pytest.mark.parametrize(
    "engine", [get_engine(name) for name in available_engines()], ids=lambda engine: engine.name
)
HUGE = 10**5000  # more digits than Python writes


def problem(dtype=np.float64):
    random = np.random.default_rng(5)
    network = Network.initial(features=4, hidden=3, classes=3, dtype=dtype)
    return SimpleNamespace(
        network=network, X=random.normal(size=(30, 4)), y=random.integers(3, size=30)
    )


def assert_a_sentence(raised):
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 400
    assert "expected" in message


@pytest.mark.parametrize("threads", [10**30, HUGE, 2.5, True, "2", 0, -1, [2]], ids=shown)
@pytest.mark.parametrize("name", available_engines())
def test_odd_numbers_of_threads_are_refused(name, threads):
    with pytest.raises(EngineError, match="threads is") as raised:
        get_engine(name, threads=threads)
    assert_a_sentence(raised)


@pytest.mark.parametrize("sparse_rows", [True, False])
def test_as_many_threads_work_as_there_is_work(sparse_rows):
    call = problem()
    X = sparse.csr_array(call.X) if sparse_rows else call.X * (call.X > 1)
    odd: Any = np.int64(1)
    many, one = get_engine(threads=10**9), get_engine(threads=odd)
    for engine_call in (
        lambda engine: engine.predict_proba(call.network, X),
        lambda engine: engine.session(X, call.y, Objective()).cost_and_gradient(call.network).cost,
        lambda engine: engine.descend(call.network, X, call.y, learning_rate=0.1, iterations=3)[1],
        lambda engine: engine.batches(call.network, X, call.y, rule=Adam(), batch_size=7).epoch(),
    ):
        np.testing.assert_array_equal(engine_call(many), engine_call(one))


ROWS = {
    "ragged": [[1.0, 2, 3, 4], [1.0]],
    "text": "abcd",
    "texts": [["a", "b", "c", "d"]],
    "none": None,
    "object": object(),
    "objects": np.array([[1, 2, 3, None]]),
    "complex": np.ones((30, 4), complex),
    "dates": np.zeros((30, 4), "M8[s]"),
    "durations": np.zeros((30, 4), "m8[s]"),
    "masked": np.ma.masked_equal(np.ones((30, 4)), 1),
    "cube": np.ones((30, 4, 1)),
    "columns": np.ones((4, 30)),
    "number": 3.0,
    "long numbers": np.full((30, 4), np.longdouble("1e4000")),
    "doubles": np.full((30, 4), np.inf),
    "sparse complex numbers": sparse.csr_array(np.ones((30, 4), complex)),
    "sparse vector": sparse.coo_array(np.ones(4)),
    "bytes of another width": Bytes(np.ones((30, 5), np.uint8)),
    "bytes of a scale beyond": Bytes(np.ones((30, 4), np.uint8), 1e308),
}


@every_engine
@pytest.mark.parametrize("X", ROWS.values(), ids=ROWS)
def test_odd_rows_are_refused(engine, X):
    call = problem()
    for wrong in (
        lambda: engine.predict_proba(call.network, X),
        lambda: engine.session(X, call.y, Objective()).cost_and_gradient(call.network),
        lambda: engine.descend(call.network, X, call.y, learning_rate=0.1, iterations=1),
        lambda: engine.batches(call.network, X, call.y, rule=Sgd(), batch_size=3),
        lambda: engine.predictor(call.network).label(X),
    ):
        with pytest.raises(ShapeError) as raised:
            wrong()
        assert_a_sentence(raised)


@every_engine
def test_rows_beyond_single_precision_are_refused_without_a_warning(engine):
    call = problem(np.float32)
    for X in (np.full((30, 4), 1e300), sparse.csr_array(np.full((30, 4), 1e300))):
        with pytest.raises(ShapeError, match="NaN or infinite"):
            engine.predict_proba(call.network, X)
    with pytest.raises(ShapeError, match="NaN or infinite"):
        engine.predictor(call.network).label(np.full(4, 1e300))


@every_engine
@pytest.mark.parametrize(
    "y",
    [
        None,
        "abc",
        ["a"] * 30,
        [[0], [1, 2]],
        [None] * 30,
        [HUGE] * 30,
        np.full(30, 2**64 - 1, np.uint64),
        np.zeros(30, complex),
        np.zeros(30, bool),
        np.zeros((30, 3), int),
        np.ma.masked_equal(np.zeros(30, int), 0),
        sparse.csr_array(np.eye(30)),
        np.zeros(0, int),
    ],
    ids=shown,
)
def test_odd_labels_are_refused(engine, y):
    call = problem()
    with pytest.raises(ShapeError) as raised:
        engine.session(call.X, y, Objective()).cost_and_gradient(call.network)
    assert_a_sentence(raised)


@every_engine
@pytest.mark.parametrize(
    "weights",
    [
        ["a", "b"] * 15,
        "ab",
        [[1], [1, 2]],
        [None] * 30,
        [HUGE] * 30,
        np.ones(30, complex),
        np.zeros(30, "m8[s]"),
        np.full(30, np.nan),
        np.full(30, 1e308),  # their sum is not finite
        np.full(30, np.longdouble("1e4000")),
        np.full(30, 5e-324),
        np.ones((30, 1)),
        np.zeros(30),
        -np.ones(30),
        np.zeros(0),
        object(),
    ],
    ids=shown,
)
def test_odd_weights_are_refused(engine, weights):
    call = problem()
    for wrong in (
        lambda: engine.session(call.X, call.y, Objective(), weights).cost_and_gradient(
            call.network
        ),
        lambda: engine.descend(
            call.network, call.X, call.y, learning_rate=1, iterations=1, sample_weight=weights
        ),
        lambda: engine.batches(
            call.network, call.X, call.y, rule=Sgd(), batch_size=3, sample_weight=weights
        ),
    ):
        with pytest.raises(ShapeError, match="sample_weight") as raised:
            wrong()
        assert_a_sentence(raised)


@every_engine
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        *[("iterations", value, EngineError) for value in (10**18, 10**30, HUGE)],
        *[("iterations", value, EngineError) for value in (-1, 2.5, True, None, "2", [1])],
        *[("alpha", value, EngineError) for value in (np.nan, np.inf, -1, None, "1", 1j, HUGE)],
        *[("alpha", value, EngineError) for value in ([1], np.complex128(1), [[1], [2, 3]])],
        *[("learning_rate", value, TrainingError) for value in (np.nan, np.inf, -np.inf, -1, 0)],
        *[("learning_rate", value, TrainingError) for value in (None, "1", 1j, HUGE, [0.1])],
    ],
    ids=shown,
)
def test_odd_settings_of_descent_are_refused(engine, name, value, error):
    call = problem()
    options = {"learning_rate": 0.1, "iterations": 1} | {name: value}
    with pytest.raises(error) as raised:
        engine.descend(call.network, call.X, call.y, **options)
    assert_a_sentence(raised)


@every_engine
def test_an_alpha_that_outgrows_the_weights_is_refused(engine):
    call = problem(np.float32)
    with pytest.raises(EngineError, match="alpha is 1e\\+300 over weights"):
        engine.descend(call.network, call.X, call.y, learning_rate=1, iterations=1, alpha=1e300)


@every_engine
@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, None, "2", [3]])
def test_odd_batch_sizes_are_refused(engine, batch_size):
    call = problem()
    with pytest.raises(EngineError, match="batch_size is") as raised:
        engine.batches(call.network, call.X, call.y, rule=Sgd(), batch_size=batch_size)
    assert_a_sentence(raised)


@every_engine
@pytest.mark.parametrize(
    "order",
    [
        [0.0, 1.0],
        [[0, 1]],
        [[0], [1, 2]],
        [],
        [2**64],
        [HUGE],
        np.array([2**64 - 1], np.uint64),
        [True],
        ["0"],
        "0",
        5,
        object(),
    ],
    ids=shown,
)
def test_odd_orders_are_refused(engine, order):
    call = problem()
    run = engine.batches(call.network, call.X, call.y, rule=Sgd(), batch_size=3)
    with pytest.raises(ShapeError, match="order") as raised:
        run.epoch(order)
    assert_a_sentence(raised)
    assert len(run.epoch(np.array([3, 1], np.uint64))) == 1


@every_engine
@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf, "1", 1j, [0.1]])
def test_odd_rates_of_an_epoch_are_refused(engine, rate):
    call = problem()
    run = engine.batches(call.network, call.X, call.y, rule=Sgd(), batch_size=3)
    with pytest.raises(TrainingError, match="learning_rate is"):
        run.epoch(learning_rate=rate)


def garbage():
    call = problem()
    run = get_engine("reference").batches(call.network, call.X, call.y, rule=Adam(), batch_size=3)
    moments: Any = run.moments
    other = Network.initial(features=5, hidden=3, classes=3, dtype=np.float64).parameters
    single = tuple(array.astype(np.float32) for array in moments.first)
    return {
        "other shapes": moments._replace(first=other),
        "other type": moments._replace(second=single),
        "too few": moments._replace(first=moments.first[:3]),
        "swapped": moments._replace(first=moments.first[::-1]),
        "lists": moments._replace(first=[[1.0], [2.0], [3.0], [4.0]]),
        "none": moments._replace(second=None),
        "steps below 0": moments._replace(steps=-1),
        "steps without end": moments._replace(steps=10**30),
        "half a step": moments._replace(steps=0.5),
        "text": "moments",
        "number": 3,
        "pair": (1, 2),
        "empty": moments._replace(steps=0, first=(), second=()),
    }


@every_engine
@pytest.mark.parametrize("moments", garbage().values(), ids=garbage())
def test_moments_that_are_not_of_the_network_are_refused(engine, moments):
    call = problem()
    with pytest.raises(ShapeError, match="moments") as raised:
        engine.batches(call.network, call.X, call.y, rule=Adam(), batch_size=3, moments=moments)
    assert_a_sentence(raised)


@every_engine
def test_what_memory_does_not_hold_is_an_engine_error(engine):
    network = Network.initial(features=1, hidden=1, classes=1)
    huge = np.broadcast_to(np.int16(1), (2**50, 1))  # no memory, before it is converted
    with pytest.raises(HandgradError, match="not enough memory"):
        engine.predict_proba(network, huge)

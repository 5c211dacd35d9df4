"""Training over blocks: the figures of rows in memory, and bits that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from handgrad import Network, get_engine, solvers
from handgrad.data import Blocks
from handgrad.engines import Adam, Objective, Sgd, available_engines
from handgrad.engines.blocks import BlockSession
from handgrad.engines.native import NativeBatches, NativeEngine
from handgrad.engines.weights import BlockWeights
from handgrad.errors import EngineError, ShapeError

NO_LABELS: Any = None  # blocks hold their own
M, D, CLASSES = 53, 6, 3
RULES = (Sgd(0.1), Sgd(0.1, momentum=0.9, nesterov=True), Adam(0.01))


def rows(kind: str = "float64", m: int = M) -> tuple[Any, np.ndarray]:
    random = np.random.default_rng(1)
    X = random.integers(0, 256, (m, D)) * (random.random((m, D)) < 0.4)
    if kind == "uint8":
        dense = X.astype(np.uint8)
    else:
        dense = (X / 255).astype("float32" if kind == "float32" else "float64")
    y = random.integers(0, CLASSES, m)
    return (sparse.csr_array(dense) if kind == "csr" else dense), y


def network(dtype: str = "float64") -> Network:
    return Network.initial(features=D, hidden=5, classes=CLASSES, seed=2, dtype=dtype)


def same_bits(one: Network, other: Network) -> bool:
    return all(map(np.array_equal, one.parameters, other.parameters))


@pytest.fixture(params=available_engines())
def engine(request):
    return get_engine(request.param, threads=2)


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "csr"])
@pytest.mark.parametrize("leaf_rows", [1, 8, M, 100])
def test_cost_and_gradient_are_those_of_rows_in_memory(engine, kind, leaf_rows):
    X, y = rows(kind)
    blocks, objective = Blocks.of(X, y, leaf_rows=leaf_rows), Objective(alpha=0.3)
    found = engine.session(blocks, None, objective).cost_and_gradient(network())
    expected = engine.session(X, y, objective).cost_and_gradient(network())
    assert_allclose(found.cost, expected.cost, rtol=1e-12)
    assert found.accuracy == expected.accuracy
    for one, other in zip(found.gradient, expected.gradient, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-14)
    cost = engine.session(blocks, None, objective).cost(network())
    assert_allclose(cost, expected.cost, rtol=1e-12)


@given(
    m=st.integers(2, 60),
    leaf_rows=st.integers(1, 70),
    window=st.integers(1, 9),
    threads=st.integers(1, 3),
    kind=st.sampled_from(["uint8", "float32", "float64", "csr"]),
)
def test_neither_memory_nor_threads_change_a_bit(m, leaf_rows, window, threads, kind):
    X, y = rows(kind, m)
    y[:2] = 0, CLASSES - 1
    blocks = Blocks.of(X, np.append(y, range(CLASSES))[: len(y)], leaf_rows=leaf_rows)
    classes = len(blocks.classes)
    start = Network.initial(features=D, hidden=4, classes=max(classes, 2), seed=1)
    if classes < 2:
        return
    results = [
        BlockSession(NativeEngine(n), replace(blocks, window=held), Objective()).descend(
            start, learning_rate=0.1, iterations=3
        )
        for n, held in ((1, 1), (threads, window))
    ]
    assert same_bits(results[0][0], results[1][0])
    assert_array_equal(results[0][1], results[1][1])


def test_networks_of_another_type_read_the_rows_again():
    X, y = rows("uint8")
    session = get_engine().session(Blocks.of(X, y, leaf_rows=8), None, Objective())
    for dtype in ("float32", "float64", "float32"):
        expected = get_engine().session(X, y, Objective()).cost(network(dtype))
        found = session.cost_and_gradient(network(dtype))
        assert found.gradient.dW1.dtype == dtype
        assert_allclose(found.cost, expected, rtol=1e-6)


def test_row_weights_and_class_weights_count_as_in_memory(engine):
    X, y = rows()
    blocks = Blocks.of(X, y, leaf_rows=10)
    of_rows = np.random.default_rng(3).random(M)
    of_rows[10:20] = 0  # a whole leaf
    of_classes = np.array([1.0, 0.0, 2.5])
    whole = of_rows * of_classes[y]
    expected = engine.session(X, y, Objective(alpha=0.1), whole).cost_and_gradient(network())
    weights = BlockWeights(of_rows, of_classes)
    session = engine.session(blocks, None, Objective(alpha=0.1), weights)
    found = session.cost_and_gradient(network())
    assert_allclose(found.cost, expected.cost, rtol=1e-12)
    assert found.accuracy == expected.accuracy
    for one, other in zip(found.gradient, expected.gradient, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-14)
    assert_allclose(session.cost(network()), expected.cost, rtol=1e-12)


def test_two_classes_train_with_a_logistic_output(engine):
    X, y = rows()
    y = (y > 0).astype(int)
    start = Network(
        *(a for a in Network.initial(features=D, hidden=4, classes=1, dtype="float64").parameters),
        output="logistic",
    )
    objective = Objective("logistic")
    blocks = Blocks.of(X, y, leaf_rows=9)
    found = engine.session(blocks, None, objective).descend(start, learning_rate=0.3, iterations=4)
    expected = engine.session(X, y, objective).descend(start, learning_rate=0.3, iterations=4)
    assert_allclose(found[1], expected[1], rtol=1e-12)


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_full_batch_solvers_train_over_blocks(engine, solver):
    X, y = rows()
    solve = getattr(solvers, solver)
    found = solve(engine, network(), Blocks.of(X, y, leaf_rows=8), None, iterations=6)
    expected = solve(engine, network(), X, y, iterations=6)
    assert_allclose(found.costs, expected.costs, rtol=1e-6)


@pytest.mark.parametrize("rule", RULES, ids=["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("leaf_rows", [5, 16, 100])
def test_batches_in_order_are_those_of_rows_in_memory(engine, rule, leaf_rows):
    X, y = rows()
    blocks: Any = Blocks.of(X, y, leaf_rows=leaf_rows)
    options: Any = {"rule": rule, "batch_size": 7, "epochs": 2, "seed": None, "alpha": 0.1}
    found = solvers.sgd(engine, network(), blocks, NO_LABELS, **options)
    expected = solvers.sgd(engine, network(), X, y, **options)
    for one, other in zip(found.network.parameters, expected.network.parameters, strict=True):
        assert_allclose(one, other, rtol=1e-9)
    assert_allclose(found.costs, expected.costs, rtol=1e-12)


@pytest.mark.parametrize("window", [1, 3, 50])
def test_an_epoch_takes_each_row_once_in_whole_batches(window):
    leaves = Blocks.of(np.arange(M)[:, None] * np.ones(D), np.arange(M) % CLASSES, leaf_rows=4)
    session = BlockSession(NativeEngine(1), replace(leaves, window=window), Objective())
    batches = session.batches(network(), rule=Sgd(1e-9), batch_size=6)
    with mock.patch.object(NativeBatches, "epoch", autospec=True, side_effect=NativeBatches.epoch):
        with mock.patch.object(
            NativeEngine, "session", autospec=True, side_effect=NativeEngine.session
        ) as sessions:
            costs = batches.epoch(batches.order(np.random.RandomState(0), None))
        orders = [call.args[1] for call in vars(NativeBatches)["epoch"].call_args_list]
    windows = [call.args[1][:, 0] for call in sessions.call_args_list]
    taken = [rows[order] for rows, order in zip(windows, orders, strict=True)]
    assert len(costs) == -(-M // 6)
    assert_array_equal(np.sort(np.concatenate(taken)), np.arange(M))
    assert [len(rows) % 6 for rows in taken[:-1]] == [0] * (len(taken) - 1)
    assert not np.array_equal(np.concatenate(taken), np.arange(M))


@pytest.mark.parametrize(("window", "readings"), [(8, 1), (3, 3)])
def test_rows_of_a_single_window_are_read_once(window, readings):
    X, y = rows()
    blocks = replace(Blocks.of(X, y, leaf_rows=8), window=window)
    read = mock.Mock(side_effect=blocks.reader.read, in_processes=False)
    counted = replace(blocks, reader=mock.Mock(read=read, in_processes=False))
    solvers.adam(get_engine(), network(), counted, None, epochs=3, batch_size=6)
    assert read.call_count == readings * len(blocks)


def test_an_order_is_drawn_from_its_seed_alone():
    X, y = rows()
    session = get_engine().session(Blocks.of(X, y, leaf_rows=5), None, Objective())
    one, other = (session.batches(network(), rule=Adam(), batch_size=4) for _ in range(2))
    first, second = (run.order(np.random.RandomState(3), None) for run in (one, other))
    assert_array_equal(first, second)
    one.epoch(first)
    other.epoch(second)
    assert same_bits(one.network, other.network)
    assert not np.array_equal(first, one.order(np.random.RandomState(4), None))


def test_batches_continue_with_their_moments():
    X, y = rows()
    session = get_engine().session(Blocks.of(X, y, leaf_rows=5), None, Objective())
    whole = session.batches(network(), rule=Adam(), batch_size=4)
    first = whole.order(np.random.RandomState(3), None)
    whole.epoch(first)
    rest = session.batches(whole.network, rule=Adam(), batch_size=4, moments=whole.moments)
    second = whole.order(np.random.RandomState(4), first)
    whole.epoch(second)
    rest.epoch(second)
    assert same_bits(whole.network, rest.network)


def test_leaves_without_weight_change_nothing_in_batches(engine):
    X, y = rows()
    blocks = Blocks.of(X, y, leaf_rows=10)
    weights = np.ones(M)
    weights[:] = 0
    weights[20:30] = 1
    session = BlockSession(engine, replace(blocks, window=1), Objective(), weights)
    batches = session.batches(network(), rule=Sgd(0.1), batch_size=10)
    batches.epoch()
    alone = engine.session(X[20:30], y[20:30], Objective())
    expected = alone.batches(network(), rule=Sgd(0.1), batch_size=10)
    expected.epoch()
    assert same_bits(batches.network, expected.network)


def test_a_callback_ends_a_descent_and_an_epoch(engine):
    X, y = rows()
    session = BlockSession(engine, replace(Blocks.of(X, y, leaf_rows=10), window=1), Objective())
    found, costs = session.descend(
        network(), learning_rate=0.1, iterations=9, on_progress=lambda p: len(p.costs) == 3
    )
    expected, _ = session.descend(network(), learning_rate=0.1, iterations=2)
    assert len(costs) == 2
    assert same_bits(found, expected)
    batches = session.batches(network(), rule=Sgd(0.1), batch_size=10)
    assert len(batches.epoch(on_progress=lambda _: True)) == 1


def test_what_does_not_fit_the_blocks_is_refused(engine):
    X, y = rows()
    blocks = Blocks.of(X, y, leaf_rows=10)
    session = engine.session(blocks, None, Objective())
    wide = Network.initial(features=D + 1, hidden=2, classes=CLASSES)
    with pytest.raises(ShapeError, match=f"has {D} features; expected {D + 1}"):
        session.cost(wide)
    with pytest.raises(ShapeError, match="classes"):
        session.descend(
            Network.initial(features=D, hidden=2, classes=9), learning_rate=0.1, iterations=1
        )
    with pytest.raises(ShapeError, match="labels"):
        engine.session(blocks, y, Objective())
    with pytest.raises(ShapeError, match="sample_weight"):
        engine.session(blocks, None, Objective(), np.ones(M + 1))
    with pytest.raises(EngineError, match="window"):
        BlockSession(engine, replace(blocks, window=0), Objective())
    batches = session.batches(network(), rule=Sgd(), batch_size=5)
    with pytest.raises(ShapeError, match="order"):
        batches.epoch([0, 1, 1])


def test_weights_that_are_all_0_are_refused(engine):
    X, y = rows()
    weights = BlockWeights((y == 1) * 1.0, np.array([1.0, 0.0, 1.0]))
    session = engine.session(Blocks.of(X, y, leaf_rows=8), None, Objective(), weights)
    for measure in (session.cost, session.cost_and_gradient):
        with pytest.raises(ShapeError, match="weights of all rows are 0"):
            measure(network())

"""Networks of any depth and output over blocks: the figures of rows in memory, the same bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from handgrad import Network, get_engine, solvers
from handgrad.data import Blocks, open_blocks
from handgrad.engines import Adam, Objective, Sgd, available_engines
from handgrad.engines.native import NativeEngine
from handgrad.engines.weights import BlockWeights
from handgrad.errors import ShapeError

D, M = 6, 47
OUTPUTS = {  # with the number of outputs, and what is predicted
    "softmax": (3, "classes"),
    "one logistic": (1, "classes"),
    "logistic": (3, "labels"),
    "identity": (2, "values"),
    "one identity": (1, "values"),
    "exp": (2, "values"),
}
HIDDEN: tuple[tuple[int, ...], ...] = ((), (5,), (7, 4), (4, 3, 5))
ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "leaky_relu")


@pytest.fixture(params=available_engines())
def engine(request):
    return get_engine(request.param, threads=2)


def problem(
    kind: str,
    hidden: tuple[int, ...] = (7, 4),
    activation: Any = "tanh",
    m: int = M,
    dtype: str = "float64",
) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return a network, rows, and targets of the network's kind."""
    random = np.random.default_rng(m)
    outputs, predicts = OUTPUTS[kind]
    X = random.normal(size=(m, D)).astype(dtype)
    y: Any = random.gamma(2.0, size=(m, outputs))
    if predicts == "labels":
        y = (y > 1).astype(float)
    if predicts == "classes":
        y = np.arange(m) % max(outputs, 2)
    network = Network.initial(
        features=D,
        hidden=hidden,
        classes=outputs,
        activation=activation,
        output=kind.removeprefix("one "),  # type: ignore[arg-type]
        seed=3,
        dtype=dtype,
    )
    return network, X, y


def blocks_of(kind: str, X: np.ndarray, y: np.ndarray, leaf_rows: int) -> Blocks:
    predicts: Any = OUTPUTS[kind][1]
    return Blocks.of(X, y, leaf_rows=leaf_rows, predicts=predicts)


def same_bits(one: Network, other: Network) -> bool:
    assert one.is_finite
    return all(map(np.array_equal, one.parameters, other.parameters))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_cost_and_gradient_are_those_of_rows_in_memory(engine, kind, hidden):
    network, X, y = problem(kind, hidden)
    weights = np.random.default_rng(4).random(M)
    weights[10:20] = 0  # a whole leaf
    output: Any = network.output
    objective = Objective(output, alpha=0.3, averages_outputs=True)
    for given_weights in (None, weights):
        expected = engine.session(X, y, objective, given_weights).cost_and_gradient(network)
        for leaf_rows in (1, 10, 100):
            blocks = blocks_of(kind, X, y, leaf_rows)
            session = engine.session(blocks, None, objective, given_weights)
            found = session.cost_and_gradient(network)
            assert_allclose(found.cost, expected.cost, rtol=1e-12)
            assert_allclose(session.cost(network), expected.cost, rtol=1e-12)
            assert_array_equal(found.accuracy, expected.accuracy)
            assert np.isnan(found.accuracy) == (network.predicts == "values")
            for one, other in zip(found.gradient, expected.gradient, strict=True):
                assert_allclose(one, other, rtol=1e-9, atol=1e-14)


@given(
    kind=st.sampled_from(sorted(OUTPUTS)),
    hidden=st.sampled_from(HIDDEN),
    activation=st.sampled_from(ACTIVATIONS),
    m=st.integers(3, 60),
    leaf_rows=st.integers(1, 70),
    window=st.integers(1, 9),
    threads=st.integers(1, 3),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=60)
def test_neither_memory_nor_threads_change_a_bit(
    kind, hidden, activation, m, leaf_rows, window, threads, dtype
):
    network, X, y = problem(kind, hidden, activation, m, dtype)
    blocks, output = blocks_of(kind, X, y, leaf_rows), network.output
    results, batches = [], []
    for of_run, held in ((1, 1), (threads, window)):
        session = NativeEngine(of_run).session(
            replace(blocks, window=held), None, Objective(output)
        )
        results.append(session.descend(network, learning_rate=1e-5, iterations=3))
    for of_run in (1, threads):
        session = NativeEngine(of_run).session(
            replace(blocks, window=window), None, Objective(output)
        )
        run = session.batches(network, rule=Adam(0.01), batch_size=7)
        batches.append((run, run.epoch(run.order(np.random.RandomState(0), None))))
    assert same_bits(results[0][0], results[1][0])
    assert_array_equal(results[0][1], results[1][1])
    assert same_bits(batches[0][0].network, batches[1][0].network)
    assert_array_equal(batches[0][1], batches[1][1])


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("rule", [Sgd(0.01, momentum=0.9), Adam(0.01)], ids=["sgd", "adam"])
def test_batches_in_order_are_those_of_rows_in_memory(engine, kind, rule):
    network, X, y = problem(kind)
    options: Any = {"rule": rule, "batch_size": 7, "epochs": 2, "seed": None, "alpha": 0.1}
    found = solvers.sgd(engine, network, blocks_of(kind, X, y, 10), None, **options)
    expected = solvers.sgd(engine, network, X, y, **options)
    for one, other in zip(found.network.parameters, expected.network.parameters, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-13)
    assert_allclose(found.costs, expected.costs, rtol=1e-11)
    assert_array_equal(found.accuracies, expected.accuracies)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_full_batch_solvers_train_over_blocks(engine, kind, solver):
    network, X, y = problem(kind)
    solve = getattr(solvers, solver)
    found = solve(engine, network, blocks_of(kind, X, y, 8), None, iterations=4)
    expected = solve(engine, network, X, y, iterations=4)
    assert_allclose(found.costs, expected.costs, rtol=1e-6)


def test_a_run_that_diverges_gives_no_warning(engine):
    network, X, y = problem("exp", (), "relu", m=3, dtype="float32")
    session = engine.session(blocks_of("exp", X, y, 1), None, Objective("exp"))
    last, costs = session.descend(network, learning_rate=0.01, iterations=4)
    assert not last.is_finite
    assert not np.isfinite(costs[-1])


def test_a_cache_and_processes_change_no_bit_of_a_run(tmp_path):
    network, X, y = problem("identity")
    np.savez(tmp_path / "rows.npz", X=X, y=y)
    source = tmp_path / "rows.npz"
    options: Any = {"predicts": "values", "leaf_rows": 9}
    runs = [
        solvers.adam(get_engine(), network, blocks, None, epochs=3, batch_size=8)
        for blocks in (
            Blocks.of(X, y, predicts="values", leaf_rows=9),
            open_blocks(source, **options),
            open_blocks(source, cache=tmp_path / "cache", **options),
            open_blocks(source, cache=tmp_path / "cache", **options),
        )
    ]
    assert all(same_bits(run.network, runs[0].network) for run in runs)
    assert np.isnan(runs[0].accuracies).all()


def test_batches_without_weight_have_no_accuracy_of_values():
    network, X, y = problem("identity")
    weights = np.zeros(M)
    weights[20:30] = 1
    blocks = replace(blocks_of("identity", X, y, 10), window=1)
    result = solvers.sgd(
        get_engine(), network, blocks, None, batch_size=10, epochs=1, sample_weight=weights
    )
    assert np.isnan(result.accuracies).all()
    assert np.isfinite(result.costs).all()


@pytest.mark.parametrize("kind", ["softmax", "logistic", "identity"])
def test_blocks_of_another_kind_are_refused(engine, kind):
    network, _, _ = problem(kind)
    for other in ("softmax", "logistic", "identity"):
        _, X, y = problem(other)
        session = engine.session(blocks_of(other, X, y, 9), None, Objective(network.output))
        if other == kind:
            session.cost(network)
            continue
        with pytest.raises(ShapeError, match=rf"holds \w+; expected {OUTPUTS[kind][1]}, which"):
            session.cost(network)


def test_another_number_of_values_is_refused(engine):
    network, X, y = problem("identity")
    blocks = Blocks.of(X, y[:, 0], predicts="values", leaf_rows=9)
    with pytest.raises(ShapeError, match="has 1 values; expected 2, like the network"):
        engine.session(blocks, None, Objective("identity")).cost(network)


def test_only_classes_have_weights_of_their_own(engine):
    network, X, y = problem("identity")
    weights = BlockWeights(of_classes=np.ones(2))
    session = engine.session(blocks_of("identity", X, y, 9), None, Objective("identity"), weights)
    with pytest.raises(ShapeError, match="Classes have weights, but arrays holds values"):
        session.cost(network)


def test_counts_below_0_are_refused(engine):
    network, X, y = problem("exp")
    y[30] = -1
    blocks = blocks_of("exp", X, y, 9)
    session = engine.session(blocks, None, Objective("exp"))
    with pytest.raises(ShapeError, match=r"arrays holds -1 in row 30 .* of its values '0'; exp"):
        session.cost(network)

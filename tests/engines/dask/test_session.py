"""Training on a cluster gives the bits of one process."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network, solvers
from handgrad.data import Blocks
from handgrad.engines import Adam, Sgd
from handgrad.engines.dask import DaskEngine
from handgrad.engines.weights import BlockWeights
from handgrad.errors import EngineError, ShapeError
from handgrad.objective import Objective


def _bits(network):
    return [array.tobytes() for array in network.parameters]


def test_a_pass_has_the_bits_of_one_process(
    engine, one_process, blocks, in_files, network, monkeypatch
):
    monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_PICKLED", 20_000)
    expected = one_process.session(blocks, None, Objective(alpha=0.01))
    for given in (blocks, in_files):
        session = engine.session(given, None, Objective(alpha=0.01))
        found = session.cost_and_gradient(network)
        assert found.cost == expected.cost_and_gradient(network).cost
        assert found.accuracy == expected.cost_and_gradient(network).accuracy
        for one, other in zip(
            found.gradient, expected.cost_and_gradient(network).gradient, strict=True
        ):
            assert one.tobytes() == other.tobytes()
        assert session.cost(network) == expected.cost(network)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_descent_has_the_bits_of_one_process(engine, one_process, in_files, network, dtype):
    network = network.astype(dtype)
    runs = [
        which.descend(network, in_files, None, learning_rate=0.1, iterations=6)
        for which in (engine, one_process)
    ]
    assert _bits(runs[0][0]) == _bits(runs[1][0])
    assert runs[0][1].tolist() == runs[1][1].tolist()


def test_lbfgs_has_the_bits_of_one_process(engine, one_process, in_files, network):
    runs = [
        solvers.lbfgs(which, network, in_files, None, iterations=5)
        for which in (engine, one_process)
    ]
    assert _bits(runs[0].network) == _bits(runs[1].network)
    assert runs[0].costs.tolist() == runs[1].costs.tolist()


@pytest.mark.parametrize("rule", [Sgd(0.1, momentum=0.9), Adam(0.01)])
@pytest.mark.parametrize("lies", ["in memory", "in files"])
def test_batches_have_the_bits_of_one_process(
    engine, one_process, blocks, in_files, network, rule, lies, monkeypatch
):
    monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_PICKLED", 20_000)
    given = blocks if lies == "in memory" else in_files
    runs = [
        solvers.sgd(which, network, given, None, rule=rule, batch_size=23, epochs=3, seed=7)
        for which in (engine, one_process)
    ]
    assert _bits(runs[0].network) == _bits(runs[1].network)
    assert runs[0].costs.tolist() == runs[1].costs.tolist()
    moments = [run.moments or pytest.fail("no moments") for run in runs]
    for one, other in zip(moments[0].second, moments[1].second, strict=True):
        assert np.array_equal(one, other)


def test_row_weights_go_where_their_rows_go(engine, one_process, in_files, network):
    random = np.random.default_rng(0)
    weights = BlockWeights(random.random(in_files.rows), np.array([1.0, 2.0, 0.5]))
    sessions = [
        which.session(in_files, None, Objective(), weights) for which in (engine, one_process)
    ]
    one, other = (session.cost_and_gradient(network) for session in sessions)
    assert one.cost == other.cost
    runs = [session.batches(network, rule=Sgd(0.1), batch_size=50).epoch() for session in sessions]
    assert runs[0].tolist() == runs[1].tolist()


def test_workers_that_hold_little_in_memory_read_the_rest_again(
    engine, one_process, in_files, network, monkeypatch
):
    monkeypatch.setattr("handgrad.engines.dask.recipes.SHARE_OF_MEMORY", 1e-7)
    session = engine.session(in_files, None, Objective())
    expected = one_process.session(in_files, None, Objective()).cost_and_gradient(network).cost
    assert session.cost_and_gradient(network).cost == expected
    assert session.cost_and_gradient(network).cost == expected


def test_rows_that_fit_no_worker_are_refused(engine, blocks, network, monkeypatch):
    monkeypatch.setattr("handgrad.engines.dask.recipes.SHARE_OF_MEMORY", 1e-7)
    monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_PICKLED", 10)
    with pytest.raises(EngineError, match="expected more workers or more memory"):
        engine.session(blocks, None, Objective()).cost(network)
    monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_SENT", 10)
    with pytest.raises(EngineError, match="write Parquet"):
        engine.session(blocks, None, Objective())


def test_large_networks_are_sent_in_silence(engine, one_process, in_files, network):
    wide = Network.initial(features=network.D, hidden=100_000, classes=3, dtype="float64")
    expected = one_process.session(in_files, None, Objective()).cost(wide)
    assert engine.session(in_files, None, Objective()).cost(wide) == expected


def test_fewer_leaves_than_workers_are_enough(engine, one_process, network, rows):
    X, y = (array[:5] for array in rows)
    y = np.arange(5) % 3
    small = Blocks.of(X, y)
    assert engine.session(small, None, Objective()).cost(network) == one_process.session(
        small, None, Objective()
    ).cost(network)


def test_arrays_take_the_network_s_numbers_as_labels(engine, one_process, rows, network):
    X, y = rows
    lacks_a_class = np.where(y == 2, 0, y)
    found = engine.session(X, lacks_a_class, Objective()).cost_and_gradient(network)
    expected = one_process.session(X, lacks_a_class, Objective()).cost_and_gradient(network)
    assert np.isclose(found.cost, expected.cost, rtol=1e-6)
    for one, other in zip(found.gradient, expected.gradient, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


def test_labels_that_do_not_fit_are_refused(engine, blocks, rows, network):
    X, y = rows
    for labels in (y[:-1], -y, y.astype(float)):
        with pytest.raises(ShapeError):
            engine.session(X, labels, Objective()).cost(network)
    with pytest.raises(ShapeError, match="4 classes; expected 3"):
        engine.session(X, np.where(y == 2, 3, y), Objective()).cost(network)
    with pytest.raises(ShapeError, match="labels"):
        engine.session(blocks, y, Objective())


def test_diverging_runs_diverge_in_silence(engine, blocks, network):
    run = solvers.gd(engine, network, blocks, None, learning_rate=1e30, iterations=4)
    assert not run.network.is_finite
    assert not np.isfinite(run.costs[-1])


def test_single_samples_are_predicted_in_this_process(one_process, rows, network):
    engine = DaskEngine("tcp://127.0.0.1:1")  # which nobody asks
    assert engine.predictor(network).label(rows[0][0]) == one_process.predictor(network).label(
        rows[0][0]
    )
    assert engine.predict_proba(network, rows[0]).shape == (len(rows[0]), 3)


def test_the_engine_says_what_the_workers_share(engine, one_process):
    assert engine.name == "dask"
    assert engine.threads == 2
    assert engine.instruction_set == one_process.instruction_set


def test_two_outputs_are_one_logistic(engine, one_process, rows):
    X, y = rows
    blocks = Blocks.of(X, (y == 1), leaf_rows=100)
    W1, b1, W2, b2 = Network.initial(features=X.shape[1], hidden=4, classes=2).parameters
    network = Network(W1, b1, W2[:1], b2[:1], output="logistic")
    objective = Objective("logistic")
    assert engine.session(blocks, None, objective).cost(network) == one_process.session(
        blocks, None, objective
    ).cost(network)

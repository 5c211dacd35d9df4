"""The native core's memory: what the caller writes to its arrays later moves no place in it."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.errors import ShapeError

pytest.importorskip("handgrad.engines._native", exc_type=ImportError)

every_engine = pytest.mark.parametrize("name", available_engines())
FAR = 10**9


def sparse_problem(features, dtype=np.float64, indices=np.int32):
    random = np.random.default_rng(1)
    X = sparse.random_array((200, features), density=0.01, rng=random, format="csr", dtype=dtype)
    X.indices, X.indptr = X.indices.astype(indices), X.indptr.astype(indices)
    y = random.integers(3, size=200).astype(np.int32)
    network = Network.initial(features=features, hidden=4, classes=3, dtype=np.float64)
    return network, X, y


def dense_problem():
    random = np.random.default_rng(2)
    network = Network.initial(features=20, hidden=4, classes=3, dtype=np.float64)
    return network, random.normal(size=(200, 20)), random.integers(3, size=200).astype(np.int32)


@every_engine
@pytest.mark.parametrize("label", [FAR, -FAR])
def test_labels_of_a_run_are_its_own(name, label):
    network, X, y = dense_problem()
    engine = get_engine(name)
    run, expected = (
        engine.batches(network, X, labels, rule=Sgd(), batch_size=7) for labels in (y, y.copy())
    )
    run.epoch()
    expected.epoch()
    y[:] = label
    np.testing.assert_array_equal(run.epoch(), expected.epoch())


@every_engine
def test_weights_of_a_run_are_its_own(name):
    network, X, y = dense_problem()
    weights = np.linspace(1, 2, 200)
    engine = get_engine(name)
    run, expected = (
        engine.batches(network, X, y, rule=Sgd(), batch_size=7, sample_weight=given)
        for given in (weights, weights.copy())
    )
    weights[:] = np.nan
    np.testing.assert_array_equal(run.epoch(), expected.epoch())


@every_engine
@pytest.mark.parametrize("features", [500, 70_000])  # indices of 16 and of 32 bits
@pytest.mark.parametrize("part", ["indices", "indptr"])
@pytest.mark.parametrize("rule", [Sgd(), Adam()], ids=str)
def test_places_of_sparse_rows_are_the_runs_own(name, features, part, rule):
    network, X, y = sparse_problem(features)
    engine = get_engine(name)
    run, expected = (
        engine.batches(network, rows, y, rule=rule, batch_size=7) for rows in (X, X.copy())
    )
    run.epoch()
    expected.epoch()
    getattr(X, part)[:] = FAR
    np.testing.assert_array_equal(run.epoch(), expected.epoch())


def test_a_callback_of_descent_may_write_to_the_rows_and_labels():
    network, X, y = sparse_problem(500)
    untouched, labels = X.copy(), y.copy()
    engine = get_engine("native")
    seen = []

    def write(progress):
        X.indices[:], X.indptr[:], y[:] = FAR, FAR, FAR
        seen.append(progress)
        return len(seen) == 3

    last, costs = engine.descend(
        network, X, y, learning_rate=0.1, iterations=10**7, on_progress=write
    )
    expected, expected_costs = engine.descend(
        network, untouched, labels, learning_rate=0.1, iterations=len(costs)
    )
    np.testing.assert_array_equal(costs, expected_costs)
    np.testing.assert_array_equal(last.W1, expected.W1)


def damaged(indptr, indices, index_type, shape=(2, 3)):
    """Make a matrix as SciPy would not: its parts are not checked."""
    matrix = sparse.csr_array(shape)
    matrix.data = np.ones(len(indices))
    matrix.indptr = np.array(indptr, index_type)
    matrix.indices = np.array(indices, index_type)
    return matrix


@every_engine
@pytest.mark.parametrize(
    ("indptr", "indices", "index_type"),
    [
        ([0, 1, 2], [0, 3], np.int32),
        ([0, 1, 2], [0, 3], np.int64),
        ([0, 1, 2], [0, -1], np.int64),
        ([0, 1, 2], [0, -(2**32) + 1], np.int64),  # 1 in 32 bits
        ([0, 1, 2], [0, 2**32 + 1], np.int64),
        ([0, 1, 2], [0, 65536 + 1], np.int32),  # 1 in 16 bits
        ([0, 1, 2], [0, 2**64 - 1], np.uint64),
        ([0, 1, 2**64 - 1], [0, 1], np.uint64),
        ([0, 1, 2**32 - 1], [0, 1], np.uint32),
        ([0, 2**63 - 1, 2], [0, 1], np.int64),
        ([-1, 0, 1], [0, 1], np.int32),
        ([-(2**63), 0, 1], [0, 1], np.int64),
        ([0, 2, 1], [0, 1], np.int32),
        ([0, 1], [0], np.int32),  # too short
        ([0, 1, 2, 2], [0, 1], np.int32),  # too long
        ([], [], np.int32),
        ([0, 1, 2], [[0], [1]], np.int32),
        ([0.0, 1.0, 2.0], [0, 1], np.float64),
    ],
)
def test_places_beyond_a_sparse_matrix_are_refused(name, indptr, indices, index_type):
    network = Network.initial(features=3, classes=2)
    X = damaged(indptr, indices, index_type)
    with pytest.raises(ShapeError, match="expected"):
        get_engine(name).predict_proba(network, X)
    with pytest.raises(ShapeError, match="expected"):
        get_engine(name).cost_and_gradient(network, X, [0, 1])


@pytest.mark.parametrize("features", [500, 70_000])
@pytest.mark.parametrize("indices", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_places_of_any_width_are_the_same_places(features, indices, dtype):
    network, X, _ = sparse_problem(features)
    X.data = np.arange(1, X.nnz + 1).astype(dtype)
    X.indices, X.indptr = X.indices.astype(indices), X.indptr.astype(indices)
    found = get_engine("native").predict_proba(network, X)
    expected = get_engine("reference").predict_proba(network, X.toarray())
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("name", available_engines())
def test_sparse_rows_that_begin_after_an_entry_are_refused(name):
    """SciPy calls such a matrix damaged, and the entry would be lost without a word."""
    network = Network.initial(features=3, classes=2, dtype=np.float64)
    X = damaged([1, 2, 3], [0, 0, 2], np.int32)
    with pytest.raises(ShapeError, match="does not begin with 0"):
        get_engine(name).predict_proba(network, X)


WRITTEN_MEANWHILE = """
import sys, threading
import numpy as np
from scipy import sparse
from handgrad import Network, get_engine
from handgrad.engines import Sgd
from handgrad.errors import HandgradError
from handgrad.objective import Objective

what, dtype = sys.argv[1:]
m, D, full = 3000, 784, 255
network = Network.initial(features=D, hidden=8, classes=10)
engine = get_engine("native", threads=2)
y = np.zeros(m, np.int32)
X = np.zeros((m, D), dtype)
if what == "places":
    X[:, ::90] = 1
    X = sparse.csr_array(X)
ended = threading.Event()

def write():
    while not ended.is_set():
        if what == "places":
            for array in (X.indices, X.indptr, y):
                before = array.copy()
                array[:] = 10**9
                array[:] = before
        else:
            X[:] = full
            X[:] = 0

writer = threading.Thread(target=write)
writer.start()
try:
    for _ in range({rounds}):
        for work in (
            lambda: engine.descend(network, X, y, learning_rate=1e-3, iterations=2),
            lambda: engine.batches(network, X, y, rule=Sgd(1e-3), batch_size=32).epoch(),
            lambda: engine.batches(network, X, y, rule=Sgd(1e-3), batch_size=1500).epoch(),
            lambda: engine.predict_proba(network, X),
            lambda: engine.cost_and_gradient(network, X, y),
            lambda: engine.part(X, y, Objective()).cost_and_gradient(network),
            lambda: engine.part(X, y, Objective(), kept=False).cost_and_gradient(network),
        ):
            try:
                work()
            except HandgradError:
                pass
finally:
    ended.set()
    writer.join()
print("whole")
"""


@pytest.mark.parametrize(
    ("what", "dtype"), [("values", "u1"), ("values", "f4"), ("values", "f8"), ("places", "f4")]
)
def test_another_thread_may_write_to_the_arrays_of_a_call(what, dtype):
    """Whatever numbers come of it: the process lives on, and its heap is whole."""
    script = WRITTEN_MEANWHILE.replace("{rounds}", "20")
    run = subprocess.run(
        [sys.executable, "-c", script, what, dtype], capture_output=True, text=True, timeout=300
    )
    assert (run.returncode, run.stdout) == (0, "whole\n"), run.stderr


@pytest.mark.parametrize("dense", [True, False])
def test_a_callback_may_run_the_engine_itself(dense):
    network, X, y = dense_problem() if dense else sparse_problem(500)
    engine = get_engine("native", threads=2)
    expected = engine.predict_proba(network, X)
    found = []
    engine.descend(
        network,
        X,
        y,
        learning_rate=0.1,
        iterations=1,
        on_progress=lambda _: found.append(engine.predict_proba(network, X)),
    )
    np.testing.assert_array_equal(found[0], expected)


def test_a_predictor_serves_several_threads():
    network, X, _ = dense_problem()
    predictor = get_engine("native").predictor(network)
    expected = [predictor.label(x) for x in X]
    found: list[list[int]] = [[] for _ in range(3)]
    workers = [
        threading.Thread(target=lambda to=to: to.extend(predictor.label(x) for x in X))
        for to in found
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 3

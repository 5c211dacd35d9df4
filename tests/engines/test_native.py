"""The native engine against the reference, on every instruction set of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.errors import EngineError, ShapeError
from handgrad.rows import values_of
from instruction_sets import VARIABLE, core, every_instruction_set, native

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}

reference = get_engine("reference")


# Around whole vectors of 4, 8 and 16 numbers, and panels of up to four of them.
SIZES = st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 31, 33, 63, 64, 65, 130]))
# Around blocks of 64 rows, slices of 96, blocks of columns of 256, and several of each.
ROWS = st.one_of(SIZES, st.sampled_from([95, 97, 191, 192, 193, 255, 256, 257, 600]))


@st.composite
def tasks(draw):
    """Draw a network, rows of any type, density and layout, labels, and weights or none."""
    m, D = draw(ROWS, label="m"), draw(SIZES, label="D")
    H, K = draw(SIZES, label="H"), draw(SIZES, label="K")
    dtype = draw(st.sampled_from([np.float32, np.float64]), label="dtype")
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    density = draw(st.sampled_from([0, 0.02, 0.2, 0.39, 0.41, 1]), label="density")
    kind = draw(st.sampled_from([np.uint8, np.float32, np.float64, np.int16]), label="rows")
    there = random.random((m, D)) < density
    integers = random.integers(1, 256, (m, D)) if kind == np.uint8 else random.normal(0, 2, (m, D))
    X = (integers * there).astype(kind)
    layout = draw(st.sampled_from(["C", "F", "strided", "reversed", "readonly", "csr", "csc"]))
    output = draw(st.sampled_from(["softmax", "softmax", "logistic"]), label="output")
    K = 1 if output == "logistic" else K
    initial = Network.initial(
        features=D, hidden=H, classes=K, seed=int(random.integers(100)), dtype=dtype
    )
    network = Network(*initial.parameters, output=output)
    weights = None
    if draw(st.booleans(), label="weighted"):
        weights = random.integers(0, 3, m) + (np.arange(m) == 0)
    return network, _laid_out(X, layout), random.integers(network.classes, size=m), weights


def _laid_out(X, layout):
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
        return wide[::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
    if layout == "readonly":
        X.flags.writeable = False
    if layout in ("csr", "csc"):
        return sparse.csr_array(X) if layout == "csr" else sparse.csc_array(X)
    return X


def assert_close(found, expected, dtype, terms, at_least=1e-3):
    """Compare relative to the largest entry, or more: entries may cancel to nothing."""
    tolerance = TOLERANCE[dtype.type] * max(1.0, np.sqrt(terms) / 8)
    scale = max(np.abs(expected).max(initial=0), at_least)
    assert found.dtype == dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@every_instruction_set
@settings(max_examples=150, deadline=None)
@given(task=tasks(), threads=st.integers(1, 5))
def test_cost_gradient_and_probabilities_are_those_of_the_reference(instruction_set, task, threads):
    network, X, y, weights = task
    engine = native(instruction_set, threads)
    cost, gradient = engine.cost_and_gradient(network, X, y, weights)
    exact = network.astype(np.float64)
    expected_cost, expected = reference.cost_and_gradient(exact, X, y, weights)
    tolerance = TOLERANCE[network.dtype.type]
    assert cost == pytest.approx(expected_cost, rel=tolerance, abs=tolerance)
    largest = max(np.abs(matrix).max() for matrix in expected)
    # If a network is almost certain, A2 - 1 cancels: what is left is the rounding of a 1, times X.
    epsilon = float(np.finfo(network.dtype).eps)
    inputs = max(1.0, np.abs(values_of(exact.rows(X))).max(initial=0))
    least = max(0.1 * largest, 1e-2, 3 * epsilon * inputs / tolerance)
    for found, matrix in zip(gradient, expected, strict=True):
        terms = len(y) + network.D
        assert_close(found, matrix, network.dtype, terms, at_least=least)
    probabilities = reference.predict_proba(exact, X)
    np.testing.assert_allclose(
        engine.predict_proba(network, X), probabilities, rtol=20 * tolerance, atol=tolerance
    )


ALPHAS = st.sampled_from([0.0, 0.3])


@every_instruction_set
@settings(max_examples=40, deadline=None)
@given(task=tasks(), iterations=st.integers(1, 4), alpha=ALPHAS)
def test_a_run_is_that_of_the_reference(instruction_set, task, iterations, alpha):
    network, X, y, weights = task
    network = network.astype(np.float64)
    options = {
        "learning_rate": 0.05,
        "iterations": iterations,
        "sample_weight": weights,
        "alpha": alpha,
    }
    last, costs = native(instruction_set, 2).descend(network, X, y, **options)
    expected, expected_costs = reference.descend(network, X, y, **options)
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-10, atol=1e-12)
    for found, matrix in zip(last.parameters, expected.parameters, strict=True):
        assert_close(found, matrix, network.dtype, terms=10**4)


RULES = st.one_of(
    st.builds(
        Sgd,
        learning_rate=st.sampled_from([0.002, 0.01]),
        momentum=st.sampled_from([0, 0.5, 0.9]),
        nesterov=st.booleans(),
    ),
    st.builds(Adam, learning_rate=st.sampled_from([0.0005, 0.002]), epsilon=st.just(1e-4)),
)


@every_instruction_set
@settings(max_examples=60, deadline=None)
@given(
    task=tasks(),
    rule=RULES,
    batch=st.sampled_from([1, 2, 7, 32, 200]),
    threads=st.integers(1, 3),
    alpha=ALPHAS,
)
def test_epochs_are_those_of_the_reference(instruction_set, task, rule, batch, threads, alpha):
    network, X, y, weights = task
    network = network.astype(np.float64)
    options = {
        "rule": rule,
        "batch_size": batch,
        "sample_weight": weights,
        "alpha": alpha,
    }
    run = native(instruction_set, threads).batches(network, X, y, **options)
    expected = reference.batches(network, X, y, **options)
    random = np.random.default_rng(0)
    for _ in range(2):
        order = random.permutation(len(y))[: max(1, len(y) - 1)]
        np.testing.assert_allclose(run.epoch(order), expected.epoch(order), rtol=1e-6, atol=1e-8)
    for found, matrix in zip(run.network.parameters, expected.network.parameters, strict=True):
        np.testing.assert_allclose(found, matrix, rtol=1e-5, atol=1e-7)
    moments = run.moments, expected.moments
    assert moments[0].steps == moments[1].steps
    if isinstance(rule, Adam) or rule.momentum:
        for found, matrix in zip(moments[0].first, moments[1].first, strict=True):
            np.testing.assert_allclose(found, matrix, rtol=1e-5, atol=1e-7)


@every_instruction_set
def test_an_epsilon_below_the_types_numbers_leaves_parameters_without_gradient_alone(
    instruction_set,
):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(40, 4)), random.integers(3, size=40)
    X[:, 0] = 0
    network = Network.initial(features=4, hidden=5, classes=3)
    options = {"batch_size": 8, "alpha": 0}
    found, expected = (
        native(instruction_set).batches(network, X, y, rule=Adam(0.01, epsilon=epsilon), **options)
        for epsilon in (1e-50, 1e-30)
    )
    np.testing.assert_array_equal(found.epoch(), expected.epoch())
    np.testing.assert_array_equal(found.network.W1, expected.network.W1)
    np.testing.assert_array_equal(found.network.W1[:, 0], network.W1[:, 0])


def test_an_instruction_set_that_is_not_there_is_refused():
    with pytest.raises(EngineError, match=f"{VARIABLE} is 'mmx'; expected one of baseline"):
        native("mmx")


@every_instruction_set
def test_the_instruction_set_can_be_chosen(instruction_set):
    assert native(instruction_set).instruction_set == instruction_set
    with mock.patch.dict(os.environ, {VARIABLE: ""}):
        assert get_engine("native").instruction_set == core.instruction_sets()[-1]


@pytest.mark.parametrize("shift", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_misaligned_rows_are_read_right(shift, dtype):
    X = np.random.default_rng(0).normal(size=(20, 7)).astype(dtype)
    memory = bytearray(X.nbytes + shift)
    misaligned = np.frombuffer(memory, dtype, count=X.size, offset=shift).reshape(X.shape)
    misaligned[:] = X
    assert not misaligned.flags.aligned
    network = Network.initial(features=7, hidden=4, classes=3, dtype=dtype)
    engine = native("baseline")
    np.testing.assert_array_equal(
        engine.predict_proba(network, misaligned), engine.predict_proba(network, X)
    )
    np.testing.assert_array_equal(
        engine.predict_proba(network, X.astype(X.dtype.newbyteorder())),
        engine.predict_proba(network, X),
    )


@every_instruction_set
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_value_that_is_not_finite_reaches_the_core(instruction_set, bad, dtype):
    network = Network.initial(features=37, classes=2)
    engine = native(instruction_set, 2)
    for place in ((0, 0), (2999, 36), (1500, 33)):
        X = np.zeros((3000, 37), dtype)
        X[place] = bad
        for rows in (X, sparse.csr_array(X)):
            with pytest.raises(ShapeError, match="NaN or infinite"):
                engine.cost_and_gradient(network, rows, np.zeros(3000, int))


def test_a_number_beyond_the_networks_type_is_refused():
    network = Network.initial(features=1, classes=2)
    with pytest.raises(ShapeError, match="NaN or infinite"):
        native("baseline").predict_proba(network, np.array([[1e300]]))


@pytest.mark.parametrize("y", [[0, 3], [-1, 0], [2**40, 0], [0.5, 1]])
def test_labels_out_of_range_are_refused(y):
    network = Network.initial(features=2, classes=3)
    with pytest.raises(ShapeError, match="expected integers from 0 to 2"):
        native("baseline").cost_and_gradient(network, np.ones((2, 2)), y)


def test_what_memory_cannot_hold_is_refused():
    """One column, repeated without taking memory: the network is small, the copy is not."""
    network = Network.initial(features=1, hidden=1, classes=1)
    huge = np.broadcast_to(np.uint8(1), (2**50, 1))
    with pytest.raises(EngineError, match="not enough memory"):
        native("baseline").predict_proba(network, huge)


def test_networks_train_at_the_same_time_in_threads():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(400, 20)), random.integers(3, size=400)
    networks = [Network.initial(features=20, classes=3, seed=seed) for seed in range(4)]
    engine = get_engine("native", threads=2)

    def train(network):
        return engine.descend(network, X, y, learning_rate=0.1, iterations=50)[0].W1

    expected = [train(network) for network in networks]
    found = [None] * len(networks)

    def work(place):
        found[place] = train(networks[place])

    workers = [threading.Thread(target=work, args=[place]) for place in range(len(networks))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    np.testing.assert_array_equal(found, expected)


def test_other_threads_run_while_the_core_works():
    """A thread ends a run that would otherwise take hours: it can only where the GIL is free."""
    X, y = np.ones((4, 2)), [0, 1, 0, 1]
    network = Network.initial(features=2, classes=2)
    enough = threading.Event()
    other = threading.Timer(0.01, enough.set)
    other.start()
    _, costs = get_engine("native").descend(
        network, X, y, learning_rate=1e-6, iterations=10**9, on_progress=lambda _: enough.is_set()
    )
    other.join()
    assert 0 < len(costs) < 10**9


INTERRUPTED = """
import numpy as np, signal, threading
from handgrad import Network, get_engine
from handgrad.engines import Sgd
X, y = np.ones((4, 2)), [0, 1, 0, 1]
network = Network.initial(features=2, classes=2)
engine = get_engine("native")
threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
try:
    if {batches}:
        run = engine.batches(network, X, y, rule=Sgd(1e-6), batch_size=1)
        run.epoch(np.zeros(10**8, int))
    else:
        engine.descend(network, X, y, learning_rate=1e-6, iterations=10**9)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="there is no Ctrl-C here")
@pytest.mark.parametrize("batches", [False, True])
def test_ctrl_c_ends_a_run_that_reports_to_nobody(batches):
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(batches=batches)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout == "interrupted\n"


def test_a_forked_process_can_use_an_engine_that_was_used_before():
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    script = """
import os, numpy as np
from handgrad import Network, get_engine
engine = get_engine("native", threads=3)
network, X = Network.initial(features=3, classes=2), np.ones((5000, 3))
before = engine.predict_proba(network, X)
child = os.fork()
same = (engine.predict_proba(network, X) == before).all()
if child == 0:
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and same
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)

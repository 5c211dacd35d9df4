"""Parts of larger sets of rows: one slice each, the same bits whether packed or not."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.errors import EngineError, ShapeError
from handgrad.objective import Objective
from handgrad.rows import Bytes
from instruction_sets import every_instruction_set, native

reference = get_engine("reference")
KINDS = {
    "pixels": lambda X: X,
    "bytes": lambda X: Bytes(X, 0.01),
    "float32": lambda X: X.astype(np.float32) / 90,
    "float64": lambda X: X / 90,
    "integers": lambda X: X.astype(np.int64) // 50,
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "csr": lambda X: sparse.csr_array(X / 90),
    "csr of pixels": sparse.csr_array,
}


def problem(m, features, hidden, density, *, dtype="float32", output="softmax", seed=0):
    random = np.random.default_rng(seed)
    X = random.integers(1, 256, (m, features)) * (random.random((m, features)) < density)
    classes = 1 if output == "logistic" else 3
    network = Network.initial(
        features=features, hidden=hidden, classes=classes, seed=seed, dtype=dtype
    )
    network = Network(*network.parameters, output=output)
    return network, X.astype(np.uint8), random.integers(max(classes, 2), size=m)


def bits(part, network):
    cost, gradient, accuracy = part.cost_and_gradient(network)
    return [np.float64(part.cost(network)).tobytes(), cost, accuracy] + [
        array.tobytes() for array in gradient
    ]


@every_instruction_set
@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 700),
    features=st.integers(1, 120),
    hidden=st.integers(1, 200),
    density=st.sampled_from([0.0, 0.02, 0.2, 0.39, 0.7, 1.0]),
    kind=st.sampled_from(list(KINDS)),
    dtype=st.sampled_from(["float32", "float64"]),
    weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 0.3]),
    output=st.sampled_from(["softmax", "logistic"]),
)
def test_bits_never_depend_on_kept(
    instruction_set, m, features, hidden, density, kind, dtype, weighted, alpha, output
):
    network, X, y = problem(
        m, features, hidden, density, dtype=dtype, output=output, seed=m + features
    )
    rows, weights = KINDS[kind](X), np.linspace(0.5, 2, m) if weighted else None
    engine, objective = native(instruction_set, 2), Objective(output, alpha=alpha)
    kept, read_anew = (
        engine.part(rows, y, objective, weights, kept=kept) for kept in (True, False)
    )
    expected = bits(read_anew, network)
    assert bits(kept, network) == expected == bits(kept, network)
    cost, gradient, accuracy = reference.session(rows, y, objective, weights).cost_and_gradient(
        network
    )
    tolerance = 2e-5 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(kept.cost(network), cost, rtol=tolerance, atol=tolerance)
    assert accuracy == pytest.approx(expected[2], abs=1.5 / m)
    for found, exact in zip(kept.cost_and_gradient(network).gradient, gradient, strict=True):
        scale = max(np.abs(exact).max(), 0.05)  # the terms of a sum of 0 are not 0
        np.testing.assert_allclose(found, exact, rtol=0, atol=tolerance * scale)


@every_instruction_set
@pytest.mark.parametrize("kind", ["pixels", "float32"])
def test_wide_rows_are_cut_into_blocks_alike(instruction_set, kind):
    network, X, y = problem(300, 9000, 5, 0.1)
    rows, engine = KINDS[kind](X), native(instruction_set)
    kept, read_anew = (engine.part(rows, y, Objective(), kept=kept) for kept in (True, False))
    assert bits(kept, network) == bits(read_anew, network)


@every_instruction_set
def test_threads_do_not_change_the_bits_of_a_part(instruction_set):
    network, X, y = problem(2000, 300, 10, 0.2)
    first, *others = (
        bits(native(instruction_set, threads).part(X, y, Objective()), network)
        for threads in (1, 2, 16)
    )
    assert others == [first, first]


@pytest.mark.parametrize("kept", [True, False])
def test_several_threads_may_use_one_part(kept):
    network, X, y = problem(3000, 300, 10, 0.2)
    engine = get_engine("native", threads=2)
    expected = bits(engine.part(X, y, Objective(), kept=kept), network)
    part = engine.part(X, y, Objective(), kept=kept)
    found: list[list[object]] = [[] for _ in range(4)]
    begin = threading.Barrier(4)

    def use(to):
        begin.wait()
        to.append(bits(part, network))

    threads = [threading.Thread(target=use, args=(to,)) for to in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[expected]] * 4


class Weak(np.ndarray):
    """An array that says when nobody holds it any more."""


def test_a_kept_part_lets_go_of_the_rows_that_it_packed():
    network, X, y = problem(500, 300, 10, 0.2)
    rows = X.view(Weak)
    held = weakref.ref(rows)
    part = get_engine("native").part(rows, y, Objective())
    expected = bits(get_engine("native").part(X, y, Objective(), kept=False), network)
    part.cost(network)
    del rows
    gc.collect()
    assert held() is None
    assert bits(part, network) == expected


def test_a_kept_part_takes_only_networks_that_read_the_rows_alike():
    network, X, y = problem(50, 30, 4, 0.2)
    kept, read_anew = (get_engine("native").part(X, y, Objective(), kept=k) for k in (True, False))
    for part in (kept, read_anew):
        part.cost(network)
        part.cost(Network.initial(features=30, hidden=7, classes=3, seed=3))
    with pytest.raises(EngineError, match="packed for networks of another size, type or scale"):
        kept.cost(network.astype("float64"))
    assert read_anew.cost(network.astype("float64")) == pytest.approx(read_anew.cost(network))


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_written_to_labels_and_weights_later_changes_nothing(kept):
    network, X, y = problem(500, 60, 10, 0.2)
    weights = np.linspace(1, 2, 500)
    part = get_engine("native").part(X, y, Objective(), weights, kept=kept)
    expected = bits(part, network)
    y[:], weights[:] = 10**9, np.nan
    assert bits(part, network) == expected


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("wrong", ["columns", "labels", "weights", "infinite"])
def test_wrong_rows_are_refused_in_a_sentence_each_time(kept, wrong):
    network, X, y = problem(50, 30, 4, 0.2)
    rows, labels, weights = X / 90, y, None
    if wrong == "columns":
        rows = rows[:, 1:]
    if wrong == "labels":
        labels = y + 3
    if wrong == "weights":
        weights = -np.ones(50)
    if wrong == "infinite":
        rows[3, 4] = np.inf
    part = get_engine("native").part(rows, labels, Objective(), weights, kept=kept)
    for _ in range(2):
        with pytest.raises(ShapeError, match="expected"):
            part.cost_and_gradient(network)


@pytest.mark.parametrize("name", ["reference", "native"])
def test_every_engine_has_parts(name):
    network, X, y = problem(500, 60, 10, 0.2, dtype="float64")
    weights = np.linspace(1, 2, 500)
    objective = Objective(alpha=0.1)
    part = get_engine(name).part(X, y, objective, weights, kept=False)
    whole = reference.session(X, y, objective, weights).cost_and_gradient(network)
    found = part.cost_and_gradient(network)
    np.testing.assert_allclose(found.cost, whole.cost, rtol=1e-12)
    for one, other in zip(found.gradient, whole.gradient, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * np.abs(other).max())

"""Networks with wide layers: the native engine computes their gradients by parts of the weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.objective import Objective
from instruction_sets import every_instruction_set, native

RULES = [Sgd(0.05), Sgd(0.01, 0.9), Sgd(0.01, 0.9, True), Adam(0.001)]
WIDE = 2**17  # weights, from which on they are cut into parts


def sparse_pixels(random, m, features):
    """Bytes, most of them 0: the first layer is cut into shards of features."""
    pixels = random.integers(1, 256, (m, features)) * (random.random((m, features)) < 0.2)
    return pixels.astype(np.uint8)


def dense_numbers(random, m, features):
    return random.normal(size=(m, features))


def runs_of(engines, network, X, targets, weights=None, **of_batches):
    """Begin the same run of batches in each engine."""
    alpha = of_batches.pop("alpha", 0.0)
    return [
        engine.session(X, targets, Objective(network.output, alpha), weights).batches(
            network, **of_batches
        )
        for engine in engines
    ]


def assert_alike(found, expected, tolerance):
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, np.abs(other).max()))


@every_instruction_set
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize(("rows", "alpha"), [(sparse_pixels, 0.2), (dense_numbers, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_are_those_of_the_reference_with_any_number_of_threads(
    instruction_set, rule, rows, alpha, dtype
):
    random = np.random.default_rng(7)
    X, y, order = rows(random, 230, 90), random.integers(5, size=230), random.permutation(230)
    network = Network.initial(features=90, hidden=(330, 420), classes=5, seed=1, dtype=dtype)
    engines = [native(instruction_set, threads) for threads in (1, 2, 3, 16)]
    runs = runs_of(
        [*engines, get_engine("reference")], network, X, y, rule=rule, batch_size=100, alpha=alpha
    )
    for _ in range(2):
        costs, *others, expected = (run.epoch(order) for run in runs)
        for other in others:
            np.testing.assert_array_equal(other, costs)
        np.testing.assert_allclose(costs, expected, rtol=2e-4 if dtype == np.float32 else 1e-11)
    first, *others, expected = (run.network for run in runs)
    assert_alike(first, expected, 2e-4 if dtype == np.float32 else 1e-10)
    for other in others:
        assert_alike(other, first, 0)


@st.composite
def wide_networks(draw):
    """Draw sizes whose middle, or first, layer is wide, at the borders of vectors and parts."""
    narrow = st.sampled_from([1, 7, 16, 17, 64, 65])
    width = draw(st.sampled_from([362, 383, 384, 385, 448, 513]), label="width")
    hidden = [width, -(-WIDE // width)]
    hidden.insert(draw(st.integers(0, 2), label="place"), draw(narrow, label="narrow"))
    if draw(st.booleans(), label="without the narrow layer"):
        hidden = [width, -(-WIDE // width)]
    activation = draw(st.sampled_from(["identity", "logistic", "tanh", "relu", "leaky_relu"]))
    output = draw(st.sampled_from(["softmax", "logistic", "identity", "exp"]), label="output")
    return Network.initial(
        features=draw(st.integers(1, 70), label="features"),
        hidden=tuple(hidden),
        classes=draw(st.integers(2, 20), label="classes") if output == "softmax" else 3,
        activation=activation,
        output=output,
        seed=draw(st.integers(0, 99), label="seed"),
        dtype=np.float64,
    )


@every_instruction_set
@settings(max_examples=20, deadline=None)
@given(
    network=wide_networks(),
    m=st.integers(1, 150),
    batch=st.integers(1, 150),
    rows=st.sampled_from([sparse_pixels, dense_numbers]),
    rule=st.sampled_from([Sgd(0.001), Adam(0.0001)]),
    weighted=st.booleans(),
)
def test_wide_networks_of_any_shape_are_those_of_the_reference(
    instruction_set, network, m, batch, rows, rule, weighted
):
    random = np.random.default_rng(m + batch)
    X = rows(random, m, network.D)
    targets = random.integers(network.K, size=m)
    if network.output != "softmax":
        targets = random.integers(2, size=(m, network.K)).astype(np.float64)
    weights = random.integers(1, 4, m).astype(float) if weighted else None
    found, other, expected = runs_of(
        [native(instruction_set, 1), native(instruction_set, 2), get_engine("reference")],
        network, X, targets, weights, rule=rule, batch_size=batch, alpha=0.01,
    )  # fmt: skip
    order = random.permutation(m)
    costs = found.epoch(order)
    np.testing.assert_array_equal(costs, other.epoch(order))
    np.testing.assert_allclose(costs, expected.epoch(order), rtol=1e-9)
    assert_alike(found.network, other.network, 0)
    assert_alike(found.network, expected.network, 1e-8)


@pytest.mark.parametrize("rows", [sparse_pixels, dense_numbers])
@pytest.mark.parametrize("rule", [Sgd(0.01, 0.9), Adam(0.001)], ids=str)
def test_a_run_continues_from_its_moments(rule, rows):
    random = np.random.default_rng(2)
    X, y = rows(random, 120, 60), random.integers(4, size=120)
    network = Network.initial(features=60, hidden=(400, 400), classes=4, seed=3)
    session = get_engine("native").session(X, y, Objective())
    whole = session.batches(network, rule=rule, batch_size=50)
    for _ in range(2):
        whole.epoch()
    first = session.batches(network, rule=rule, batch_size=50)
    first.epoch()
    second = session.batches(first.network, rule=rule, batch_size=50, moments=first.moments)
    second.epoch()
    assert_alike(second.network, whole.network, 0)
    for one, other in zip(second.moments[1], whole.moments[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rows", [sparse_pixels, dense_numbers])
def test_a_wide_single_layer_is_trained_by_parts(rows):
    random = np.random.default_rng(4)
    X, y = rows(random, 90, 1400), random.integers(100, size=90)
    network = Network.initial(features=1400, hidden=(), classes=100, seed=3, dtype=np.float64)
    found, other, expected = runs_of(
        [get_engine("native", threads=1), get_engine("native", threads=2), get_engine("reference")],
        network, X, y, rule=Sgd(0.05), batch_size=40,
    )  # fmt: skip
    costs = found.epoch()
    np.testing.assert_array_equal(costs, other.epoch())
    np.testing.assert_allclose(costs, expected.epoch(), rtol=1e-10)
    assert_alike(found.network, expected.network, 1e-10)

"""Bytes with a scale of their own: the numbers that they stand for, on every path of an engine."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd, available_engines
from handgrad.errors import ShapeError
from handgrad.objective import Objective
from handgrad.rows import PIXEL_SCALE, Bytes


def engines():
    yield get_engine("reference")
    if "native" in available_engines():
        from handgrad.engines import _native

        for name in _native.instruction_sets():
            with mock.patch.dict(os.environ, {"HANDGRAD_INSTRUCTION_SET": name}):
                yield get_engine("native", threads=2)


every_engine = pytest.mark.parametrize("engine", list(engines()), ids=lambda e: e.instruction_set)
every_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# How an engine may keep rows: dense tiles, non-zeros in blocks of rows, columns of blocks, shards
# of features, or CSR with short and long indices.
KINDS = {
    "dense": (700, 90, 0.9, np.asarray),
    "non-zeros": (40, 90, 0.3, np.asarray),
    "columns": (700, 90, 0.3, np.asarray),
    "shards": (700, 500, 0.3, np.asarray),
    "strided": (700, 90, 0.9, lambda X: np.repeat(np.repeat(X, 2, 0), 2, 1)[::2, ::2]),
    "csr": (700, 90, 0.3, sparse.csr_array),
    "text": (300, 4000, 0.002, sparse.csr_array),
    "wide": (40, 70_000, 0.001, sparse.csr_array),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def problem(kind, dtype, scale):
    m, D, density, layout = KINDS[kind]
    random = np.random.default_rng(len(kind))
    X = random.integers(1, 256, (m, D), dtype=np.uint8) * (random.random((m, D)) < density)
    network = Network.initial(features=D, hidden=9, classes=4, seed=2, dtype=dtype)
    largest = abs(255 * scale)
    network = Network(network.W1 / dtype(largest), *network.parameters[1:])
    return network, X.astype(np.uint8), layout, random.integers(4, size=m)


def results(engine, network, X, y):
    """Return all that an engine makes of rows."""
    m = len(y)
    cost, gradient, accuracy = engine.session(X, y, Objective()).cost_and_gradient(network)
    last, costs = engine.descend(network, X, y, learning_rate=0.01, iterations=3)
    found = [np.float64(cost), np.float64(accuracy), *gradient, *last.parameters, costs]
    for rule, batch in ((Sgd(0.01), 32), (Adam(0.001, epsilon=1e-4), 200)):
        run = engine.batches(network, X, y, rule=rule, batch_size=batch)
        order = np.random.default_rng(0).permutation(m)
        found += [run.epoch(order), run.epoch(), *run.network.parameters]
    return [*found, engine.predict_proba(network, X)]


@cache
def expected_results(kind, dtype, scale):
    network, X, _, y = problem(kind, dtype, scale)
    exact = network.astype(np.float64)
    return results(get_engine("reference"), exact, X.astype(np.float64) * scale, y)


@every_engine
@every_kind
@every_type
@pytest.mark.parametrize("scale", [1.0, -0.3])
def test_bytes_are_the_numbers_that_they_stand_for(engine, kind, dtype, scale):
    network, X, layout, y = problem(kind, dtype, scale)
    found = results(engine, network, Bytes(layout(X), scale), y)
    expected = expected_results(kind, dtype, scale)
    tolerance = 1e-3 if dtype == np.float32 else 1e-9
    for one, other in zip(found, expected, strict=True):
        if np.ndim(one) == 0 and dtype == np.float32:
            assert one == pytest.approx(other, abs=0.01)
            continue
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


@every_engine
@every_kind
@every_type
def test_bytes_scaled_as_pixels_are_pixels_to_the_last_bit(engine, kind, dtype):
    network, X, layout, y = problem(kind, dtype, PIXEL_SCALE)
    found = results(engine, network, Bytes(layout(X), 1 / 255), y)
    for one, other in zip(found, results(engine, network, layout(X), y), strict=True):
        np.testing.assert_array_equal(one, other)


@every_engine
@settings(max_examples=25)
@given(
    m=st.integers(1, 300),
    D=st.integers(1, 130),
    density=st.sampled_from([0, 0.1, 0.39, 1]),
    scale=st.floats(-3, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
    stored=st.booleans(),
)
def test_probabilities_of_bytes_of_any_shape(engine, m, D, density, scale, dtype, stored):
    random = np.random.default_rng(m * D)
    X = random.integers(1, 256, (m, D)) * (random.random((m, D)) < density)
    X = X.astype(np.uint8)
    network = Network.initial(features=D, hidden=5, classes=3, dtype=dtype)
    network = Network(network.W1 / dtype(255), *network.parameters[1:])
    rows = sparse.csr_array(X) if stored else X
    found = engine.predict_proba(network, Bytes(rows, scale))
    expected = get_engine("reference").predict_proba(network.astype(np.float64), X * scale)
    np.testing.assert_allclose(found, expected, atol=1e-5 if dtype == np.float32 else 1e-12)


class Counting(Network):
    """Bare bytes are numbers like any others."""

    byte_scale = 1.0


@every_engine
@every_type
def test_bare_bytes_take_the_scale_of_their_network(engine, dtype):
    network, X, _, y = problem("dense", dtype, 1)
    counting = Counting(*network.parameters)
    for one, other in zip(
        results(engine, counting, X, y)[:6], results(engine, network, Bytes(X), y)[:6], strict=True
    ):
        np.testing.assert_array_equal(one, other)
    expected = engine.predict_proba(network, Bytes(X))
    predictor = engine.predictor(counting)
    for x, probabilities in zip(X[:20], expected, strict=False):
        for sample in (x, memoryview(x), x.astype(np.float64), x.tolist()):
            found = predictor.probabilities(sample)
            np.testing.assert_allclose(found, probabilities, rtol=1e-4, atol=1e-6)
            assert predictor.label(sample) == found.argmax()


@every_engine
def test_a_scale_that_is_not_finite_is_refused(engine):
    X = np.ones((2, 3), np.uint8)
    scales: list[Any] = [np.nan, np.inf, None, "1"]
    for scale in scales:
        with pytest.raises(ShapeError, match="scale is"):
            Bytes(X, scale)
    network = Network.initial(features=3, classes=2)
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(ShapeError, match="beyond float32's range"):
            engine.predict_proba(network, Bytes(rows, 1e37))

"""Each way in which the native engine cuts its work, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from instruction_sets import every_instruction_set, native

reference = get_engine("reference")


@pytest.fixture(params=[50_000, 70_000])  # column indices of 16 bits, and of 32
def text_like(request):
    """Sparse rows that touch few of many features: most of a batch's gradient would be zeros."""
    random = np.random.default_rng(8)
    shape = (300, request.param)
    X = sparse.random_array(shape, density=8 / request.param, rng=random, format="csr")
    return X, random.integers(3, size=300)


@every_instruction_set
@pytest.mark.parametrize(
    "rule", [Sgd(0.5), Sgd(0.1, 0.9), Sgd(0.1, 0.9, True), Adam(0.01)], ids=str
)
@pytest.mark.parametrize("alpha", [0, 0.2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_that_no_batch_touches_still_move(instruction_set, text_like, rule, alpha, dtype):
    X, y = text_like
    network = Network.initial(features=X.shape[1], hidden=5, classes=3, dtype=dtype)
    run, other, expected = (
        engine.batches(network, X, y, rule=rule, batch_size=10, alpha=alpha)
        for engine in (native(instruction_set), native(instruction_set, 3), reference)
    )
    for _ in range(3):
        costs = run.epoch()
        np.testing.assert_array_equal(costs, other.epoch())
        np.testing.assert_allclose(costs, expected.epoch(), rtol=1e-4)
    tolerance = 2e-4 if dtype == np.float32 else 1e-10
    for name in ("W1", "b1", "W2", "b2"):
        found, matrix = getattr(run.network, name), getattr(expected.network, name)
        np.testing.assert_array_equal(found, getattr(other.network, name))
        np.testing.assert_allclose(found, matrix, rtol=0, atol=tolerance * np.abs(matrix).max())


@pytest.fixture
def digit_like():
    """Rows with enough non-zeros that batches of them are cut by features into several shards."""
    random = np.random.default_rng(3)
    crowded = np.linspace(0.05, 0.6, 500)  # more and more non-zeros from left to right
    X = random.integers(1, 256, (700, 500)) * (random.random((700, 500)) < crowded)
    return X.astype(np.uint8), random.integers(7, size=700), random.permutation(700)[:690]


@every_instruction_set
@pytest.mark.parametrize(
    "rule", [Sgd(0.05), Sgd(0.01, 0.9), Sgd(0.01, 0.9, True), Adam(0.001)], ids=str
)
@pytest.mark.parametrize(
    ("hidden", "batch", "alpha"), [(10, 32, 0), (10, 32, 0.2), (9, 200, 0), (130, 64, 0.2)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_cut_by_features_are_those_of_the_reference(
    instruction_set, digit_like, rule, hidden, batch, alpha, dtype
):
    pixels, y, order = digit_like
    X = pixels if dtype == np.float32 else pixels / 255
    network = Network.initial(features=500, hidden=hidden, classes=7, dtype=dtype)
    runs = [
        engine.batches(network, X, y, rule=rule, batch_size=batch, alpha=alpha)
        for engine in (*(native(instruction_set, threads) for threads in (1, 2, 3, 16)), reference)
    ]
    for _ in range(2):
        costs, *others, expected = (run.epoch(order) for run in runs)
        for other in others:
            np.testing.assert_array_equal(other, costs)
        np.testing.assert_allclose(costs, expected, rtol=1e-4 if dtype == np.float32 else 1e-11)
    first, *others, expected = (run.network.parameters for run in runs)
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    for place, matrix in enumerate(expected):
        scale = np.abs(matrix).max()
        np.testing.assert_allclose(first[place], matrix, rtol=0, atol=tolerance * scale)
        for other in others:
            np.testing.assert_array_equal(other[place], first[place])


@every_instruction_set
@settings(max_examples=30, deadline=None)
@given(
    m=st.integers(1, 300),
    features=st.integers(1, 400),
    hidden=st.integers(1, 300),
    batch=st.integers(1, 300),
    density=st.sampled_from([0.0, 0.01, 0.2, 0.39]),
    rule=st.sampled_from([Sgd(0.05), Adam(0.001)]),
)
def test_batches_of_any_shape_are_those_of_the_reference(
    instruction_set, m, features, hidden, batch, density, rule
):
    random = np.random.default_rng(m + features)
    X = random.normal(size=(m, features)) * (random.random((m, features)) < density)
    y = random.integers(3, size=m)
    network = Network.initial(features=features, hidden=hidden, classes=3, dtype=np.float64)
    found, expected = (
        engine.batches(network, X, y, rule=rule, batch_size=batch, alpha=0.01)
        for engine in (native(instruction_set, 2), reference)
    )
    order = random.permutation(m)
    np.testing.assert_allclose(found.epoch(order), expected.epoch(order), rtol=1e-11)
    for one, other in zip(found.network.parameters, expected.network.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


@every_instruction_set
@pytest.mark.parametrize("kind", [np.uint8, np.float32, sparse.csr_array])
def test_bits_do_not_depend_on_threads_or_runs(instruction_set, kind):
    random = np.random.default_rng(6)
    X = random.integers(1, 256, (3000, 40)) * (random.random((3000, 40)) < 0.3)
    X = kind(X.astype(np.float32)) if kind is sparse.csr_array else X.astype(kind)
    y = random.integers(4, size=3000)
    network = Network.initial(features=40, hidden=9, classes=4)

    def results(threads):
        engine = native(instruction_set, threads)
        cost, gradient = engine.cost_and_gradient(network, X, y)
        last, costs = engine.descend(network, X, y, learning_rate=0.001, iterations=5)
        run = engine.batches(network, X, y, rule=Adam(), batch_size=500)
        arrays = [*gradient, *last.parameters, costs, run.epoch(), *run.network.parameters]
        return [np.float64(cost), *arrays, engine.predict_proba(network, X)]

    expected = [array.tobytes() for array in results(1)]
    for threads in (1, 2, 3, 16):
        assert [array.tobytes() for array in results(threads)] == expected

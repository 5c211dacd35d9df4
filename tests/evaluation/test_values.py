"""Mean squared error and R², compared with scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error, r2_score

from handgrad import Network, get_engine
from handgrad.errors import DataError, ShapeError
from handgrad.evaluation import ValueEvaluation, evaluate
from handgrad.layers import Layer

ENGINE = get_engine("reference")


def single_weight(weight, output):
    layer = Layer(np.array([[weight]]), np.zeros((1, 1)), "identity")
    return Network.of_layers([layer], output)


@st.composite
def predictions(draw):
    """True and predicted values, large and alike or not, with constant columns among them."""
    m, K = draw(st.integers(2, 30)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset = draw(st.sampled_from([0.0, -1.0, 1e4, 1e9]))
    true = offset + random.normal(size=(m, K)) * draw(st.sampled_from([1e-3, 1.0, 100.0]))
    predicted = true + random.normal(size=(m, K)) * draw(st.sampled_from([0.0, 0.1, 1.0]))
    for column in range(K):
        if draw(st.integers(0, 3)) == 0:
            true[:, column] = round(offset) + 3
    return true, predicted


@given(predictions(), st.data())
def test_the_figures_are_scikit_learns_however_the_rows_are_cut(values, data):
    true, predicted = values
    cuts = sorted(data.draw(st.sets(st.integers(1, len(true) - 1), max_size=5)))
    pairs = zip(np.split(predicted, cuts), np.split(true, cuts), strict=True)
    found = ValueEvaluation.of(0.5, [ValueEvaluation.tally(*pair) for pair in pairs])
    assert (found.cost, found.samples) == (0.5, len(true))
    np.testing.assert_allclose(
        found.mean_squared_errors,
        mean_squared_error(true, predicted, multioutput="raw_values"),
        rtol=1e-12,
    )
    np.testing.assert_allclose(found.mean_squared_error, mean_squared_error(true, predicted))
    # Without the first row's values, whose size would cost scikit-learn's mean its last digits.
    expected = r2_score(true - true[0], predicted - true[0], multioutput="raw_values")
    np.testing.assert_allclose(found.r2_scores, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.r2, expected.mean(), rtol=1e-9, atol=1e-9)


def test_large_values_that_are_alike_do_not_cancel():
    random = np.random.default_rng(0)
    true = 1e9 + random.normal(size=(200_000, 1))
    predicted = true + random.normal(size=(200_000, 1))
    leaves = zip(np.array_split(predicted, 25), np.array_split(true, 25), strict=True)
    found = ValueEvaluation.of(0.0, [ValueEvaluation.tally(*leaf) for leaf in leaves])
    assert found.r2 == pytest.approx(r2_score(true - 1e9, predicted - 1e9), rel=1e-10)


@pytest.mark.parametrize("constant", [0.1, 3.0, 1e9 / 3])
def test_r2_of_a_constant_value_says_whether_it_is_met(constant):
    true = np.full((10, 1), constant)
    halves = [slice(0, 7), slice(7, 10)]
    for predicted, score in ((true, 1.0), (true + 0.5, 0.0)):
        tallies = [ValueEvaluation.tally(predicted[half], true[half]) for half in halves]
        assert ValueEvaluation.of(0.0, tallies).r2 == score


def test_r2_of_one_sample_is_not_a_number():
    found = ValueEvaluation.of(0.0, [ValueEvaluation.tally(np.array([[2.0]]), [3.0])])
    assert np.isnan(found.r2)
    assert found.mean_squared_error == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(r2_score([3.0], [2.0]))


@pytest.mark.parametrize("output", ["identity", "exp"])
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_of_values_is_evaluated(output, hidden, dtype):
    random = np.random.default_rng(1)
    X, y = random.normal(size=(50, 3)), random.random((50, 2))
    network = Network.initial(
        features=3, hidden=hidden, classes=2, activation="tanh", output=output, dtype=dtype
    )
    found = evaluate(network, X, y, engine=ENGINE)
    predicted = ENGINE.outputs(network, X)
    assert found.mean_squared_error == pytest.approx(mean_squared_error(y, predicted))
    assert found.r2 == pytest.approx(r2_score(y, predicted))
    if output == "identity":  # half the squared error over both values
        assert found.cost == pytest.approx(found.mean_squared_error, rel=1e-5)
    assert list(found.to_dict()) == [
        *("mean_squared_error", "r2", "cost", "samples"),
        *("mean_squared_errors", "r2_scores"),
    ]


def test_one_value_may_come_as_a_vector():
    network = Network.initial(features=2, hidden=3, classes=1, output="identity", dtype="float64")
    X, y = np.ones((4, 2)), np.arange(4.0)
    vector, matrix = (evaluate(network, X, each, engine=ENGINE) for each in (y, y[:, None]))
    assert vector.to_dict() == matrix.to_dict()


def test_values_that_do_not_fit_or_overflow_are_refused():
    network = single_weight(1e3, "exp")
    with pytest.raises(DataError, match="overflow float64 on 1 of 2 samples"):
        evaluate(network, [[0.0], [1.0]], [1.0, 2.0], engine=ENGINE)
    with pytest.raises(ShapeError, match="0 or more"):
        evaluate(network, [[0.0], [0.0]], [1.0, -2.0], engine=ENGINE)
    with pytest.raises(ShapeError, match=r"expected \(2, 1\)"):
        evaluate(network, [[0.0], [0.0]], [[1.0, 2.0]] * 2, engine=ENGINE)


def test_errors_beyond_the_range_are_infinite_and_no_warning():
    network = single_weight(1e100, "identity")
    found = evaluate(network, [[1e100], [2e100]], [0.0, 0.0], engine=ENGINE)
    assert found.mean_squared_error == np.inf
    assert found.r2 == 0

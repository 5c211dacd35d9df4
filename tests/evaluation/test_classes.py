"""The figures of classes, compared with scikit-learn's, in memory and in blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from handgrad import Network, get_engine, notes
from handgrad.data import Blocks
from handgrad.errors import DataError, ShapeError
from handgrad.evaluation import evaluate, predicted_classes, predicted_probabilities
from strategies import problems


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(problems())
def test_the_figures_are_scikit_learns(problem):
    network, X, y = problem
    result = evaluate(network, X, y, engine=get_engine("reference"))
    predicted, classes = notes.predict(network, X), range(network.K)
    expected = precision_recall_fscore_support(y, predicted, labels=classes, zero_division=0)
    np.testing.assert_array_equal(result.confusion, confusion_matrix(y, predicted, labels=classes))
    np.testing.assert_allclose(result.precision, expected[0])
    np.testing.assert_allclose(result.recall, expected[1])
    np.testing.assert_allclose(result.f1, expected[2])
    np.testing.assert_array_equal(result.support, expected[3])
    assert result.accuracy == np.mean(predicted == y)
    assert result.samples == len(y)
    np.testing.assert_allclose(result.cost, notes.cost(network, X, y), rtol=1e-6, atol=1e-12)


def labelled_blocks(problem, leaf_rows):
    """Rows of every class, in memory and as blocks."""
    network, X, y = problem
    X, y = np.concatenate([X] * network.K), np.concatenate([y, np.arange(network.K)])
    X = np.resize(X, (len(y), network.D))
    return X, y, Blocks.of(X, y, leaf_rows=leaf_rows)


@given(problems(), st.integers(1, 20))
def test_blocks_are_evaluated_like_rows_in_memory(problem, leaf_rows):
    network, engine = problem.network, get_engine()
    X, y, blocks = labelled_blocks(problem, leaf_rows)
    found, expected = (
        evaluate(network, blocks, None, engine=engine),
        evaluate(network, X, y, engine=engine),
    )
    np.testing.assert_array_equal(found.confusion, expected.confusion)
    np.testing.assert_allclose(found.cost, expected.cost, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(
        predicted_probabilities(network, blocks, engine=engine),
        predicted_probabilities(network, X, engine=engine),
        rtol=1e-6,
        atol=1e-12,
    )
    labels, classes = zip(*predicted_classes(network, blocks, engine=engine), strict=True)
    np.testing.assert_array_equal(np.concatenate(labels), y)
    assert np.mean(np.concatenate(classes) == y) == found.accuracy


def test_bytes_in_blocks_are_pixels_or_numbers():
    network = Network.initial(features=4, hidden=3, classes=2, seed=0, dtype="float64")
    X, y = np.random.default_rng(0).integers(0, 256, (9, 4)).astype(np.uint8), np.arange(9) % 2
    pixels, engine = Blocks.of(X, y, leaf_rows=4), get_engine()
    for blocks, rows in ((pixels, X / 255), (replace(pixels, pixels=False), X.astype(float))):
        np.testing.assert_allclose(
            evaluate(network, blocks, None, engine=engine).cost,
            notes.cost(network, rows, y),
            rtol=1e-9,
        )


def test_blocks_that_do_not_fit_are_refused():
    network = Network.initial(features=4, hidden=3, classes=2, seed=0)
    for X, y in ((np.ones((3, 5)), [0, 1, 0]), (np.ones((3, 4)), [0, 1, 2])):
        with pytest.raises(ShapeError, match="like the network"):
            evaluate(network, Blocks.of(X, np.array(y)), None, engine=get_engine())
    blocks = Blocks.of(np.ones((2, 4)), np.array([0, 1]))
    with pytest.raises(ShapeError, match="hold their own labels"):
        evaluate(network, blocks, [0, 1], engine=get_engine())
    huge = Blocks.of(np.full((2, 4), 1e39), np.array([0, 1]))
    with pytest.raises((DataError, ShapeError)):
        evaluate(network, huge, None, engine=get_engine())


@pytest.mark.parametrize(
    "options",
    [{"hidden": ()}, {"hidden": (6, 4), "activation": "logistic"}, {"output": "logistic"}],
)
def test_a_network_of_any_depth_is_evaluated(options):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(30, 3)), random.integers(2, size=30)
    classes = 1 if "output" in options else 2
    network = Network.initial(features=3, **{"hidden": 4, "classes": classes} | options)
    result = evaluate(network, X, y, engine=get_engine("reference"))
    predicted = get_engine("reference").predict_proba(network, X).argmax(axis=1)
    np.testing.assert_array_equal(result.confusion, confusion_matrix(y, predicted, labels=[0, 1]))


def test_values_are_not_probabilities():
    network = Network.initial(features=2, hidden=3, classes=1, output="identity")
    with pytest.raises(ShapeError, match="predicted_outputs"):
        predicted_probabilities(network, np.ones((2, 2)), engine=get_engine("reference"))

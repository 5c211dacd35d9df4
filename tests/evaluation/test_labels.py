"""The figures of several labels per sample, compared with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)

from handgrad import Network, backpropagation, get_engine
from handgrad.evaluation import LabelEvaluation, evaluate

ENGINE = get_engine("reference")


@given(st.integers(1, 20), st.integers(2, 4), st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_the_figures_are_scikit_learns_however_the_rows_are_cut(m, K, seed, cut):
    random = np.random.default_rng(seed)
    probabilities, y = random.random((m, K)), random.integers(2, size=(m, K))
    cut = min(cut, m - 1)
    halves = [half for half in (slice(0, cut), slice(cut, m)) if half.start < half.stop]
    tallies = [LabelEvaluation.tally(probabilities[half], y[half]) for half in halves]
    found, predicted = LabelEvaluation.of(0.5, tallies), (probabilities > 0.5).astype(int)
    np.testing.assert_array_equal(found.confusion, multilabel_confusion_matrix(y, predicted))
    expected = precision_recall_fscore_support(y, predicted, zero_division=0)
    np.testing.assert_allclose(found.precision, expected[0])
    np.testing.assert_allclose(found.recall, expected[1])
    np.testing.assert_allclose(found.f1, expected[2])
    np.testing.assert_array_equal(found.support, expected[3])
    assert found.accuracy == pytest.approx(accuracy_score(y, predicted))
    assert found.samples == m


def test_a_network_of_labels_is_evaluated():
    random = np.random.default_rng(1)
    X, y = random.normal(size=(40, 3)), random.integers(2, size=(40, 3))
    network = Network.initial(
        features=3, hidden=(4, 3), classes=3, activation="tanh", output="logistic"
    )
    found = evaluate(network, X, y, engine=ENGINE)
    predicted = ENGINE.predict_proba(network, X) > 0.5
    assert found.accuracy == accuracy_score(y, predicted)
    assert found.cost == pytest.approx(backpropagation.cost(network, X, y), rel=1e-6)
    assert list(found.to_dict()) == [
        *("accuracy", "cost", "samples", "confusion", "precision", "recall", "f1")
    ]

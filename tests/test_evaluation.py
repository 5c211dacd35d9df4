from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from handgrad import get_engine, notes
from handgrad.evaluation import evaluate
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

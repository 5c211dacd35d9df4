"""Several labels per sample: MLPClassifier and scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import DataConversionWarning

from estimator.peers import assert_same, both
from handgrad import MLPClassifier
from handgrad.engines import available_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = both("MLPClassifier")
X, Y = make_multilabel_classification(n_samples=150, random_state=0)
X = X / 10


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("as_labels", [np.array, np.ndarray.tolist, sparse.csr_matrix])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_labels_follow_scikit_learn(as_labels, early_stopping, engine):
    if early_stopping and as_labels is sparse.csr_matrix and sklearn.__version__ < "1.9":
        pytest.skip("scikit-learn 1.8 fails to hold out samples with sparse labels")
    given = as_labels(Y)
    options: dict[str, Any] = {"hidden_layer_sizes": (8,), "random_state": 1, "max_iter": 20}
    options |= {"early_stopping": early_stopping, "learning_rate_init": 0.05}
    ours, theirs = BOTH[0](engine=engine, **options).fit(X, given), BOTH[1](**options).fit(X, given)
    assert_same(ours, theirs)
    found, expected = ours.predict(X), theirs.predict(X)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype
    assert (found != expected).sum() == 0
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    assert ours.score(X, given) == theirs.score(X, given)


@pytest.mark.parametrize("as_labels", [np.array, sparse.csr_matrix, sparse.csr_array])
def test_partial_fit_takes_labels_as_scikit_learn_does(as_labels):
    models = [kind((6, 4), random_state=0) for kind in BOTH]
    for model in models:
        for part in range(6):
            rows = slice(50 * (part % 3), 50 * (part % 3) + 50)
            model.partial_fit(X[rows], as_labels(Y[rows]), classes=range(5))
    assert_same(*models)


def test_a_one_hot_matrix_is_labels():
    one_hot = np.eye(3, dtype=int)[np.arange(150) % 3]
    ours, theirs = (kind((6,), random_state=0, max_iter=3).fit(X, one_hot) for kind in BOTH)
    assert_same(ours, theirs)
    assert ours.network().predicts == "labels"


def test_a_column_is_one_label_per_sample():
    with pytest.warns(DataConversionWarning):
        model = MLPClassifier((6,), max_iter=2).fit(X, Y[:, :1])
    assert model.network().predicts == "classes"


def test_a_model_names_the_labels():
    model = MLPClassifier((6, 4), max_iter=2, random_state=0).fit(X, Y)
    assert model.network().output == "logistic"
    assert model.model().class_names == ("0", "1", "2", "3", "4")
    np.testing.assert_array_equal(model.classes_, range(5))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda model: model.fit(X, Y).set_params(warm_start=True).fit(X, Y[:, :4]), "warm_start"),
        (lambda model: model.partial_fit(X, Y, classes=range(6)), "6 labels.*5 columns"),
        (lambda model: model.partial_fit(X, Y[:, 0], classes=range(5)).partial_fit(X, Y), "multi"),
        (lambda model: model.fit(X, Y * 2.5), "Multioutput|Unknown label type"),
        (lambda model: model.fit(X, Y[:9]), "inconsistent numbers"),
        (lambda model: model.set_params(class_weight={0: 2.0}).fit(X, Y), "class_weight.*labels"),
    ],
)
def test_labels_that_do_not_fit_are_refused(act, said):
    with pytest.raises(ValueError, match=said):
        act(MLPClassifier((6,), max_iter=1, random_state=0))

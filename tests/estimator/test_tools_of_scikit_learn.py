"""scikit-learn's tools give the same results with our perceptrons as with its own."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context, ensemble, multiclass, multioutput
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from estimator.odd_input import BINARY, FRAME, LABELS, TABLE, VALUES, X, Y
from estimator.same import assert_same, outputs, small

TASKS = [
    ("MLPClassifier", Y),
    ("MLPClassifier", BINARY),
    ("MLPClassifier", LABELS),
    ("MLPRegressor", VALUES),
    ("MLPRegressor", TABLE),
]
GRID = {"hidden_layer_sizes": [(3,), (5, 2), ()], "activation": ["tanh", "relu"]}
WEIGHTS = np.linspace(1, 2, len(X))


def routed(kind, y):
    with config_context(enable_metadata_routing=True):
        inner = small(kind).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        model = make_pipeline(scaler, inner.set_score_request(sample_weight=False))
        return cross_val_score(model, X, y, params={"sample_weight": WEIGHTS}, cv=3)


ACTS = {
    "search": lambda kind, y: (
        GridSearchCV(small(kind), GRID, cv=3, error_score="raise")
        .fit(X, y)
        .cv_results_["mean_test_score"]
    ),
    "cross-validation": lambda kind, y: cross_val_predict(small(kind), X, y, cv=3),
    "pipeline": lambda kind, y: (
        make_pipeline(StandardScaler(), small(kind)).fit(FRAME, y).predict(FRAME)
    ),
    "names of columns": lambda kind, y: (
        make_pipeline(StandardScaler(), small(kind))
        .set_output(transform="pandas")
        .fit(pd.DataFrame(X, columns=list("wxyz")), y)[-1]
        .feature_names_in_.astype(str)
    ),
    "pickle": lambda kind, y: outputs(
        pickle.loads(pickle.dumps(small(kind).fit(X, y))).partial_fit(X, y),  # noqa: S301
        X,
    ),
    "deep copy": lambda kind, y: outputs(copy.deepcopy(small(kind).fit(X, y)).partial_fit(X, y), X),
    "clone": lambda kind, y: outputs(clone(small(kind).fit(X, y)).fit(X, y), X),
    "importance": lambda kind, y: (
        permutation_importance(
            small(kind).fit(X, y), X, y, n_repeats=2, random_state=0
        ).importances_mean
    ),
    "dependence": lambda kind, y: partial_dependence(small(kind).fit(X, y), X, [0])["average"],
    "partial fits": lambda kind, y: learning_curve(
        small(kind), X, y, cv=3, exploit_incremental_learning=True, error_score="raise"
    )[2],
    "kind": lambda kind, _: [is_classifier(small(kind)), is_regressor(small(kind))],
    "tags": lambda kind, _: repr(get_tags(small(kind))),
    "repr": lambda kind, _: repr(small(kind)),
    "weights": routed,
}

META = {
    "MLPClassifier": [
        (CalibratedClassifierCV, Y, {"cv": 3}),
        (TunedThresholdClassifierCV, BINARY, {"cv": 3, "random_state": 0}),
        (ensemble.AdaBoostClassifier, Y, {"n_estimators": 3, "random_state": 0}),
        (ensemble.BaggingClassifier, Y, {"n_estimators": 3, "random_state": 0}),
        (multiclass.OneVsOneClassifier, Y, {}),
        (multiclass.OneVsRestClassifier, LABELS, {}),
        (multioutput.ClassifierChain, LABELS, {}),
        (multioutput.MultiOutputClassifier, np.stack([Y, BINARY], axis=1), {}),
    ],
    "MLPRegressor": [
        (TransformedTargetRegressor, VALUES, {}),
        (ensemble.AdaBoostRegressor, VALUES, {"n_estimators": 3, "random_state": 0}),
        (ensemble.BaggingRegressor, TABLE, {"n_estimators": 3, "random_state": 0}),
        (multioutput.MultiOutputRegressor, TABLE, {}),
        (multioutput.RegressorChain, TABLE, {}),
    ],
}


@pytest.mark.parametrize(("name", "y"), TASKS)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_tools_give_the_same(name, y, act):
    # learning_curve takes the numbers of labels for classes.
    refused = act == "partial fits" and y is LABELS
    assert_same(lambda kind: ACTS[act](kind, y), name, refused=refused)


@pytest.mark.parametrize(
    ("name", "meta", "y", "options"),
    [(name, *case) for name, cases in META.items() for case in cases],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_of_estimators_give_the_same(name, meta, y, options):
    def act(kind):
        return (
            meta(small(kind, max_iter=20, learning_rate_init=0.1), **options).fit(X, y).predict(X)
        )

    assert_same(act, name, refused=False)

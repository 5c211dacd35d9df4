"""Odd input: what scikit-learn takes is taken with the same result; what it refuses is refused."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import handgrad
from estimator.odd_input import (
    FRAME,
    LABELS,
    ONLY_CLASSIFIED,
    PARAMETERS,
    ROWS,
    SIZES,
    TABLE,
    TARGETS_TO_FIT,
    VALUES,
    WEIGHTS,
    X,
    Y,
    columns_of,
)
from estimator.same import PAIR, assert_same, outputs, small

TARGETS = {"MLPClassifier": Y, "MLPRegressor": VALUES}
BOTH = pytest.mark.parametrize("name", PAIR)


@BOTH
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_rows_to_fit(name, rows, solver):
    given = ROWS[rows]

    def act(kind):
        return outputs(small(kind, solver=solver).fit(given, TARGETS[name]), given)

    assert_same(act, name)


@BOTH
@pytest.mark.parametrize("rows", [*ROWS, "other features", "renamed"])
def test_rows_to_predict(name, rows):
    more = {"other features": X[:, :3], "renamed": FRAME[list("dcba")]}
    given = (ROWS | more)[rows]
    for fitted in (X, FRAME):
        assert_same(lambda kind, X=fitted: outputs(small(kind).fit(X, TARGETS[name]), given), name)


CASES = [
    (name, targets)
    for targets in TARGETS_TO_FIT
    for name in PAIR
    if name == "MLPClassifier" or targets not in ONLY_CLASSIFIED
]


@pytest.mark.parametrize(("name", "targets"), CASES)
@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"early_stopping": True}], ids=str)
def test_targets_to_fit(name, targets, options):
    y = TARGETS_TO_FIT[targets]
    options = options | {"validation_fraction": 0.2}
    assert_same(lambda kind: outputs(small(kind, **options).fit(X, y), X), name)


@pytest.mark.parametrize(("name", "targets"), CASES)
def test_predictions(name, targets):
    y = TARGETS_TO_FIT[targets]
    assert_same(lambda kind: small(kind).fit(X, y).predict(X), name)
    assert_same(lambda kind: np.asarray(getattr(small(kind).fit(X, y), "classes_", 0)), name)


@BOTH
@pytest.mark.parametrize("targets", TARGETS_TO_FIT)
@pytest.mark.parametrize("fitted", ["class numbers", "labels", "values", "table"])
def test_targets_to_score(name, targets, fitted):
    y = {"class numbers": Y, "labels": LABELS, "values": VALUES, "table": TABLE}[fitted]
    given = TARGETS_TO_FIT[targets]
    assert_same(lambda kind: small(kind).fit(X, y).score(X, given), name)


@pytest.mark.parametrize("targets", [key for key in TARGETS_TO_FIT if key not in ONLY_CLASSIFIED])
def test_poisson_targets(targets):
    y = TARGETS_TO_FIT[targets]

    def act(kind):
        model = small(kind, loss="poisson").fit(X, y)
        if np.isnan(model.loss_):
            raise ValueError("scikit-learn takes values below 0, but its loss is NaN.")
        return model.predict(X)

    assert_same(act, "MLPRegressor")


@pytest.mark.parametrize(("name", "targets"), CASES)
def test_targets_of_a_warm_start_and_of_partial_fit(name, targets):
    y = TARGETS_TO_FIT[targets]
    for first in (TARGETS[name], LABELS):
        if name == "MLPRegressor" and columns_of(y) != columns_of(first):
            continue
        assert_same(
            lambda kind, first=first: outputs(
                small(kind, warm_start=True).fit(X, first).fit(X, y), X
            ),
            name,
        )
        assert_same(
            lambda kind, first=first: outputs(small(kind).fit(X, first).partial_fit(X, y), X), name
        )


@pytest.mark.parametrize("targets", TARGETS_TO_FIT)
@pytest.mark.parametrize(
    "classes",
    [None, [0, 1, 2], [2, 1, 0], [0, 1], [0.0, 1.0, 2.0], ["a", "b", "c"], [0], [], 3, "abc", X],
    ids=lambda classes: str(classes)[:12],
)
def test_classes_of_partial_fit(targets, classes):
    y = TARGETS_TO_FIT[targets]
    if columns_of(y) == 2 and np.size(classes) == 3:
        return  # scikit-learn looks only whether the labels' numbers are among the classes
    assert_same(
        lambda kind: outputs(small(kind).partial_fit(X, y, classes=classes), X), "MLPClassifier"
    )


@BOTH
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
def test_weights(name, weights, method):
    given = WEIGHTS[weights]

    def act(kind):
        model = small(kind)
        if method == "score":
            return model.fit(X, TARGETS[name]).score(X, TARGETS[name], given)
        first = {"classes": [0, 1, 2]} if method == "partial_fit" and "Cl" in name else {}
        return outputs(getattr(model, method)(X, TARGETS[name], sample_weight=given, **first), X)

    assert_same(act, name)


@BOTH
@pytest.mark.parametrize("sizes", SIZES, ids=repr)
def test_hidden_layer_sizes(name, sizes):
    assert_same(
        lambda kind: outputs(small(kind, hidden_layer_sizes=copy(sizes)).fit(X, TARGETS[name]), X),
        name,
    )


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(
    ("parameter", "value"),
    [(parameter, value) for parameter, values in PARAMETERS.items() for value in values],
    ids=str,
)
def test_parameters(name, solver, parameter, value):
    options: dict[str, Any] = {"solver": solver, parameter: value}
    if parameter == "validation_fraction":
        options["early_stopping"] = True
    y = np.abs(TARGETS[name])
    assert_same(lambda kind: outputs(small(kind, **options).fit(X, y), X), name)


@BOTH
def test_nothing_is_known_before_fit(name):
    for method in ("predict", "predict_proba", "predict_log_proba", "network", "model"):
        assert_same(lambda kind, method=method: getattr(small(kind), method)(X), name)
    assert_same(lambda kind: small(kind).score(X, TARGETS[name]), name)


@BOTH
def test_attributes_are_those_of_scikit_learn(name):
    for solver in ("adam", "sgd", "lbfgs"):
        for early_stopping in (False, True):
            ours, theirs = (
                small(kind, solver=solver, early_stopping=early_stopping) for kind in PAIR[name]
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                ours.fit(X, TARGETS[name])
                theirs.fit(X, TARGETS[name])
            public = {key for key in vars(theirs) if not key.startswith("_")}
            assert public <= {key for key in vars(ours) if not key.startswith("_")} | {"loss"}
            of_lbfgs = {"partial_fit"} if solver == "lbfgs" else set()  # not meant to be there
            methods = {key for key in dir(theirs) if not key.startswith("_")}
            assert methods <= set(dir(ours)) | of_lbfgs


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: small(handgrad.MLPRegressor).fit(X, sparse.csr_array(TABLE)), "dense data"),
        (
            lambda: small(handgrad.MLPRegressor, solver="lbfgs").fit(
                X, TARGETS_TO_FIT["None in objects"]
            ),
            "not finite",
        ),
        (lambda: small(handgrad.MLPRegressor, loss="poisson").fit(X, VALUES), "of 0 or more"),
        (
            lambda: small(handgrad.MLPRegressor).fit(X, TABLE).partial_fit(X, VALUES),
            "y has 1 values per sample; expected 3, as in fit",
        ),
        (
            lambda: small(handgrad.MLPClassifier).partial_fit(X, LABELS[:, :2], classes=[0, 1, 2]),
            "one label per column",
        ),
        (
            lambda: small(handgrad.MLPRegressor, solver="lbfgs").partial_fit(X, VALUES),
            "only available for stochastic",
        ),
        (lambda: small(handgrad.MLPClassifier).fit(X, Y, -np.ones(30)), "Negative values"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_scikit_learn_takes_by_accident_is_refused(act, message):
    with pytest.raises((ValueError, TypeError, AttributeError)) as raised:
        act()
    causes = f"{raised.value} {raised.value.__cause__}"
    assert message in causes

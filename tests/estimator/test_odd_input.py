"""Odd input: what scikit-learn takes is taken with the same result; what it refuses is refused."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

import handgrad

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 4))
COUNTS = RANDOM.integers(0, 9, (30, 4))
Y = np.arange(30) % 3
BINARY = np.arange(30) % 2
LABELS = (X[:, :3] > 0).astype(int)
VALUES = X @ [1.0, -2.0, 0.5, 0.0]
TABLE = X[:, :3] * 2
FRAME = pd.DataFrame(X, columns=list("abcd"))
PAIR = {
    name: (getattr(handgrad, name), getattr(neural_network, name))
    for name in ("MLPClassifier", "MLPRegressor")
}
TARGETS = {"MLPClassifier": Y, "MLPRegressor": VALUES}
BOTH = pytest.mark.parametrize("name", PAIR)
REFUSALS = (ValueError, TypeError, AttributeError)


class Outcome(NamedTuple):
    """What came of a call: a value or an error, and the kinds of warnings."""

    value: Any
    error: Exception | None
    warned: set[type[Warning]]


def outcome(act, kind) -> Outcome:
    value, error = None, None
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            value = act(kind)
        except Exception as raised:  # which error it is, is the question
            error = raised
    return Outcome(value, error, {warning.category for warning in caught} - {RuntimeWarning})


def assert_same(act, name):
    ours, theirs = (outcome(act, kind) for kind in PAIR[name])
    if "isnan" in str(theirs.error):
        return  # scikit-learn 1.8 cannot hold out samples whose classes are texts
    if theirs.error is not None:
        assert ours.error is not None, f"scikit-learn refuses: {theirs.error!r}"
        # scikit-learn also fails by accident, with errors of any kind.
        kinds = ValueError if type(theirs.error) is ValueError else (type(theirs.error), *REFUSALS)
        assert isinstance(ours.error, kinds), f"{ours.error!r}, scikit-learn: {theirs.error!r}"
        return
    if ours.error is not None:
        raise AssertionError(f"scikit-learn takes this: {ours.error!r}") from ours.error
    assert ours.warned == theirs.warned
    assert np.asarray(ours.value).dtype.kind == np.asarray(theirs.value).dtype.kind
    if np.asarray(theirs.value).dtype.kind == "f":
        np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-5, atol=1e-7)
    else:
        np.testing.assert_array_equal(_dense(ours.value), _dense(theirs.value))


def _dense(value):
    return value.toarray() if sparse.issparse(value) else value


def small(kind, **options):
    return kind(**{"hidden_layer_sizes": 5, "random_state": 0, "max_iter": 3} | options)


def outputs(model, rows):
    """Return probabilities, or values."""
    return model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)


def with_hole(values, hole):
    copy = np.array(values, dtype=object if hole is None else float)
    copy.flat[1] = hole
    return copy


ROWS = {
    "no rows": np.empty((0, 4)),
    "no features": np.empty((30, 0)),
    "NaN": with_hole(X, np.nan),
    "infinity": with_hole(X, np.inf),
    "None in objects": with_hole(X, None),
    "text": X.astype(str),
    "objects": X.astype(object),
    "objects with text": np.array([["a", 1.0, 2.0, 3.0]] * 30, dtype=object),
    "one dimension": X[:, 0],
    "three dimensions": X[:, :, None],
    "beyond float32": X * 1e200,
    "complex": X + 1j,
    "truth values": X > 0,
    "integers": COUNTS,
    "small integers": COUNTS.astype(np.int8),
    "half": X.astype(np.float16),
    "long double": X.astype(np.longdouble),
    "lists": X.tolist(),
    "Fortran order": np.asfortranarray(X),
    "every second row": np.repeat(X, 2, axis=0)[::2],
    "big endian": X.astype(">f8"),
    "masked": np.ma.masked_greater(X, 1),
    "None": None,
    "a number": 3.0,
    "a string": "rows",
    "data frame": FRAME,
    "data frame of polars": pl.DataFrame(X, schema=list("abcd")),
    "data frame with a hole": FRAME.mask(FRAME > 1),
    "data frame with numbers as names": pd.DataFrame(X),
    "data frame with mixed names": pd.DataFrame(X, columns=["a", 1, "b", 2]),
    "data frame with text": pd.DataFrame({"a": ["x"] * 30, "b": X[:, 0]}),
    "data frame with mixed types": FRAME.assign(a=COUNTS[:, 0], b=X[:, 1] > 0),
    "data frame with nullable types": FRAME.convert_dtypes(),
    "data frame of floats32": FRAME.astype(np.float32),
    "coo": sparse.coo_array(X),
    "lil": sparse.lil_array(X),
    "dok": sparse.dok_array(X),
    "bsr": sparse.bsr_array(X),
    "csc matrix": sparse.csc_matrix(X),
    "sparse with NaN": sparse.csr_array(with_hole(X, np.nan)),
    "sparse integers": sparse.csr_array(COUNTS),
    "sparse truth values": sparse.csr_array(X > 0),
    "sparse without values": sparse.csr_array((30, 4)),
    "sparse with 64-bit indices": sparse.csr_array(
        (X.ravel(), np.tile(np.arange(4), 30), np.arange(0, 121, 4)), shape=(30, 4)
    ),
}


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


TARGETS_TO_FIT = {
    "None": None,
    "empty": np.empty(0),
    "too few": Y[:20],
    "a row": Y[None, :],
    "one column": Y[:, None],
    "three columns of classes": np.stack([Y, Y, BINARY], axis=1),
    "three columns of values": TABLE,
    "three dimensions": Y[:, None, None],
    "values": VALUES,
    "whole floats": Y * 1.0,
    "floats32": VALUES.astype(np.float32),
    "halves": VALUES.astype(np.float16),
    "bytes": (Y * 100).astype(np.uint8),
    "truth values": BINARY == 1,
    "NaN": with_hole(VALUES, np.nan),
    "NaN among classes": with_hole(Y, np.nan),
    "infinity": with_hole(VALUES, np.inf),
    "None in objects": with_hole(Y, None),
    "text": np.array(["a", "b", "c"])[Y],
    "text as objects": np.array(["a", "b", "c"], dtype=object)[Y],
    "numbers as text": VALUES.astype(str),
    "bytes as text": np.array([b"a", b"b", b"c"])[Y],
    "numbers as objects": Y.astype(object),
    "values as objects": VALUES.astype(object),
    "text and numbers": np.array(["a", 1, 2], dtype=object)[Y],
    "complex": VALUES + 1j,
    "dates": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]")[Y],
    "one class": np.zeros(30, int),
    "one class as text": np.array(["a"] * 30),
    "a class per row": np.arange(30),
    "far apart": Y * 2**60,
    "negative": Y - 1,
    "list": Y.tolist(),
    "list of text": [["a", "b", "c"][code] for code in Y],
    "list of lists": LABELS.tolist(),
    "lists of other lengths": [[1] * (code + 1) for code in Y],
    "tuples of labels": [tuple(np.flatnonzero(row)) for row in LABELS],
    "masked": np.ma.masked_equal(Y, 2),
    "series": pd.Series(Y, name="class"),
    "series with an index": pd.Series(Y, index=np.arange(30)[::-1]),
    "series of categories": pd.Series(["a", "b", "c"] * 10, dtype="category"),
    "series of nullable integers": pd.Series(Y).astype("Int64"),
    "series with a hole": pd.Series(Y).astype("Int64").mask(Y == 2),
    "series of polars": pl.Series("class", Y),
    "frame of one column": pd.DataFrame({"class": Y}),
    "frame of labels": pd.DataFrame(LABELS, columns=["cat", "dog", "emu"]),
    "frame of values": pd.DataFrame(TABLE, columns=["x", "y", "z"]),
    "frame of polars": pl.DataFrame(LABELS, schema=["cat", "dog", "emu"]),
    "labels": LABELS,
    "labels as floats": LABELS * 1.0,
    "labels as truth values": LABELS > 0,
    "labels as bytes": LABELS.astype(np.uint8),
    "labels of 0 and 2": LABELS * 2,
    "labels that none has": LABELS * [1, 0, 1],
    "labels that all have": np.ones((30, 2), int),
    "one-hot": np.eye(3, dtype=int)[Y],
    "two labels": LABELS[:, :2],
    "sparse labels": sparse.csr_array(LABELS),
    "sparse labels, csc": sparse.csc_matrix(LABELS),
    "sparse column": sparse.csr_array(BINARY[:, None]),
    "sparse values": sparse.csr_array(TABLE),
}

# scikit-learn's regressor takes these by accident; see the last test.
ONLY_CLASSIFIED = {"sparse labels", "sparse labels, csc", "sparse values", "None in objects"}
CASES = [
    (name, targets)
    for targets in TARGETS_TO_FIT
    for name in PAIR
    if name == "MLPClassifier" or targets not in ONLY_CLASSIFIED
]


def columns_of(y):
    row = y[0] if isinstance(y, list) else ()
    shape = [len(y), len(row)] if isinstance(row, list) else list(getattr(y, "shape", []))
    return shape[1] if len(shape) > 1 else 1


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


WEIGHTS = {
    "list": [1] * 30,
    "integers": np.arange(30),
    "float32": np.linspace(1, 2, 30, dtype=np.float32),
    "a number": 2.0,
    "text": ["1"] * 30,
    "too few": np.ones(29),
    "two dimensions": np.ones((30, 1)),
    "NaN": with_hole(np.ones(30), np.nan),
    "infinity": with_hole(np.ones(30), np.inf),
    "series": pd.Series(np.linspace(1, 2, 30)),
    "truth values": BINARY == 1,
    "sparse": sparse.csr_array(np.ones((1, 30))),
    "an empty list": [],
    "all 0": np.zeros(30),
}


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


SIZES = [
    (), [], [0], (3.5,), (3.0,), 3.0, "10", ["10"], np.array([3, 2]), np.array([2.0]),
    5, 0, -1, (5, -1), (5, 0), np.int64(3), [np.int8(4)], [[3]], [[3, 2]], None, (3, None), True,
    (3, True), range(3, 5), {3}, {3: 1}, pd.Series([3, 2]), (2,) * 30, np.nan, (np.inf,), b"a",
    (1, 1), 1, (np.float64(3),), iter([3]),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("sizes", SIZES, ids=repr)
def test_hidden_layer_sizes(name, sizes):
    assert_same(
        lambda kind: outputs(small(kind, hidden_layer_sizes=copy(sizes)).fit(X, TARGETS[name]), X),
        name,
    )


PARAMETERS: dict[str, list[Any]] = {
    "activation": ["identity", "logistic", "tanh", "relu", "sine", None, 1, "RELU"],
    "solver": ["lbfgs", "sgd", "adam", "newton", None, 0],
    "alpha": [0, 0.5, 1, np.float32(0.1), -1, "1", None, np.nan, np.inf, 1e300, True, [1]],
    "batch_size": [1, 7, 30, 31, np.int64(5), 0, -1, 2.5, 5.0, "all", None, True],
    "learning_rate": ["constant", "invscaling", "adaptive", "fast", None],
    "learning_rate_init": [1, 1e-9, np.float32(0.01), 0, -1, "1", None, np.nan, True],
    "power_t": [0, 0.3, 1, -1, None, "1", True],
    "max_iter": [1, np.int64(2), 0, -1, 2.5, None, "2", True],
    "shuffle": [True, False, np.bool_(True), 1, 0, "yes", None],
    "random_state": [0, 5, np.int64(3), 2**32 - 1, -1, 2**32, 1.5, "1"],
    "tol": [0, 1, 1e9, -1, None, "1", np.nan, True],
    "verbose": [0, False, np.bool_(False), -1, "yes", None, 0.5],
    "warm_start": [True, False, np.bool_(True), 1, "yes", None],
    "momentum": [0, 0.5, 1, np.float32(0.5), -0.1, 1.1, None, "1"],
    "nesterovs_momentum": [True, False, np.bool_(False), 0, "yes", None],
    "early_stopping": [True, False, np.bool_(True), 1, "yes", None],
    "validation_fraction": [0.1, 0.5, 0.0, 0.9, 1, 1.0, -0.1, 2, None, "1"],
    "beta_1": [0, 0.5, 0.999, 1, -0.1, None, "1"],
    "beta_2": [0, 0.5, 0.999, 1, -0.1, None, "1"],
    "epsilon": [1e-8, 1, 0, -1, None, "1"],
    "n_iter_no_change": [1, np.int64(2), np.inf, 0, 1.5, -1, None, "1", np.nan],
    "max_fun": [1, 3, np.int64(5), 0, 1.5, -1, None, "1"],
    "loss": ["squared_error", "poisson", "log_loss", None, "absolute_error"],
    "no_such_parameter": [1],
}


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

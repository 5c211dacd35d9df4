"""The same call on our perceptron and on scikit-learn's, with the same outcome."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn import neural_network

import handgrad

PAIR = {
    name: (getattr(handgrad, name), getattr(neural_network, name))
    for name in ("MLPClassifier", "MLPRegressor")
}
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


def assert_same(act, name, *, refused=True):
    """Check that both give the same result, or, if ``refused``, that both raise errors."""
    ours, theirs = (outcome(act, kind) for kind in PAIR[name])
    if "isnan" in str(theirs.error):
        return  # scikit-learn 1.8 cannot hold out samples whose classes are texts
    if theirs.error is not None:
        assert refused, f"scikit-learn: {theirs.error!r}"
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

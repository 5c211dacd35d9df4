"""Pipelines that scale features, folded into the first layer of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

import handgrad
from handgrad import Network, convert, get_engine
from handgrad.convert.folding import Scaling, folded
from handgrad.errors import ConversionError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1, 30, 1e-3, 1] + [0, 60, 1e-2, -5]
Y = RNG.integers(3, size=60)
ENGINE = get_engine("reference")


def pipeline(*steps: Any, **options: Any) -> Any:
    return make_pipeline(*steps, MLPClassifier((5, 3), max_iter=20, random_state=0, **options))


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [StandardScaler(with_mean=False)],
        [StandardScaler(with_std=False)],
        [StandardScaler(with_mean=False, with_std=False)],
        [MinMaxScaler()],
        [MinMaxScaler((-3, 5))],
        [MaxAbsScaler()],
        [MaxAbsScaler(), "passthrough", StandardScaler(), MinMaxScaler()],
        ["passthrough"],
        [None],
        [],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scaled_network_becomes_one_that_takes_the_rows_as_they_are(steps, dtype):
    rows = X.astype(dtype)
    theirs = pipeline(*steps).fit(rows, Y)
    model = convert.from_sklearn(theirs)
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    assert model.dtype == dtype
    np.testing.assert_allclose(ENGINE.outputs(model, rows), theirs.predict_proba(rows), rtol=rtol)


def test_a_pipeline_gives_the_names_of_its_features():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    theirs = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(3,), max_iter=3)).fit(
        frame, X[:, 0]
    )
    model = convert.from_sklearn(theirs)
    assert model.feature_names == tuple("abcd")
    np.testing.assert_allclose(ENGINE.outputs(model, X)[:, 0], theirs.predict(frame), rtol=1e-9)


def test_an_estimator_of_handgrad_may_be_the_last_step():
    ours = make_pipeline(StandardScaler(), handgrad.MLPClassifier((3,), max_iter=5)).fit(X, Y)
    model = convert.from_sklearn(ours)
    np.testing.assert_allclose(ENGINE.outputs(model, X), ours.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("mean", "dtype", "is_folded"),
    [
        (10, np.float32, True),
        (2000, np.float32, False),
        (2000, np.float64, True),
        (1.7e9, np.float64, False),
    ],
)
def test_a_shift_is_folded_only_where_no_digits_are_lost(mean, dtype, is_folded):
    network = Network.initial(features=2, hidden=3, classes=2, dtype=dtype)
    scaling = Scaling(np.ones(2), np.array([0.0, -mean]))
    if not is_folded:
        with pytest.raises(ConversionError, match=r"Feature 1 is shifted by .* a loss of digits"):
            folded(network, scaling)
        return
    rows = RNG.normal(size=(50, 2))
    found = ENGINE.outputs(folded(network, scaling), (rows + np.array([0, mean])).astype(dtype))
    rtol = 1e-4 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, ENGINE.outputs(network, rows), rtol=rtol)


def test_a_factor_beyond_the_type_is_refused():
    network = Network.initial(features=2, hidden=3, classes=2)
    with pytest.raises(ConversionError, match="Layer 1 holds weights that are NaN or infinite"):
        folded(network, Scaling(np.full(2, 1e300), np.zeros(2)))
    with pytest.raises(ConversionError, match="Feature 0 is shifted by nan"):
        folded(network, Scaling(np.ones(2), np.full(2, np.nan)))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([PCA(2)], "step PCA cannot become part of a network"),
        ([MinMaxScaler(clip=True)], "MinMaxScaler clips features"),
        ([make_pipeline(StandardScaler())], "step Pipeline cannot become part"),
    ],
)
def test_other_steps_are_refused(steps, words):
    with pytest.raises(ConversionError, match=words):
        convert.from_sklearn(pipeline(*steps).fit(X, Y))


def test_a_scaler_that_is_not_fitted_is_refused():
    network = MLPClassifier((3,), max_iter=2).fit(X, Y)
    with pytest.raises(ConversionError, match="StandardScaler is not fitted"):
        convert.from_sklearn(Pipeline([("scale", StandardScaler()), ("network", network)]))
    with pytest.raises(ConversionError, match="MLPClassifier is not fitted"):
        convert.from_sklearn(pipeline(StandardScaler()))


def test_pixels_that_are_scaled_twice_are_refused():
    rows = RNG.integers(0, 256, (60, 4), dtype=np.uint8)
    ours = handgrad.MLPClassifier((3,), max_iter=2, pixels=True).fit(rows, Y)
    scaler = StandardScaler().fit(rows)
    with pytest.raises(ConversionError, match="pixels=True; expected pixels=False"):
        convert.from_sklearn(make_pipeline(scaler, ours))

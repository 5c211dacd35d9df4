"""What `uint8` rows mean to MLPClassifier: numbers, or pixels where they are asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from handgrad import MLPClassifier, data
from handgrad.engines import available_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")


def test_pixels_stay_bytes_and_are_scaled():
    digits = data.load("mnist-5k")
    X, y = digits.X_train[:500], digits.y_train[:500]
    scaled = X.astype(np.float32) / np.float32(255)
    pixels = MLPClassifier((10,), random_state=0, max_iter=3, pixels=True).fit(X, y)
    numbers = MLPClassifier((10,), random_state=0, max_iter=3).fit(scaled, y)
    assert pixels.coefs_[0].dtype == numbers.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(pixels.coefs_[0], numbers.coefs_[0], atol=1e-5)
    np.testing.assert_allclose(pixels.predict_proba(scaled), pixels.predict_proba(X), atol=1e-6)
    with pytest.raises(ValueError, match="pixels"):
        pixels.predict(X.astype(float))
    with pytest.raises(ValueError, match="pixels"):
        MLPClassifier(pixels=True).fit(X.astype(float), y)
    np.testing.assert_array_equal(numbers.predict(X[:5]), numbers.predict(X[:5].astype(np.float32)))


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix, pd.DataFrame])
def test_bytes_are_numbers_like_any_others(engine, solver, as_rows):
    digits = data.load("mnist-5k")
    X, y = digits.X_train[:300] // 2, digits.y_train[:300]
    rate = 1e-6 if solver == "gd" else 1e-3
    options = {"solver": solver, "random_state": 0, "max_iter": 3, "learning_rate_init": rate}
    of_bytes = MLPClassifier((4,), engine=engine, **options).fit(as_rows(X), y)
    of_floats = MLPClassifier((4,), engine=engine, **options).fit(as_rows(X.astype(float)), y)
    assert of_bytes.coefs_[0].dtype == np.float64
    np.testing.assert_allclose(of_bytes.coefs_[0], of_floats.coefs_[0], rtol=1e-9, atol=1e-12)
    for model in (of_bytes, of_floats):
        np.testing.assert_allclose(
            model.predict_proba(as_rows(X)), model.predict_proba(as_rows(X.astype(float))), 1e-9
        )


def test_one_hot_bytes_in_a_pipeline_score_as_with_scikit_learn():
    random = np.random.default_rng(0)
    X = random.choice(["red", "green", "blue"], (400, 6))
    y = (X[:, 0] == "red") ^ (X[:, 1] == "blue")
    ours, theirs = (
        make_pipeline(OneHotEncoder(dtype=np.uint8), of(random_state=0, max_iter=400)).fit(X, y)
        for of in (MLPClassifier, neural_network.MLPClassifier)
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours[-1].loss_curve_[:20], theirs[-1].loss_curve_[:20], rtol=1e-6)
    assert ours.score(X, y) == 1


def test_bytes_that_look_like_pixels_warn_once_and_name_the_parameter():
    X, y = np.array([[0, 128], [255, 3]] * 2, dtype=np.uint8), [0, 1, 0, 1]
    for rows in (X, sparse.csr_matrix(X), pd.DataFrame(X)):
        with pytest.warns(UserWarning, match="pixels=True") as caught:
            MLPClassifier(solver="lbfgs").fit(rows, y, X_val=rows, y_val=y).predict(rows)
        told = [w for w in caught if "pixels" in str(w.message)]
        assert len(told) == 1
        assert told[0].filename == __file__
    MLPClassifier(solver="lbfgs", pixels=True).fit(X, y)
    MLPClassifier(solver="lbfgs").fit(np.minimum(X, 127), y)
    MLPClassifier(solver="lbfgs").fit(X.astype(float), y)

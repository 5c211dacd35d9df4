"""Labels and values on a cluster of two processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from handgrad import MLPClassifier, MLPRegressor
from handgrad.data import Blocks
from handgrad.engines import available_engines

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("client"),
]

M, D = 20_000, 6
NAMES = [f"f{number}" for number in range(D)]
LOCAL = available_engines()[0]


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


def rows(predicts: Any) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).random((M, D))
    Y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] * X[:, 3]])
    return X, (Y > 0.5) * 1 if predicts == "labels" else Y


def estimators(predicts: Any, **options: Any) -> tuple[Any, Any]:
    chosen: dict[str, Any] = {"hidden_layer_sizes": (8, 4), "activation": "tanh", "max_iter": 2}
    chosen |= {"random_state": 0, "solver": "adam"} | options
    make: Any = MLPClassifier if predicts == "labels" else MLPRegressor
    return make(engine="dask", **chosen), make(engine=LOCAL, **chosen)


def assert_same_bits(one: Any, other: Any) -> None:
    assert one.loss_curve_ == other.loss_curve_
    for first, second in zip(one.coefs_, other.coefs_, strict=True):
        assert_array_equal(first, second)


@pytest.mark.parametrize("predicts", ["labels", "values"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_arrays_are_fitted_and_predicted_where_they_lie(predicts, solver):
    X, Y = rows(predicts)
    rows_there = da.from_array(X, chunks=(6000, 4))
    targets_there = da.from_array(Y, chunks=(7000, 1))
    there, here = estimators(predicts, solver=solver)
    there.fit(rows_there, targets_there)
    here.fit(Blocks.of(X, Y, predicts=predicts))
    assert_same_bits(there, here)
    found = there.predict(rows_there)
    assert isinstance(found, da.Array)
    assert found.shape == (M, 2)
    assert_allclose(found.compute(), here.predict(X), rtol=1e-9)
    score = here.score(X, Y)
    assert there.score(rows_there, targets_there) == pytest.approx(score, rel=1e-9)


def test_a_single_value_is_predicted_as_a_vector():
    X, Y = rows("values")
    rows_there, y = da.from_array(X, chunks=(6000, D)), da.from_array(Y[:, 0], chunks=5000)
    there, here = estimators("values", loss="poisson", early_stopping=True)
    there.fit(rows_there, y)
    here.fit(Blocks.of(X, Y[:, 0], predicts="values"))
    assert_same_bits(there, here)
    assert there.validation_scores_ == here.validation_scores_
    assert there.validation_loss_curve_ == here.validation_loss_curve_
    found = there.predict(rows_there)
    assert found.ndim == 1
    assert_allclose(found.compute(), here.predict(X), rtol=1e-9)


@pytest.mark.parametrize("predicts", ["labels", "values"])
def test_data_frames_are_fitted_by_columns_and_by_frame(predicts):
    X, Y = rows(predicts)
    frame = pd.DataFrame(X, columns=NAMES).assign(height=Y[:, 0], width=Y[:, 1])
    table = dd.from_pandas(frame, npartitions=3)
    by_columns, here = estimators(predicts)
    by_frame, _ = estimators(predicts)
    by_columns.fit(table, label=["height", "width"])
    by_frame.fit(table[NAMES], table[["height", "width"]])
    here.fit(Blocks.of(X, Y, predicts=predicts))
    for there in (by_columns, by_frame):
        assert_same_bits(there, here)
        assert there.model().class_names == ("height", "width")
        assert_allclose(there.predict(table[NAMES]).compute(), here.predict(X), rtol=1e-9)
    assert by_columns.score(table, label=["height", "width"]) == pytest.approx(here.score(X, Y))

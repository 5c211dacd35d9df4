"""MLPClassifier on a cluster of two processes: blocks, Dask arrays and Dask data frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from handgrad import MLPClassifier, get_engine, load, save
from handgrad.data import Blocks
from handgrad.engines import available_engines
from handgrad.evaluation import evaluate

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


def rows(kind: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    """Rows of three classes that a small network tells apart."""
    random = np.random.default_rng(0)
    X = random.integers(0, 120, (M, D))
    labels = np.array(["low", "middle", "high"])[np.digitize(X[:, 0] + X[:, 1], [80, 160])]
    if kind == "uint8":
        return X.astype(np.uint8), labels
    return (X / 120).astype(kind), labels


def collections(kind: str = "float64") -> tuple[Any, Any]:
    X, y = rows(kind)
    return da.from_array(X, chunks=(6000, 4)), da.from_array(y, chunks=7000)


def frame() -> Any:
    X, y = rows()
    return dd.from_pandas(pd.DataFrame(X, columns=NAMES).assign(height=y), npartitions=3)


def settings(solver: str = "gd", **others: Any) -> dict[str, Any]:
    chosen = {"solver": solver, "max_iter": 4, "random_state": 0, "learning_rate_init": 0.1}
    return {"hidden_layer_sizes": (8,)} | chosen | others


def on_cluster(solver: str = "gd", **others: Any) -> MLPClassifier:
    return MLPClassifier(engine="dask", **settings(solver, **others))


def assert_same_bits(one: MLPClassifier, other: MLPClassifier) -> None:
    assert one.loss_curve_ == other.loss_curve_
    for name in ("coefs_", "intercepts_"):
        for first, second in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_array_equal(first, second)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "gd"])
def test_blocks_give_the_bits_of_one_process(solver):
    X, y = rows()
    blocks, weights = Blocks.of(X, y, leaf_rows=1500), np.linspace(0, 1, M)
    options = settings(solver, class_weight="balanced", max_iter=2)
    there = MLPClassifier(engine="dask", **options).fit(blocks, sample_weight=weights)
    here = MLPClassifier(engine=LOCAL, **options).fit(blocks, sample_weight=weights)
    assert_same_bits(there, here)
    assert there.score(blocks) == here.score(blocks)
    assert_array_equal(there.predict_proba(blocks), here.predict_proba(blocks))
    assert isinstance(there.predict(blocks), np.ndarray)


def test_evaluation_of_blocks_gives_the_figures_of_one_process():
    X, y = rows()
    blocks = Blocks.of(X, y, leaf_rows=1500)
    model = MLPClassifier(**settings()).fit(blocks)
    there, here = (
        evaluate(model.network(), blocks, None, engine=get_engine(name)) for name in ("dask", LOCAL)
    )
    assert_allclose(there.cost, here.cost, rtol=1e-12)
    assert_array_equal(there.confusion, here.confusion)


@pytest.mark.parametrize("kind", ["float64", "float32", "uint8"])
def test_arrays_are_fitted_and_predicted_where_they_lie(kind):
    X, y = rows(kind)
    options: dict[str, Any] = {"learning_rate_init": 1e-4} if kind == "uint8" else {}
    there = on_cluster(**options).fit(*collections(kind))
    here = MLPClassifier(**settings(**options)).fit(Blocks.of(X, y))
    assert_same_bits(there, here)
    assert there.classes_.tolist() == ["high", "low", "middle"]
    rows_there, labels_there = collections(kind)
    probabilities = there.predict_proba(rows_there)
    assert isinstance(probabilities, da.Array)
    assert probabilities.shape == (M, 3)
    assert probabilities.dtype == there.coefs_[0].dtype
    assert_allclose(probabilities.compute(), here.predict_proba(X), rtol=1e-5)
    labels = there.predict(rows_there)
    assert isinstance(labels, da.Array)
    assert labels.dtype == there.classes_.dtype
    assert_array_equal(labels.compute(), here.predict(X))
    logarithms = there.predict_log_proba(rows_there).compute()
    assert_allclose(np.exp(logarithms), probabilities.compute(), rtol=1e-5)
    assert there.score(rows_there, labels_there) == here.score(X, y)
    assert there.score(rows_there, y) == there.score(X, y)


def test_data_frames_are_fitted_by_column_and_by_series():
    table, (X, y) = frame(), rows()
    by_column = on_cluster().fit(table, label="height")
    by_series = on_cluster().fit(table[NAMES], table["height"])
    here = MLPClassifier(**settings()).fit(Blocks.of(X, y))
    for there in (by_column, by_series):
        assert_same_bits(there, here)
        assert there.feature_names_in_.tolist() == NAMES
    labels = by_column.predict(table[NAMES])
    assert_array_equal(labels.compute(), here.predict(X))
    assert by_column.score(table, label="height") == here.score(X, y)
    with pytest.raises(ValueError, match="'f5' in the place of 'f0'"):
        by_column.predict(table[NAMES[::-1]])
    with pytest.raises(ValueError, match="X has 7 features"):
        by_column.predict(table)


def test_a_validation_set_and_weights_may_lie_on_the_cluster():
    X, y = rows()
    rows_there, labels_there = collections()
    options = settings("adam", max_iter=2, early_stopping=True)
    weights = np.linspace(0, 1, M)
    there = MLPClassifier(engine="dask", **options).fit(
        rows_there, labels_there, da.from_array(weights), X_val=rows_there, y_val=labels_there
    )
    here = MLPClassifier(engine=LOCAL, **options).fit(
        Blocks.of(X, y), sample_weight=weights, X_val=X, y_val=y
    )
    assert_same_bits(there, here)
    assert there.validation_scores_ == here.validation_scores_


def test_rows_of_a_collection_are_held_out_as_those_of_blocks():
    options = settings("adam", max_iter=2, early_stopping=True)
    there = MLPClassifier(engine="dask", **options).fit(*collections())
    here = MLPClassifier(engine=LOCAL, **options).fit(Blocks.of(*rows()))
    assert_same_bits(there, here)
    assert there.validation_scores_ == here.validation_scores_


def test_a_collection_may_lack_classes_of_the_network():
    X, y = rows()
    rows_there, labels_there = collections()
    there, here = (
        MLPClassifier(engine=engine, **settings("adam")).partial_fit(given, labels, classes=classes)
        for classes in [["high", "low", "middle", "none"]]
        for engine, given, labels in (
            ("dask", rows_there, labels_there),
            (LOCAL, Blocks.of(X, y), None),
        )
    )
    assert_same_bits(there, here)
    assert there.score(rows_there, labels_there) == here.score(X, y)


def test_rows_in_memory_train_on_the_cluster():
    X, y = rows()
    there = on_cluster().fit(X, y)
    assert_allclose(there.loss_curve_, MLPClassifier(**settings()).fit(X, y).loss_curve_, rtol=1e-6)
    assert isinstance(there.predict(X), np.ndarray)


@pytest.mark.parametrize("engine", ["auto", *available_engines()])
def test_other_engines_refuse_collections(engine):
    X, y = collections()
    model = MLPClassifier(engine=engine, **settings())
    with pytest.raises(ValueError, match="expected engine='dask'"):
        model.fit(X, y)
    model.fit(*rows())
    for call in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match="expected engine='dask'"):
            call(X)
    with pytest.raises(ValueError, match="expected engine='dask'"):
        model.score(X, y)


def test_collections_without_labels_and_numbers_that_are_no_pixels_are_refused():
    X, y = collections()
    with pytest.raises(ValueError, match="y is missing"):
        on_cluster().fit(X)
    with pytest.raises(ValueError, match="pixels=True"):
        on_cluster(pixels=True).fit(X * 255, y)
    model = on_cluster(pixels=True).fit(*collections("uint8"))
    with pytest.raises(ValueError, match="pixels=True"):
        model.predict(X * 255).compute()


def test_a_loaded_classifier_predicts_without_the_cluster(tmp_path):
    X, y = rows()
    model = on_cluster().fit(*collections())
    save(model, tmp_path / "model.safetensors")
    copy = load(tmp_path / "model.safetensors")
    assert copy.engine == "dask"
    assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.score(X, y) == model.score(X, y)

"""Labels and values in blocks, in files and on a cluster: what the same rows in memory give."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from handgrad import MLPClassifier, MLPRegressor
from handgrad.data import Blocks
from handgrad.engines import available_engines
from handgrad.estimator.tallies import R2Tally

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")
STOCHASTIC = ("adam", "sgd")
LEAF_ROWS = 64
M = 600


def digits() -> np.ndarray:
    X: np.ndarray = load_digits(return_X_y=True)[0][:M] / 16
    return X


def targets(predicts: str) -> np.ndarray:
    X = digits()
    if predicts == "labels":
        return (X[:, 20:23] > 0.5) * 1
    return X[:, 30] + 2 if predicts == "a value" else X[:, 30:33] + 2


def kind_of(predicts: str) -> Any:
    return MLPClassifier if predicts == "labels" else MLPRegressor


def settings(solver: str, **others: Any) -> dict[str, Any]:
    rate = 0.1 if solver in ("gd", "sgd") else 0.001
    chosen = {"solver": solver, "max_iter": 4, "random_state": 0, "learning_rate_init": rate}
    fixed = {"hidden_layer_sizes": (8, 5), "activation": "tanh", "shuffle": False}
    return fixed | chosen | others


def blocks_of(predicts: str, **others: Any) -> Blocks:
    y, read_as = targets(predicts), "labels" if predicts == "labels" else "values"
    return Blocks.of(digits(), y, leaf_rows=LEAF_ROWS, predicts=read_as, **others)  # type: ignore[arg-type]


def assert_same_fit(one: Any, other: Any, rtol: float = 1e-6) -> None:
    assert_allclose(one.loss_curve_, other.loss_curve_, rtol=rtol)
    for first, second in zip(one.coefs_, other.coefs_, strict=True):
        assert_allclose(first, second, rtol=1e3 * rtol, atol=100 * rtol)
    for name in ("n_features_in_", "n_outputs_", "out_activation_", "n_layers_", "n_iter_", "t_"):
        assert getattr(one, name) == getattr(other, name), name


def assert_same_validation(one: Any, other: Any) -> None:
    for name in ("validation_scores_", "validation_loss_curve_"):
        assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("predicts", ["labels", "a value", "values"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit_is_that_of_rows_in_memory(predicts, solver, weighted, engine):
    X, y, blocks = digits(), targets(predicts), blocks_of(predicts)
    weights = np.arange(M) % 3 if weighted else None
    options = settings(solver, engine=engine)
    make = kind_of(predicts)
    there = make(**options).fit(blocks, sample_weight=weights)
    here = make(**options).fit(X, y, weights)
    assert_same_fit(there, here)
    assert_allclose(there.predict(blocks), there.predict(X), rtol=1e-9)
    assert there.predict(blocks).shape == here.predict(X).shape
    score = there.score(X, y, weights)
    assert there.score(blocks, sample_weight=weights) == pytest.approx(score, rel=1e-9)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_each_loss_of_a_regressor_goes_over_blocks(loss):
    options = settings("adam", loss=loss, early_stopping=True, validation_fraction=0.2)
    there = MLPRegressor(**options).fit(blocks_of("values"))
    is_held_out = np.arange(M) % 5 == 4
    X, y = digits(), targets("values")
    given = {"X_val": X[is_held_out], "y_val": y[is_held_out]}
    here = MLPRegressor(**options).fit(X[~is_held_out], y[~is_held_out], **given)
    assert_same_fit(there, here)
    assert_same_validation(there, here)


@pytest.mark.parametrize("predicts", ["labels", "a value", "values"])
def test_validation_samples_may_be_blocks_with_weights(predicts):
    X, y, blocks = digits(), targets(predicts), blocks_of(predicts)
    weights, make = np.arange(M) % 3, kind_of(predicts)
    options = settings("adam", early_stopping=True, scoring="loss")
    there = make(**options).fit(X, y, X_val=blocks, sample_weight_val=weights)
    here = make(**options).fit(X, y, X_val=X, y_val=y, sample_weight_val=weights)
    assert_same_validation(there, here)


def test_validation_losses_of_classes_in_another_order_are_those_in_memory():
    X, y = digits(), load_digits(return_X_y=True)[1][:M]
    few = (y == 3) | (y == 7)
    there, here = (MLPClassifier(**settings("adam")) for _ in range(2))
    there.fit(X, y, X_val=Blocks.of(X[few], y[few], leaf_rows=LEAF_ROWS))
    here.fit(X, y, X_val=X[few], y_val=y[few])
    assert_same_validation(there, here)
    there.fit(X, y, X_val=Blocks.of(X[few], y[few] + 7, leaf_rows=LEAF_ROWS))
    assert there.validation_loss_curve_
    assert there.validation_loss_curve_[-1] == np.inf


def test_blocks_of_a_single_class_are_fitted_as_in_memory():
    X, y = digits(), np.full(M, 5)
    there, here = (MLPClassifier(**settings("adam")) for _ in range(2))
    assert_same_fit(there.fit(Blocks.of(X, y, leaf_rows=LEAF_ROWS)), here.fit(X, y))
    assert there.score(Blocks.of(X, y)) == 1


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("predicts", ["labels", "values"])
def test_partial_fit_continues_over_blocks(predicts, solver):
    there, here = (kind_of(predicts)(**settings(solver)) for _ in range(2))
    classes = {"classes": range(3)} if predicts == "labels" else {}
    for _ in range(2):
        there.partial_fit(blocks_of(predicts), **classes)
        here.partial_fit(digits(), targets(predicts), **classes)
    assert_same_fit(there, here)


def test_names_of_columns_become_those_of_the_model(tmp_path):
    pytest.importorskip("pyarrow")
    X, y = digits(), targets("values")
    features = [f"f{number}" for number in range(64)]
    frame = pd.DataFrame(X, columns=features)
    frame.assign(height=y[:, 0], width=y[:, 1]).to_parquet(tmp_path / "rows.parquet")
    model = MLPRegressor(**settings("gd")).fit(tmp_path, label=["height", "width"])
    assert model.model().class_names == ("height", "width")
    assert model.feature_names_in_.tolist() == features
    assert_same_fit(model, MLPRegressor(**settings("gd")).fit(frame, y[:, :2]))
    assert_allclose(model.predict(tmp_path), model.predict(frame))
    assert model.score(tmp_path, label=["height", "width"]) == pytest.approx(
        model.score(frame, y[:, :2])
    )


def test_labels_in_files_have_the_names_of_their_columns(tmp_path):
    pytest.importorskip("pyarrow")
    X, y = digits(), targets("labels")
    frame = pd.DataFrame(X, columns=[f"f{number}" for number in range(64)])
    frame.assign(red=y[:, 0], green=y[:, 1]).to_csv(tmp_path / "rows.csv", index=False)
    model = MLPClassifier(**settings("gd")).fit(tmp_path / "rows.csv", label=["red", "green"])
    assert model.classes_.tolist() == ["red", "green"]
    assert model.model().class_names == ("red", "green")
    assert_array_equal(model.predict(tmp_path / "rows.csv"), model.predict(frame))


@pytest.mark.parametrize(
    ("make", "predicts", "said"),
    [
        (MLPRegressor, "labels", "holds labels; expected values"),
        (MLPClassifier, "values", "holds values; expected classes or labels"),
    ],
)
def test_blocks_of_another_kind_are_refused(make, predicts, said):
    with pytest.raises(ValueError, match=said):
        make(**settings("adam")).fit(blocks_of(predicts))


def test_later_blocks_must_be_of_the_kind_of_the_fit():
    X, y = digits(), load_digits(return_X_y=True)[1][:M]
    model = MLPClassifier(**settings("adam")).fit(X, y)
    with pytest.raises(ValueError, match="holds labels; expected classes"):
        model.score(blocks_of("labels"))
    with pytest.raises(ValueError, match="holds classes; expected values"):
        MLPRegressor(**settings("adam")).fit(X, y).score(Blocks.of(X, y))


def test_a_scorer_needs_samples_in_memory():
    model = MLPRegressor(**settings("adam", scoring="neg_max_error", early_stopping=True))
    with pytest.raises(ValueError, match="takes rows in memory"):
        model.fit(blocks_of("values"))


def test_class_weights_of_labels_are_refused():
    with pytest.raises(ValueError, match="class_weight gives weights to classes"):
        MLPClassifier(**settings("adam", class_weight={0: 2.0})).fit(blocks_of("labels"))


@given(
    m=st.integers(2, 30),
    values=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    offset=st.sampled_from([0.0, 1e8]),
    seed=st.integers(0, 1000),
)
def test_parts_of_any_size_have_the_r2_of_the_whole(m, values, cuts, offset, seed):
    random = np.random.default_rng(seed)
    Y = random.normal(size=(m, values)) + offset
    found = Y + random.normal(size=(m, values))
    weights = random.integers(0, 3, m) + (np.arange(m) < 2)
    tally = R2Tally()
    edges = [0, *sorted(min(cut, m) for cut in cuts), m]
    for start, stop in pairwise(edges):
        part = slice(start, stop)
        tally.add(Y[part], (found[part] - Y[part]) ** 2, weights[part] * 1.0)
    assert tally.score == pytest.approx(r2_score(Y, found, sample_weight=weights), rel=1e-6)


@pytest.mark.parametrize("constant", [0.1, 3.3, 1e9 + 0.1])
def test_a_constant_value_has_no_deviation(constant):
    tally = R2Tally()
    for rows in (7, 20, 3):
        tally.add(np.full((rows, 1), constant), np.full((rows, 1), 0.5), np.linspace(0.1, 1, rows))
    assert tally.score == 0


def test_values_that_are_large_and_alike_keep_their_digits():
    random = np.random.default_rng(0)
    y, weights, tally = 1e9 + 1e-3 * random.normal(size=(5000, 1)), np.ones(2500), R2Tally()
    for part in (y[:2500], y[2500:]):
        tally.add(part, (part - 1e9) ** 2, weights)
    exact = y - 1e9
    expected = 1 - (exact**2).sum() / ((exact - exact.mean()) ** 2).sum()
    assert tally.score == pytest.approx(expected, rel=1e-6)

"""MLPClassifier on blocks of rows: what it learns from the same rows in memory."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits

from handgrad import MLPClassifier, load, save
from handgrad.data import Blocks
from handgrad.engines import available_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")
STOCHASTIC = ("adam", "sgd")
LEAF_ROWS = 64  # so that the rows below need more than one window of leaves


def digits(kind: str = "float64", m: int = 600) -> tuple[Any, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    X, y = X[:m], y[:m]
    if kind == "uint8":
        return X.astype(np.uint8), y
    if kind == "csr":
        return sparse.csr_matrix(X / 16), y
    return (X / 16).astype(kind), y


def settings(solver: str, **others: Any) -> dict[str, Any]:
    rate = 0.1 if solver in ("gd", "sgd") else 0.001
    chosen = {"solver": solver, "max_iter": 6, "random_state": 0, "learning_rate_init": rate}
    return {"hidden_layer_sizes": (8,), "shuffle": False} | chosen | others


def blocks_of(X: Any, y: Any, **others: Any) -> Blocks:
    return Blocks.of(X, np.asarray(y), leaf_rows=LEAF_ROWS, **others)


def assert_same_fit(of_blocks: MLPClassifier, of_arrays: MLPClassifier, rtol: float = 1e-6) -> None:
    """Compare everything that a fit sets."""
    assert_allclose(of_blocks.loss_curve_, of_arrays.loss_curve_, rtol=rtol)
    assert_allclose(of_blocks.history_.accuracy, of_arrays.history_.accuracy, atol=0.005)
    assert_array_equal(of_blocks.classes_, of_arrays.classes_)
    assert of_blocks.classes_.dtype.kind == of_arrays.classes_.dtype.kind
    for one, other in zip(of_blocks.coefs_, of_arrays.coefs_, strict=True):
        assert one.dtype == other.dtype
        assert_allclose(one, other, rtol=1e3 * rtol, atol=100 * rtol)
    for name in ("n_features_in_", "n_outputs_", "out_activation_", "n_layers_", "n_iter_", "t_"):
        assert getattr(of_blocks, name) == getattr(of_arrays, name), name
    for name in ("loss_", "best_loss_"):
        assert_allclose(getattr(of_blocks, name), getattr(of_arrays, name), rtol=rtol)


@pytest.mark.parametrize("engine", available_engines())
@pytest.mark.parametrize("kind", ["float64", "float32", "uint8", "csr"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_is_that_of_rows_in_memory(engine, kind, solver):
    X, y = digits(kind)
    rate = {"learning_rate_init": 0.001}  # the bytes are not scaled
    options = settings(solver, engine=engine, **(rate if kind == "uint8" else {}))
    of_blocks = MLPClassifier(**options).fit(blocks_of(X, y))
    of_arrays = MLPClassifier(**options).fit(X, y)
    rtol = 1e-4 if kind == "float32" else 1e-6
    assert_same_fit(of_blocks, of_arrays, rtol)
    assert_allclose(of_blocks.predict_proba(blocks_of(X, y)), of_blocks.predict_proba(X), rtol=1e-5)
    assert_array_equal(of_blocks.predict(blocks_of(X, y)), of_blocks.predict(X))
    assert of_blocks.score(blocks_of(X, y)) == of_blocks.score(X, y)


@given(
    solver=st.sampled_from(SOLVERS),
    m=st.integers(4, 90),
    leaf_rows=st.integers(1, 100),
    batch_size=st.integers(1, 100),
    classes=st.integers(2, 4),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_neither_leaves_nor_batches_of_any_size_change_a_fit(
    solver, m, leaf_rows, batch_size, classes, weighted, seed
):
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(m, 3)), np.resize(np.arange(classes), m)
    weights = random.integers(0, 3, m) + (np.arange(m) == 0) if weighted else None
    size = min(batch_size, m)
    options = settings(solver, max_iter=2, batch_size=size, learning_rate_init=0.001)
    of_blocks = MLPClassifier(**options).fit(
        Blocks.of(X, y, leaf_rows=leaf_rows), sample_weight=weights
    )
    of_arrays = MLPClassifier(**options).fit(X, y, weights)
    assert_allclose(of_blocks.loss_curve_, of_arrays.loss_curve_, rtol=1e-6, atol=1e-12)
    for one, other in zip(of_blocks.coefs_, of_arrays.coefs_, strict=True):
        assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "labels",
    [np.array(["even", "odd"]), np.array([False, True]), np.array([-3, 7]), np.array([2.0, 5.0])],
    ids=["texts", "booleans", "whole numbers", "floats"],
)
def test_two_classes_keep_their_labels(solver, labels):
    X, y = digits()
    y = labels[y % 2]
    of_blocks = MLPClassifier(**settings(solver)).fit(blocks_of(X, y))
    of_arrays = MLPClassifier(**settings(solver)).fit(X, y)
    assert_allclose(of_blocks.loss_curve_, of_arrays.loss_curve_, rtol=1e-6)
    assert_array_equal(of_blocks.classes_, labels)
    assert_array_equal(of_blocks.predict(X), of_arrays.predict(X))
    assert of_blocks.score(X, y) == of_blocks.score(blocks_of(X, y)) == of_arrays.score(X, y)
    assert of_blocks.network().output == "softmax"


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_shuffled_batches_learn_as_much(solver):
    X, y = digits(m=1700)
    order = np.argsort(y, kind="stable")  # ordered files must not bias
    X, y = X[order], y[order]
    options = settings(solver, shuffle=True, max_iter=30, learning_rate_init=0.01, tol=0)
    of_blocks = MLPClassifier(**options).fit(blocks_of(X, y))
    of_arrays = MLPClassifier(**options).fit(X, y)
    assert abs(of_blocks.score(X, y) - of_arrays.score(X, y)) < 0.03
    again = MLPClassifier(**options).fit(blocks_of(X, y))
    assert of_blocks.loss_curve_ == again.loss_curve_


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("class_weight", [None, "balanced", {"four": 3.0}])
@pytest.mark.parametrize("weighs_samples", [False, True])
def test_weights_of_classes_and_of_samples_count_as_in_memory(solver, class_weight, weighs_samples):
    X, y = digits()
    y = np.where(y == 4, "four", np.where(y < 4, "less", "more"))
    sample_weight = np.linspace(0, 2, len(y)) if weighs_samples else None
    options = settings(solver, class_weight=class_weight)
    of_blocks = MLPClassifier(**options).fit(blocks_of(X, y), sample_weight=sample_weight)
    of_arrays = MLPClassifier(**options).fit(X, y, sample_weight)
    assert_same_fit(of_blocks, of_arrays)
    assert_allclose(
        of_blocks.score(blocks_of(X, y), sample_weight=sample_weight),
        of_arrays.score(X, y, sample_weight),
        rtol=1e-12,
    )


def test_pixels_are_scaled():
    X, y = digits("uint8")
    X *= 15
    options = settings("gd", pixels=True)
    of_blocks = MLPClassifier(**options).fit(blocks_of(X, y))
    of_arrays = MLPClassifier(**options).fit(X, y)
    assert of_blocks.coefs_[0].dtype == np.float32
    assert_same_fit(of_blocks, of_arrays, 1e-4)
    assert_allclose(of_blocks.predict_proba(blocks_of(X, y)), of_arrays.predict_proba(X), rtol=1e-4)
    with pytest.raises(ValueError, match="pixels=True in fit"):
        of_blocks.predict(blocks_of(X.astype(float), y))
    with pytest.raises(ValueError, match="pixels=True in fit"):
        MLPClassifier(**options).fit(blocks_of(X.astype(float), y))


def test_bytes_that_look_like_pixels_warn_once():
    X, y = digits("uint8")
    X *= 15
    options = settings("lbfgs")
    with pytest.warns(UserWarning, match="pixels=True") as caught:
        MLPClassifier(**options).fit(blocks_of(X, y)).predict(blocks_of(X, y))
    told = [w for w in caught if "pixels" in str(w.message)]
    assert len(told) == 1
    assert told[0].filename == __file__


def test_a_fit_reads_no_rows_before_its_solver_does():
    X, y = digits()
    blocks, read = blocks_of(X, y), []

    class Watched(Blocks):
        def read(self, leaf):
            read.append(leaf)
            return super().read(leaf)

    watched = Watched(**vars(blocks))
    with pytest.raises(ValueError, match="sample_weight"):
        MLPClassifier(**settings("gd")).fit(watched, sample_weight=[1.0])
    with pytest.raises(ValueError, match="validation_fraction"):
        MLPClassifier(**settings("adam", early_stopping=True, validation_fraction=0.7)).fit(watched)
    assert read == []


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("is_blocks", [True, False])
def test_a_validation_set_is_scored_after_each_epoch(solver, is_blocks):
    X, y = digits()
    train, test = (X[:400], y[:400]), (X[400:], np.where(y[400:] == 3, 33, y[400:]))
    options = settings(solver, early_stopping=True, max_iter=12)
    given = {"X_val": blocks_of(*test)} if is_blocks else {"X_val": test[0], "y_val": test[1]}
    of_blocks = MLPClassifier(**options).fit(blocks_of(*train), **given)
    of_arrays = MLPClassifier(**options).fit(*train, X_val=test[0], y_val=test[1])
    assert of_blocks.validation_scores_ == of_arrays.validation_scores_
    assert of_blocks.best_validation_score_ == of_arrays.best_validation_score_
    assert of_blocks.best_validation_score_ == of_blocks.score(*test)


def test_arrays_take_blocks_to_validate_with():
    X, y = digits()
    options = settings("adam", max_iter=3)
    model = MLPClassifier(**options).fit(X, y, X_val=blocks_of(X, y))
    assert model.validation_scores_
    assert model.validation_scores_[-1] == model.score(X, y)
    with pytest.raises(ValueError, match="Only one of X_val and y_val"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="Only one of X_val and y_val"):
        model.fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="targets of its own"):
        model.fit(X, y, X_val=blocks_of(X, y), y_val=y)


@pytest.mark.parametrize("weighs_samples", [False, True])
def test_early_stopping_holds_out_every_fifth_row_of_each_class(weighs_samples):
    X, y = digits()
    rank = pd.Series(y).groupby(y).cumcount().to_numpy()
    is_held_out = rank % 5 == 4
    weights = np.linspace(0.5, 2, len(y)) if weighs_samples else None
    options = settings("adam", max_iter=8, early_stopping=True, validation_fraction=0.2)
    model = MLPClassifier(**options).fit(blocks_of(X, y), sample_weight=weights)
    by_hand = MLPClassifier(**options).fit(
        X[~is_held_out],
        y[~is_held_out],
        None if weights is None else weights[~is_held_out],
        X_val=X[is_held_out],
        y_val=y[is_held_out],
    )
    assert_allclose(model.loss_curve_, by_hand.loss_curve_, rtol=1e-6)
    of_rows = None if weights is None else weights[is_held_out]
    score = model.score(X[is_held_out], y[is_held_out], of_rows)
    assert model.best_validation_score_ == pytest.approx(score, rel=1e-12)
    if weights is None:
        assert model.validation_scores_ == by_hand.validation_scores_


def test_too_few_rows_to_hold_out_are_refused():
    X, y = digits(m=20)
    with pytest.raises(ValueError, match="validation set is too small"):
        MLPClassifier(early_stopping=True).fit(blocks_of(X, y))


def test_names_of_features_are_learned_and_checked():
    X, y = digits()
    names = [f"pixel {number}" for number in range(64)]
    frame = pd.DataFrame(X, columns=names)
    model = MLPClassifier(**settings("gd")).fit(blocks_of(X, y, feature_names=names))
    assert model.feature_names_in_.tolist() == names
    assert model.feature_names_in_.dtype == object
    assert_array_equal(model.predict(frame), model.predict(blocks_of(X, y, feature_names=names)))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])
    with pytest.raises(ValueError, match="'pixel 63' in the place of 'pixel 0'"):
        model.predict(blocks_of(X, y, feature_names=names[::-1]))
    with pytest.raises(ValueError, match="X has 63 features, but MLPClassifier is expecting 64"):
        model.score(blocks_of(X[:, 1:], y))
    model.fit(blocks_of(X, y))
    assert not hasattr(model, "feature_names_in_")


def test_labels_that_fit_never_saw_count_as_wrong():
    X, y = digits()
    model = MLPClassifier(**settings("lbfgs", max_iter=30)).fit(blocks_of(X, y))
    others = np.where(y % 2 == 0, y + 100, y)
    assert model.score(blocks_of(X, others)) == model.score(X, others)
    few = y > 6
    assert model.score(blocks_of(X[few], y[few])) == model.score(X[few], y[few])
    with pytest.raises(ValueError, match="labels of X are texts; expected numbers"):
        model.score(blocks_of(X, y.astype(str)))


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_partial_fit_continues_over_blocks(solver):
    X, y = digits()
    of_blocks, of_arrays = (MLPClassifier(**settings(solver)) for _ in range(2))
    for rows in (slice(0, 350), slice(250, 600), y < 4):
        of_blocks.partial_fit(blocks_of(X[rows], y[rows]), classes=range(10))
        of_arrays.partial_fit(X[rows], y[rows], classes=range(10))
    assert_same_fit(of_blocks, of_arrays)
    with pytest.raises(ValueError, match="classes not in"):
        of_blocks.partial_fit(blocks_of(X, y + 1))
    with pytest.raises(ValueError, match="classes must be passed"):
        clone(of_blocks).partial_fit(blocks_of(X, y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_warm_start_continues_over_blocks(solver):
    X, y = digits()
    options = settings(solver, warm_start=True, max_iter=3)
    of_blocks, of_arrays = (MLPClassifier(**options) for _ in range(2))
    for _ in range(2):
        of_blocks.fit(blocks_of(X, y))
        of_arrays.fit(X, y)
    assert_same_fit(of_blocks, of_arrays)
    with pytest.raises(ValueError, match="warm_start"):
        of_blocks.fit(blocks_of(X[y < 5], y[y < 5]))


def test_labels_beside_blocks_are_refused():
    X, y = digits()
    with pytest.raises(ValueError, match="targets of its own"):
        MLPClassifier().fit(blocks_of(X, y), y)
    with pytest.raises(ValueError, match="targets of its own"):
        MLPClassifier().partial_fit(blocks_of(X, y), y, classes=y)
    with pytest.raises(ValueError, match="names a column of files"):
        MLPClassifier().fit(blocks_of(X, y), label="digit")
    with pytest.raises(ValueError, match="requires y to be passed"):
        MLPClassifier().fit(X)


def test_bad_weights_are_refused():
    X, y = digits()
    blocks = blocks_of(X, y)
    for weights in (np.full(len(y), -1.0), np.zeros(len(y)), np.full(len(y), np.nan), [1.0]):
        with pytest.raises(ValueError, match="sample_weight"):
            MLPClassifier().fit(blocks, sample_weight=weights)
    with pytest.raises(ValueError, match="weight"):
        MLPClassifier(class_weight=dict.fromkeys(range(10), 0)).fit(blocks)
    with pytest.raises(ValueError, match="class_weight"):
        MLPClassifier(class_weight={77: 2}).fit(blocks)
    with pytest.raises(ValueError, match="every row a weight of 0 together"):
        MLPClassifier(class_weight={3: 0}).fit(blocks, sample_weight=(y == 3) * 1.0)


def test_a_classifier_of_blocks_is_saved_and_pickled(tmp_path):
    X, y = digits()
    y = np.array(list("abcdefghij"))[y]
    names = [f"f{number}" for number in range(64)]
    blocks = blocks_of(X, y, feature_names=names)
    model = MLPClassifier(**settings("adam")).fit(blocks)
    save(model, tmp_path / "model.safetensors")
    for copy in (load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):  # noqa: S301
        assert_array_equal(copy.predict_proba(blocks), model.predict_proba(blocks))
        assert copy.score(blocks) == model.score(blocks)
        assert copy.loss_curve_ == model.loss_curve_
    assert len(pickle.dumps(model)) < 100_000  # it keeps no rows
    assert clone(model).fit(blocks).loss_curve_ == model.loss_curve_


def test_files_are_fitted_and_scored(tmp_path):
    pytest.importorskip("pyarrow")
    X, y = digits("float32")
    frame = pd.DataFrame(X, columns=[f"f{number}" for number in range(64)])
    for number, rows in enumerate(np.array_split(np.arange(len(y)), 3)):
        frame.iloc[rows].assign(digit=y[rows]).to_parquet(tmp_path / f"{number}.parquet")
    of_files = MLPClassifier(**settings("gd")).fit(tmp_path, label="digit")
    of_arrays = MLPClassifier(**settings("gd")).fit(frame, y)
    assert_same_fit(of_files, of_arrays, 1e-4)
    assert_array_equal(of_files.feature_names_in_, of_arrays.feature_names_in_)
    assert of_files.score(str(tmp_path / "*.parquet"), label="digit") == of_files.score(frame, y)
    for validation in (
        {"X_val": tmp_path},
        {"X_val": blocks_of(X, y)},
        {"X_val": frame, "y_val": y},
    ):
        model = MLPClassifier(**settings("adam")).fit(tmp_path, label="digit", **validation)
        assert model.validation_scores_
        assert model.validation_scores_[-1] == model.score(frame, y)
    with pytest.raises(ValueError, match="label"):
        MLPClassifier().fit(tmp_path)
    with pytest.raises((ValueError, OSError)):
        MLPClassifier().fit(tmp_path / "missing.parquet")


def test_rows_that_are_not_finite_are_refused():
    X, y = digits()
    X[599, 3] = np.nan
    for solver in SOLVERS:
        with warnings.catch_warnings(), pytest.raises(ValueError, match=r"NaN|infin"):
            MLPClassifier(**settings(solver)).fit(blocks_of(X, y))

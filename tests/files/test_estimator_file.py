"""Files of an MLPClassifier: what comes back, and what bad ones are told."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import NotFittedError

from handgrad import MLPClassifier, data, load, save
from handgrad.__main__ import main
from handgrad.errors import HandgradError, ModelFileError
from labelled import cancer, digits_8x8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ("adam", "sgd", "lbfgs", "gd")
ATTRIBUTES = (
    "loss_",
    "loss_curve_",
    "n_iter_",
    "t_",
    "n_features_in_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "best_validation_loss_",
    "validation_loss_curve_",
    "history_",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_comes_back(model, path, X):
    """Save and load a classifier, and compare all that it knows."""
    save(model, path)
    again = load(path)
    assert type(again) is MLPClassifier
    assert again.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(again.classes_, model.classes_)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for found, expected in zip(
        again.coefs_ + again.intercepts_, model.coefs_ + model.intercepts_, strict=True
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    for name in ATTRIBUTES:
        assert getattr(again, name) == getattr(model, name), name
    return again


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("labels", ["numbers", "strings", "booleans", "objects", "floats", "bytes"])
def test_a_file_keeps_the_estimator(path, solver, labels):
    X, y = cancer()
    names = np.array(["no", 'ja, "ä"'])
    y = {
        "numbers": y,
        "strings": names[y],
        "booleans": y == 1,
        "objects": names.astype(object)[y],
        "floats": y.astype(np.float32),
        "bytes": y.astype(np.uint8),
    }[labels]
    model = MLPClassifier((4,), solver=solver, max_iter=5, random_state=0).fit(X, y)
    again = assert_comes_back(model, path, X)
    assert again.get_params() == model.get_params()
    for copy in (model, again):
        copy.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_matrix])
@pytest.mark.filterwarnings("ignore:X holds uint8 numbers")
def test_a_file_keeps_what_rows_are(path, pixels, dtype, as_rows):
    X, y = digits_8x8()
    X = as_rows((X * 255).astype(dtype) if dtype == np.uint8 else X.astype(dtype))
    again = assert_comes_back(MLPClassifier((4,), max_iter=3, pixels=pixels).fit(X, y), path, X)
    assert again.pixels is pixels
    with pytest.raises(ValueError, match="pixels") if pixels else nullcontext():
        again.predict(X.astype(np.float64) * 300)


@pytest.mark.parametrize("pixels", [False, True])
def test_a_file_of_the_first_version_keeps_bytes_as_pixels(path, pixels):
    X, y = digits_8x8()
    X = (X * 255).astype(np.uint8) if pixels else X
    model = MLPClassifier((4,), max_iter=3, pixels=pixels).fit(X, y)
    save(model, path)
    description, arrays = content_of(path)
    del description["parameters"]["pixels"]
    write(path, description | {"format_version": 1}, arrays)
    again = load(path)
    assert again.pixels is pixels
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.fit(X, y).coefs_[0].dtype, model.coefs_[0].dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_layer_sizes": np.int64(4)},
        {"hidden_layer_sizes": np.array([4])},
        {"hidden_layer_sizes": np.array(4)},
        {"hidden_layer_sizes": [4]},
        {"random_state": np.int64(4), "batch_size": np.int32(50), "shuffle": np.bool_(True)},
        {"random_state": np.random.RandomState(4)},
        {"class_weight": {np.int64(0): np.float32(2)}},
        {"class_weight": "balanced", "alpha": np.float64(0.1)},
        {"n_iter_no_change": np.inf, "tol": 0},
        {"early_stopping": True, "verbose": "bar", "n_threads": 1, "engine": "reference"},
        {"on_iteration": print},
    ],
    ids=str,
)
def test_parameters_of_any_type_come_back(path, options, capsys):
    X, y = cancer()
    model = MLPClassifier(max_iter=3).set_params(**options).fit(X, y)
    again = assert_comes_back(model, path, X)
    expected = model.get_params() | {"on_iteration": None}
    if isinstance(options.get("random_state"), np.random.RandomState):
        expected["random_state"] = None
    for name, value in expected.items():
        assert np.array_equal(getattr(again, name), value), name
    capsys.readouterr()


def test_thousands_of_names_come_back(path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(np.eye(900, 5000))
    X.columns = [f"the feature number {i}" for i in range(5000)]
    labels = [f"a class by the name of {i}" for i in range(300)] * 3
    model = MLPClassifier((2,), max_iter=1).fit(X, labels)
    again = assert_comes_back(model, path, X)
    assert list(again.feature_names_in_) == list(X.columns)
    with pytest.raises(ValueError, match="same order"):
        again.predict(X[X.columns[::-1]])


def test_a_file_without_names_has_none(path):
    X, y = cancer()
    assert not hasattr(
        assert_comes_back(MLPClassifier((2,), max_iter=1).fit(X, y), path, X), "feature_names_in_"
    )


def test_a_loaded_classifier_continues_in_parts(path):
    X, y = cancer()
    again = assert_comes_back(MLPClassifier((4,), max_iter=3).fit(X, y), path, X)
    again.partial_fit(X, y)
    assert len(again.loss_curve_) == 4
    assert again.t_ == 4 * len(y)


def test_a_loaded_classifier_is_as_patient_as_the_saved_one(path):
    X, y = cancer()
    options: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 0.01, "tol": 0.05}
    model = MLPClassifier((5,), warm_start=True, max_iter=12, random_state=0, **options).fit(X, y)
    save(model, path)
    again = load(path)
    assert again.fit(X, y).n_iter_ == model.fit(X, y).n_iter_ < 12
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize(
    "changes", [{"hidden_layer_sizes": (5, 0)}, {"solver": "newton"}, {"alpha": "a little"}]
)
def test_parameters_that_fit_would_refuse_are_not_saved(path, changes):
    model = MLPClassifier((2,), max_iter=2).fit(*cancer()).set_params(**changes)
    with pytest.raises(ModelFileError, match="correct them"):
        save(model, path)
    assert not path.exists()


@pytest.mark.parametrize("dtype", ["datetime64[D]", np.longdouble])
def test_classes_that_a_file_cannot_hold_are_not_saved(path, dtype):
    X, y = cancer()
    model = MLPClassifier((2,), max_iter=2).fit(X, y.astype(int).astype(dtype))
    with pytest.raises(ModelFileError, match="cannot hold"):
        save(model, path)


def test_what_is_not_a_model_is_not_saved(path):
    X, y = cancer()
    with pytest.raises(NotFittedError):
        save(MLPClassifier(), path)
    others: list[Any] = [neural_network.MLPClassifier(max_iter=1).fit(X, y), {"W1": X}, None]
    for other in others:
        with pytest.raises(ModelFileError, match=r"cannot be saved; expected a Network or"):
            save(other, path)
    assert not path.exists()


def test_the_command_line_takes_the_file_of_an_estimator(path, capsys):
    digits = data.load("mnist-5k")
    model = MLPClassifier((10,), max_iter=3, random_state=0, pixels=True).fit(
        digits.X_train, digits.y_train
    )
    save(model, path)
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", str(path), "mnist-5k", "--json"])
    said = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(said["accuracy"], model.score(digits.X_test, digits.y_test))


def content_of(path):
    with safe_open(path, "numpy") as file:
        return json.loads(file.metadata()["handgrad"]), load_file(path)


def write(path, description, arrays):
    path.write_bytes(to_bytes(arrays, metadata={"handgrad": json.dumps(description)}))


@pytest.fixture
def saved(path):
    """A file of a classifier of three classes, as description and arrays to be changed."""
    X, y = np.eye(9, 4), ["a", "b", "c"] * 3
    save(MLPClassifier((2,), max_iter=2, random_state=0).fit(X, y), path)
    return content_of(path)


def as_bytes(text):
    return np.frombuffer(text.encode(), np.uint8)


def test_the_changes_below_start_from_a_file_that_loads(path, saved):
    write(path, *saved)
    assert load(path).classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("foo", 1),
        ("solver", "newton"),
        ("activation", "tanh"),
        ("hidden_layer_sizes", {"a": 1}),
        ("hidden_layer_sizes", [2, 0]),
        ("hidden_layer_sizes", ["2"]),
        ("class_weight", [[1]]),
        ("class_weight", [[[1], 2]]),
        ("class_weight", ["ab"]),
        ("class_weight", [["a", "heavy"]]),
        ("class_weight", [["a", 10**400]]),
        ("class_weight", [["a", -1.0]]),
        ("class_weight", [["a", True]]),
        ("class_weight", {"a": 1}),
        ("alpha", 10**400),
        ("max_iter", 10**400),
        ("n_threads", True),
        ("n_threads", 2**40),
        ("pixels", "yes"),
        ("pixels", None),
        ("on_iteration", "os.system"),
        ("n_threads", -1),
        ("verbose", "loud"),
        ("random_state", "now"),
    ],
)
def test_parameters_that_are_none_are_refused(path, saved, name, value):
    description, arrays = saved
    description["parameters"][name] = value
    write(path, description, arrays)
    with pytest.raises(ModelFileError, match="does not describe an estimator"):
        load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": None},
        {"parameters": []},
        {"figures": None},
        {"figures": {}},
        {"figures": {"n_iter_": "x", "t_": 0, "loss_": 0, "best_loss_": 0}},
        {"classes_type": None},
        {"classes_type": 5},
        {"classes_type": "O"},
        {"classes_type": "V8"},
        {"classes_type": "M8[s]"},
        {"classes_type": "i4,f4"},
        {"classes_type": "<i8"},
        {"classes_type": "<i3"},
        {"pixels": 1},
        {"pixels": "true"},
        {"pixels": None},
        {"classes_type": "=i8"},
        {"figures": {"n_iter_": 1, "t_": 0, "loss_": 10**400, "best_loss_": 0}},
        {"classes_type": "<U400000000"},
        {"classes_type": "(100000,100000)f8"},
    ],
    ids=str,
)
def test_descriptions_that_are_none_are_refused(path, saved, changes):
    description, arrays = saved
    write(path, description | changes, arrays)
    with pytest.raises(ModelFileError, match="does not describe an estimator"):
        load(path)


@pytest.mark.parametrize(
    ("labels", "type_name"),
    [
        ('["a", "b"]', "U"),
        ('["a", "b", 3]', "U"),
        ('["c", "b", "a"]', "U"),
        ('["a", "a", "a"]', "U"),
        ('[["a"], ["b"], ["c"]]', "U"),
        ('[{"a": 1}, 2, null]', "U"),
        ('{"a": 1}', "U"),
        ("[1, 2, 1000000000000000000000000000000]", "<i8"),
        ("[1, 2, 300]", "|u1"),
        ("[1, 2, NaN]", "<f8"),
        ("[1.0, 2.0, 2.5]", "<f8"),
        ("[1.0, 2.0, 1e300]", "<f8"),
        ("[1, 2, 3", "<i8"),
        ("[" * 100_000, "<i8"),
        ("", "U"),
    ],
)
def test_classes_that_no_fit_finds_are_refused(path, saved, labels, type_name):
    description, arrays = saved
    write(path, description | {"classes_type": type_name}, arrays | {"classes": as_bytes(labels)})
    with pytest.raises(ModelFileError, match="does not describe an estimator"):
        load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": None},
        {"loss_curve_": None},
        {"loss_curve_": np.ones(5)},
        {"loss_curve_": np.ones((2, 1))},
        {"seconds": np.ones(2, np.float32)},
        {"feature_names": as_bytes('["a"]')},
        {"feature_names": as_bytes('["a", "b", "c", "a"]')},
        {"feature_names": as_bytes("[1, 2, 3, 4]")},
        {"feature_names": as_bytes('"abcd"')},
        {"feature_names": np.ones(3)},
        {"another": np.ones(3)},
    ],
    ids=str,
)
def test_arrays_that_no_classifier_has_are_refused(path, saved, changes):
    description, arrays = saved
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    write(path, description, arrays)
    with pytest.raises(ModelFileError):
        load(path)


def test_attributes_that_a_file_invents_are_left_out(path, saved):
    description, arrays = saved
    description["figures"] |= {"predict": "x", "__class__": "x", "__dict__": {}, "_memory": 1}
    write(path, description, arrays)
    again = load(path)
    assert again.predict(np.eye(4)).shape == (4,)
    assert again._memory.moments is None  # noqa: SLF001


def test_a_first_logit_that_is_not_pinned_is_refused(path):
    X, y = cancer()
    save(MLPClassifier((2,), max_iter=1).fit(X, y), path)
    description, arrays = content_of(path)
    arrays["W2"][0, 0] = 1
    write(path, description, arrays)
    with pytest.raises(ModelFileError, match="first logit"):
        load(path)


def test_a_file_that_names_code_runs_none(path, saved, tmp_path):
    trap = tmp_path / "trap"
    description, arrays = saved
    code = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    for name in ("on_iteration", "random_state", "class_weight", "engine", "solver"):
        changed = json.loads(json.dumps(description))
        changed["parameters"][name] = code
        write(path, changed, arrays)
        with pytest.raises(ModelFileError):
            load(path)
    for name in ("classes", "feature_names"):
        write(path, description, arrays | {name: as_bytes(code)})
        with pytest.raises(ModelFileError):
            load(path)
    assert not trap.exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    model = MLPClassifier((2,), max_iter=2, random_state=0).fit(np.eye(9, 4), ["a", "b", "c"] * 3)
    save(model, path)
    return path.read_bytes()


@given(data=st.data())
def test_a_damaged_file_is_refused_or_predicts(tmp_path_factory, whole, data):
    path = tmp_path_factory.mktemp("damaged") / "model.safetensors"
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        again = load(path)
    except HandgradError:
        return
    assert again.predict_proba(np.eye(9, 4)).shape == (9, 3)


def test_a_file_of_a_classifier_asks_for_scikit_learn_where_it_is_missing(path, saved):
    write(path, *saved)
    program = f"""
import sys
sys.modules["sklearn"] = None
from handgrad import load
from handgrad.errors import ModelFileError
try:
    load({str(path)!r})
except ModelFileError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "install handgrad with the extra 'sklearn'" in run.stdout

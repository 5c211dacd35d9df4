from __future__ import annotations

import contextlib
import json
import os
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from safetensors.numpy import save as to_bytes

from handgrad import Network, load, save
from handgrad.errors import HandgradError, ModelFileError, WriteError
from handgrad.files.storage import FORMAT_VERSION, NOTES_VERSION
from handgrad.files.tensor_file import LARGEST_HEADER
from handgrad.glassbox.payload import build_payload
from handgrad.model import Model


@pytest.fixture
def model():
    network = Network.initial(features=6, hidden=3, classes=2)
    return Model(
        *network.parameters,
        class_names=("cat", 'Hündin, "große"'),
        image_shape=(2, 3),
        scaling=1 / 255,
        training={"iterations": 5, "learning_rate": 0.1},
        pixels=False,
        feature_names=tuple("abcdef"),
        label="species",
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_a_model_comes_back_with_all_that_it_knows(model, path):
    save(model, path)
    back = load(path)
    assert isinstance(back, Model)
    assert back.class_names == model.class_names
    assert back.image_shape == model.image_shape
    assert back.scaling == model.scaling
    assert back.training == model.training
    assert back.pixels == model.pixels
    assert back.feature_names == model.feature_names
    assert back.label == model.label
    np.testing.assert_array_equal(back.W1, model.W1)


def test_the_file_is_plain_safetensors_with_the_arrays_of_the_notes(model, path):
    save(model, path)
    arrays = load_file(path)
    assert {name: array.shape for name, array in arrays.items() if array.ndim == 2} == {
        "W1": (3, 6),
        "b1": (3, 1),
        "W2": (2, 3),
        "b2": (2, 1),
    }
    assert json.loads(arrays["class_names"].tobytes()) == list(model.class_names)
    assert json.loads(arrays["feature_names"].tobytes()) == list("abcdef")


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    for name in ("one", "two"):
        save(model, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


PARAMETERS: dict[str, Any] = dict(
    zip(
        ("W1", "b1", "W2", "b2"),
        Network.initial(features=6, hidden=3, classes=2).parameters,
        strict=True,
    )
)
DESCRIPTION = {
    "format_version": NOTES_VERSION,
    "kind": "model",
    "image_shape": None,
    "scaling": 1.0,
    "pixels": True,
    "label": None,
    "training": {},
}
OF_ANY_NETWORK = {
    "format_version": FORMAT_VERSION,
    "activations": ["relu"],
    "output": "softmax",
}
FIRST_DESCRIPTION = {
    "format_version": 1,
    "kind": "model",
    "class_names": ["a", "b"],
    "image_shape": [2, 3],
    "scaling": 1 / 255,
    "training": {"seed": 3},
}


def names(values):
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def write(path, arrays=None, description=None, **changes):
    """Write a model file with something changed; `...` takes something out."""
    description = (DESCRIPTION if description is None else description) | changes
    if arrays is None:
        arrays = PARAMETERS if description["format_version"] == 1 else PARAMETERS | NAMED
    description = {key: value for key, value in description.items() if value is not ...}
    path.write_bytes(to_bytes(arrays, metadata={"handgrad": json.dumps(description)}))


NAMED = {"class_names": names(["a", "b"])}


def test_the_changes_below_start_from_a_file_that_loads(path):
    write(path)
    assert load(path).D == 6


def test_a_file_of_the_first_version_loads_as_it_was(path):
    write(path, description=FIRST_DESCRIPTION)
    model = load(path)
    assert model.class_names == ("a", "b")
    assert (model.image_shape, model.scaling, model.training) == ((2, 3), 1 / 255, {"seed": 3})
    assert (model.pixels, model.feature_names, model.label) == (True, None, None)


@pytest.mark.parametrize(
    "description",
    [DESCRIPTION, FIRST_DESCRIPTION, DESCRIPTION | OF_ANY_NETWORK],
    ids=["notes", "first", "newest"],
)
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "estimator?"},
        {"kind": None},
        {"kind": ["model"]},
        {"kind": ...},
        {"image_shape": [2, 2]},
        {"image_shape": [-2, -3]},
        {"image_shape": [6]},
        {"image_shape": [True, 6]},
        {"image_shape": [2.0, 3.0]},
        {"image_shape": [2**32 + 1, 6 * pow(2**32 + 1, -1, 2**64)]},  # 6, if it wraps
        {"image_shape": ...},
        {"scaling": "1/255"},
        {"scaling": True},
        {"scaling": 0},
        {"scaling": -1.0},
        {"scaling": float("nan")},
        {"scaling": float("inf")},
        {"scaling": 10**400},
        {"scaling": ...},
        {"training": []},
        {"training": ...},
        {"format_version": "1"},
        {"format_version": True},
        {"format_version": 0},
        {"format_version": None},
    ],
    ids=str,
)
def test_damaged_metadata_is_refused(path, description, changes):
    write(path, description=description, **changes)
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


@pytest.mark.parametrize(
    "changes", [{"pixels": 1}, {"pixels": ...}, {"label": 3}, {"label": ...}], ids=str
)
def test_what_the_second_version_added_is_checked(path, changes):
    write(path, **changes)
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


DAMAGED_NAMES = [["a"], ["a", "a"], ["a", 1], ["a", None], "ab", {"a": 1, "b": 2}, None]


@pytest.mark.parametrize("damaged", DAMAGED_NAMES, ids=str)
def test_damaged_names_are_refused(path, damaged):
    write(path, description=FIRST_DESCRIPTION, class_names=damaged)
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)
    write(path, PARAMETERS | {"class_names": names(damaged)})
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)
    write(path, PARAMETERS | NAMED | {"feature_names": names(damaged)})
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


@pytest.mark.parametrize(
    "array", [np.ones(2, np.float32), np.ones((2, 2), np.uint8), np.empty(0, np.uint8)]
)
def test_names_that_are_not_json_are_refused(path, array):
    write(path, PARAMETERS | {"class_names": array})
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


def test_a_training_figure_beyond_all_numbers_is_kept_and_shown(path):
    write(path, training={"learning_rate": 10**400})
    save(load(path), path)
    assert load(path).training == {"learning_rate": 10**400}
    assert build_payload(load(path))["learning_rate"] == 0.1


@pytest.mark.parametrize("training", [{"rate": np.float32(1)}, {(1, 2): 3}, {"seed": 10**5000}])
def test_training_settings_that_json_cannot_hold_are_refused_before_they_are_lost(path, training):
    model = Model(**PARAMETERS, class_names=("a", "b"), training=training)
    with pytest.raises(ModelFileError, match="cannot be written as JSON"):
        save(model, path)
    assert not path.exists()


def test_a_newer_format_asks_for_an_upgrade(path):
    write(path, format_version=FORMAT_VERSION + 1)
    with pytest.raises(ModelFileError, match=r"version 4; this handgrad reads up to 3: upgrade"):
        load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"W1": None}, "holds the arrays"),
        ({"class_names": None}, "class_names"),
        ({"W3": np.ones((2, 2), np.float32)}, "holds the arrays"),
        ({"W1": np.ones((3, 6))}, "expected all F32 or all F64"),
        ({name: np.ones((2, 2), np.int64) for name in ("W1", "b1", "W2", "b2")}, "I64"),
        ({"b1": np.ones((4, 1), np.float32)}, "does not hold a network: b1 has shape"),
        ({"W2": np.ones((2, 4), np.float32)}, "W2 has shape .*; expected 3 columns"),
        ({"W2": np.ones((2, 3, 1), np.float32)}, "W2 has shape .*; expected a matrix"),
        ({"W1": np.ones((3, 0), np.float32)}, "W1 has shape .*; expected a matrix"),
        ({"b1": np.full((3, 1), np.nan, np.float32)}, "NaN"),
        ({"b1": np.full((3, 1), np.inf, np.float32)}, "NaN or infinite"),
    ],
)
def test_arrays_that_are_not_a_network_are_refused(path, change, words):
    write(path)
    arrays = {n: a for n, a in (load_file(path) | change).items() if a is not None}
    write(path, arrays)
    with pytest.raises(ModelFileError, match=words):
        load(path)


def test_a_version_of_thousands_of_digits_is_quoted_short(path):
    write(path, format_version=10**4000)
    with pytest.raises(ModelFileError, match="upgrade handgrad") as caught:
        load(path)
    assert len(str(caught.value)) < 400


def test_a_foreign_safetensors_file_is_refused(path):
    save_file({"weight": np.ones(3)}, path)
    with pytest.raises(ModelFileError, match="another program"):
        load(path)


@pytest.mark.parametrize("length", range(0, 264, 8))
def test_no_length_of_a_header_looks_like_a_pickle(path, length):
    parameters = Network.initial(features=1, hidden=1, classes=2).parameters
    save(Model(*parameters, class_names=("a", "b" * length)), path)
    assert load(path).class_names == ("a", "b" * length)


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("a pickle ran code",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_runs_no_code(path, protocol):
    path.write_bytes(pickle.dumps(Exploding(), protocol))
    with pytest.raises(ModelFileError, match=r"pickle|not a whole safetensors"):
        load(path)


def test_an_archive_such_as_other_frameworks_write_is_refused(path):
    np.savez(path, W1=np.ones(3))
    with pytest.raises(ModelFileError, match="pickle or an archive"):
        load(path.with_name(path.name + ".npz"))


def test_a_header_above_64_kb_is_refused_before_it_is_read(path):
    write(path, training={"comment": "x" * LARGEST_HEADER})
    with pytest.raises(ModelFileError, match=r"expected at most 65,536"):
        load(path)
    model = Model(**PARAMETERS, class_names=("a", "b"), training={"text": "x" * LARGEST_HEADER})
    with pytest.raises(ModelFileError, match="shorter settings"):
        save(model, path)


def test_names_may_take_more_than_a_header(path):
    long = Model(**PARAMETERS, class_names=("a" * LARGEST_HEADER, "b"))
    save(long, path)
    assert load(path).class_names == long.class_names


def test_a_header_that_promises_more_than_the_file_is_refused(path):
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(ModelFileError, match="not a whole"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"hello", b"\x02" + b"\x00" * 7 + b"{}"])
def test_other_bytes_are_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load(path)


def test_metadata_nested_too_deep_is_refused(path):
    write(path)
    metadata = {"handgrad": "[" * 60_000}
    path.write_bytes(to_bytes(load_file(path), metadata=metadata))
    with pytest.raises(ModelFileError, match="not JSON"):
        load(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        load(tmp_path / "none")
    with pytest.raises(ModelFileError, match="is a folder"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_refused_rather_than_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match="is not a regular file"):
        load(path)


@given(data=st.data())
def test_a_damaged_file_is_refused_or_holds_a_whole_network(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "model.safetensors"
    write(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(HandgradError):
        assert all(np.isfinite(array).all() for array in load(path).parameters)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(model, path, monkeypatch):
    save(model, path)
    before = path.read_bytes()

    def full_disk(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(WriteError, match="No space left"):
        save(Network.initial(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]

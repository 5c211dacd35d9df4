"""Networks of any depth in files, and files of every version of the format."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from files.old_files import old_file
from handgrad import Network, load, save
from handgrad.errors import ModelFileError
from handgrad.model import Model
from strategies import networks


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_same_network(found, expected):
    assert [layer.activation for layer in found.layers] == [
        layer.activation for layer in expected.layers
    ]
    assert (found.output, found.dtype) == (expected.output, expected.dtype)
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


@given(network=networks())
def test_a_network_of_any_depth_comes_back_bit_for_bit(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("networks") / "network.safetensors"
    save(network, path)
    back = load(path)
    assert type(back) is Network
    assert_same_network(back, network)
    names = tuple(f"name {i}" for i in range(network.columns))
    model = Model.of(network, class_names=names, scaling=0.5, label="y")
    save(model, path)
    back = load(path)
    assert type(back) is Model
    assert_same_network(back, network)
    assert (back.class_names, back.scaling, back.label) == (names, 0.5, "y")


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_earlier_versions_load(path, version):
    network = Network([[1.0, -2.0]], [[0.5]], [[3.0], [0.25]], [[0.0], [-1.0]])
    path.write_bytes(old_file(version, "network"))
    assert_same_network(load(path), network)
    path.write_bytes(old_file(version, "model"))
    model = load(path)
    assert_same_network(model, network.astype("float32"))
    assert (model.class_names, model.image_shape, model.scaling) == (
        ("cat", "dog"),
        (1, 2),
        1 / 255,
    )
    assert model.training == {"iterations": 5, "solver": "gd"}
    added = (model.pixels, model.feature_names, model.label)
    assert added == ((True, None, None) if version == 1 else (False, ("left", "right"), "pet"))


@pytest.mark.parametrize("kind", ["network", "model"])
def test_the_notes_network_is_written_so_that_earlier_programs_read_it(path, kind):
    path.write_bytes(old_file(2, kind))
    save(load(path), path)
    assert path.read_bytes() == old_file(2, kind)


def version_of(path):
    with safe_open(path, "numpy") as file:
        return json.loads(file.metadata()["handgrad"])["format_version"]


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, 2),
        ({"activation": "tanh"}, 3),
        ({"output": "logistic"}, 3),
        ({"hidden": ()}, 3),
        ({"hidden": (3, 2)}, 3),
    ],
)
def test_only_what_the_second_version_cannot_hold_is_written_in_the_third(path, changes, version):
    save(Network.initial(**{"features": 4, "hidden": 3, "classes": 2} | changes), path)
    assert version_of(path) == version


def test_two_classes_of_one_logistic_output_stay_one(path):
    network = Network([[1.0, 2.0]], [[0.0]], [[3.0]], [[4.0]], output="logistic")
    save(Model.of(network, class_names=("no", "yes")), path)
    assert_same_network(load(path), network)
    assert load(path).class_names == ("no", "yes")


DESCRIPTION = {
    "format_version": 3,
    "kind": "network",
    "activations": ["relu"],
    "output": "softmax",
}
PARAMETERS = dict(
    zip(
        ("W1", "b1", "W2", "b2"),
        Network.initial(features=6, hidden=3, classes=2).parameters,
        strict=True,
    )
)


def write(path, **changes):
    """Write a file of a network with something changed; `...` takes something out."""
    description = {k: value for k, value in (DESCRIPTION | changes).items() if value is not ...}
    path.write_bytes(to_bytes(PARAMETERS, metadata={"handgrad": json.dumps(description)}))


def test_the_changes_below_start_from_a_file_that_loads(path):
    write(path)
    assert load(path).D == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"activations": ["tanh"], "output": "exp"}, None),
        (
            {"activations": ["relu", "relu"]},
            r"holds the arrays W1, W2, b1, b2; expected .*W3, b3\.",
        ),
        ({"activations": []}, r"expected W1, b1\."),
        ({"activations": ["relu"] * 900}, r"expected W1, b1, .*…"),
        ({"activations": ["softplus"]}, r"activations \['softplus'\]; expected a list of identity"),
        ({"activations": [["relu"]]}, "has the activations"),
        ({"activations": [1]}, "has the activations"),
        ({"activations": "relu"}, "has the activations 'relu'"),
        ({"activations": {"relu": 1}}, "has the activations"),
        ({"activations": None}, "has the activations None"),
        ({"activations": ...}, "has the activations None"),
        ({"output": "argmax"}, "has the output 'argmax'; expected one of softmax, logistic"),
        ({"output": ["softmax"]}, "has the output"),
        ({"output": {}}, "has the output"),
        ({"output": ...}, "has the output None"),
    ],
    ids=str,
)
def test_what_the_third_version_added_is_checked(path, changes, words):
    write(path, **changes)
    if words is None:
        model = load(path)
        assert (model.activation, model.output) == ("tanh", "exp")
        return
    with pytest.raises(ModelFileError, match=words) as caught:
        load(path)
    assert len(str(caught.value)) < 900


@given(network=networks(), data=st.data())
def test_a_layer_that_is_missing_or_too_much_is_refused(tmp_path_factory, network, data):
    path = tmp_path_factory.mktemp("layers") / "network.safetensors"
    save(network, path)
    arrays, last = load_file(path), len(network.layers)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    if data.draw(st.booleans()):
        del arrays[data.draw(st.sampled_from(list(arrays)))]
    else:
        arrays[f"{data.draw(st.sampled_from('WbV'))}{last + 1}"] = arrays["W1"]
    path.write_bytes(to_bytes(arrays, metadata=metadata))
    with pytest.raises(ModelFileError, match=r"holds the arrays .*; expected W1, b1"):
        load(path)


def test_a_network_of_too_many_layers_is_refused_before_it_is_lost(path):
    deep = Network.initial(features=1, hidden=(1,) * 900, classes=1)
    with pytest.raises(ModelFileError, match="expected shorter settings, or fewer layers than 901"):
        save(deep, path)
    assert not path.exists()

"""Safetensors files of weights, read without PyTorch."""

from __future__ import annotations

import builtins
import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes
from safetensors.numpy import save_file

from convert.test_state_dict import GOOD, USUAL, state_of
from handgrad import Network, convert, get_engine, save
from handgrad.errors import ConversionError, HandgradError, MissingPackageError
from strategies import networks


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.safetensors"


@given(network=networks())
def test_a_safetensors_file_is_the_network(tmp_path_factory, network):
    path = tmp_path_factory.mktemp("weights") / "network.safetensors"
    save_file(state_of(network), path)
    activations = [layer.activation for layer in network.layers[:-1]]
    found = convert.from_torch(str(path), activation=activations, output=network.output)
    for one, other in zip(found.parameters, network.as_softmax().parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def written(path, entries):
    """Write a safetensors file by hand: name to type, shape and bytes."""
    header, content = {}, b""
    for name, (dtype, shape, data) in entries.items():
        ends = [len(content), len(content) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": ends}
        content += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def test_bfloat16_and_float16_are_widened_exactly(path):
    exact = np.array([[1.5, -(2.0**-120), 3.0e38, 0.0]], np.float32)
    upper = (exact.view(np.uint32) >> 16).astype("<u2")
    expected = (upper.astype(np.uint32) << 16).view(np.float32)
    written(path, {"0.weight": ("BF16", [1, 4], upper.tobytes())})
    model = convert.from_torch(path, output="identity")
    assert model.dtype == np.float32
    np.testing.assert_array_equal(model.layers[0].W, expected)
    half = np.array([[0.1, 65504.0, -6e-8]], "<f2")
    written(path, {"0.weight": ("F16", [1, 3], half.tobytes())})
    np.testing.assert_array_equal(convert.from_torch(path, output="exp").layers[0].W, half)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (("I64", [1, 1], bytes(8)), "holds int64 values"),
        (("U8", [1, 1], bytes(1)), "holds uint8 values"),
        (("BOOL", [1, 1], bytes(1)), "of type BOOL; expected floating numbers"),
        (("F8_E4M3", [1, 1], bytes(1)), "of type F8_E4M3"),
        (("F32", [1], bytes(4)), "expected a matrix"),
        (("BF16", [1, 1], b"\xc0\x7f"), "NaN or infinite"),
    ],
)
def test_other_types_in_a_file_are_refused(path, entry, words):
    written(path, {"0.weight": entry})
    with pytest.raises(ConversionError, match=words):
        convert.from_torch(path, output="identity")


def test_a_model_file_of_handgrad_is_refused_with_the_way_to_load_it(path):
    save(Network.initial(), path)
    with pytest.raises(ConversionError, match=r"is a file of handgrad; .*: use handgrad\.load"):
        convert.from_torch(path, **USUAL)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x02}", struct.pack("<Q", 2**60) + b"{}"])
def test_files_that_are_not_safetensors_are_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=r"network\.safetensors"):
        convert.from_torch(path, **USUAL)


def test_a_missing_file_is_refused(path):
    with pytest.raises(ConversionError, match="does not exist"):
        convert.from_torch(path, **USUAL)


@given(data=st.data())
def test_a_damaged_file_is_refused_or_becomes_a_whole_model(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "network.safetensors"
    content = bytearray(to_bytes(GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(HandgradError):
        model = convert.from_torch(path, **USUAL)
        assert model.is_finite
        assert get_engine("reference").outputs(model, np.ones((1, model.D))).shape[0] == 1


def test_a_file_of_another_name_needs_pytorch(tmp_path, monkeypatch):
    def without_torch(name, *arguments):
        if name == "torch":
            raise ModuleNotFoundError(name)
        return imported(name, *arguments)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(MissingPackageError, match=r"network\.pt needs PyTorch.*\.safetensors"):
        convert.from_torch(tmp_path / "network.pt", **USUAL)

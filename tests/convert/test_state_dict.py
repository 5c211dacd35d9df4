"""Names, order and shapes of the arrays of a state dict, without PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import convert, get_engine
from handgrad.errors import ConversionError, HandgradError
from strategies import networks

ENGINE = get_engine("reference")


def state_of(network, prefix="", step=2, first=0) -> dict[str, np.ndarray]:
    """Return the arrays of a network under the names that a Sequential gives them."""
    state = {}
    for number, layer in enumerate(network.layers):
        state[f"{prefix}{first + step * number}.weight"] = layer.W
        state[f"{prefix}{first + step * number}.bias"] = layer.b[:, 0]
    return state


@given(
    network=networks(),
    prefix=st.sampled_from(["", "layers.", "module.net1.", "fc"]),
    step=st.integers(1, 5),
    first=st.integers(0, 9),
    data=st.data(),
)
def test_a_state_dict_in_any_order_is_the_network(network, prefix, step, first, data):
    state = state_of(network, prefix, step, first)
    keys = data.draw(st.permutations(list(state)))
    activations = [layer.activation for layer in network.layers[:-1]]
    found = convert.from_torch(
        {key: state[key] for key in keys}, activation=activations, output=network.output
    )
    assert [layer.activation for layer in found.layers[:-1]] == activations
    assert (found.dtype, found.pixels, found.scaling) == (network.dtype, False, 1.0)
    expected = network.as_softmax()
    for one, other in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_are_ordered_by_their_numbers_and_not_as_texts():
    state = {f"{n}.weight": np.full((2, 2), float(n)) for n in (10, 2, 0, 100)}
    model = convert.from_torch(state, activation="relu", output="identity")
    assert [layer.W[0, 0] for layer in model.layers] == [0, 2, 10, 100]


def test_a_missing_bias_is_zero():
    state = {"0.weight": np.ones((3, 2), np.float32), "2.weight": np.ones((1, 3), np.float32)}
    model = convert.from_torch(state, activation="relu", output="exp")
    assert model.dtype == np.float32
    assert not any(layer.b.any() for layer in model.layers)


def test_a_layer_alone_needs_no_number_and_no_activation():
    state = {"weight": np.ones((3, 2)), "bias": np.zeros(3)}
    assert convert.from_torch(state, output="softmax").hidden == ()


def test_the_model_says_what_it_was_told():
    state = {"weight": np.ones((3, 4)), "bias": np.zeros(3)}
    model = convert.from_torch(
        state,
        output="softmax",
        class_names=["ant", "bee", "cow"],
        feature_names=list("abcd"),
        image_shape=(2, 2),
        pixels=True,
    )
    assert (model.class_names, model.feature_names) == (("ant", "bee", "cow"), tuple("abcd"))
    assert (model.image_shape, model.pixels, model.scaling) == ((2, 2), True, 1 / 255)


def test_numbers_of_sixteen_bits_are_widened():
    state = {"weight": np.array([[0.1, 65504]], np.float16)}
    model = convert.from_torch(state, output="identity")
    assert model.dtype == np.float32
    np.testing.assert_array_equal(model.layers[0].W, state["weight"].astype(np.float32))


GOOD: dict[Any, Any] = {
    "0.weight": np.ones((3, 2)),
    "0.bias": np.zeros(3),
    "2.weight": np.ones((2, 3)),
    "2.bias": np.zeros(2),
}
USUAL: dict[str, Any] = {"activation": "relu", "output": "softmax"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"2.weight": np.ones((2, 4))}, "layer '2' takes 4 inputs, but '0' has 3 outputs"),
        ({"0.bias": np.zeros(2)}, r"bias of the layer '0' has shape \(2,\); expected \(3,\)"),
        ({"0.bias": np.zeros((3, 1))}, "bias of the layer '0' has shape"),
        ({"0.weight": np.ones((3, 2, 1, 1))}, r"weight of the layer '0' has shape \(3, 2, 1, 1\)"),
        ({"0.weight": np.ones(3)}, "expected a matrix"),
        ({"2.weight": np.ones((0, 3))}, "expected a matrix"),
        ({"0.weight": np.ones((3, 2), int)}, "holds int64 values; expected floating numbers"),
        ({"0.weight": np.ones((3, 2), bool)}, "holds bool values"),
        ({"0.weight": np.ones((3, 2), complex)}, "holds complex128 values"),
        ({"0.weight": np.ones((3, 2), np.longdouble)}, "values; expected floating numbers"),
        ({"0.weight": "ones"}, "expected floating numbers"),
        ({"0.weight": [[1.0], [1.0, 2.0]]}, "cannot read as an array"),
        ({"0.weight": None}, "layer '0' has a bias, but no weight"),
        ({"0.weight": np.full((3, 2), np.nan)}, "Layer 1 holds weights that are NaN or infinite"),
        ({"2.bias": np.array([0, np.inf])}, "Layer 2 holds weights that are NaN or infinite"),
        ({"1.running_mean": np.ones(3)}, "holds '1.running_mean'; expected only weights and"),
        ({"epoch": 3}, "holds 'epoch'; expected only weights"),
        ({3: np.ones(3)}, "holds '3'; expected only weights"),
        ({"model": {"0.weight": np.ones((3, 2))}}, "holds another dict, 'model'"),
        ({"out.weight": np.ones((2, 2))}, "called '0', '2', 'out'; expected names that differ in"),
        ({"02.weight": np.ones((2, 2))}, "called '0', '2', '02'; expected names"),
    ],
    ids=str,
)
def test_a_state_dict_with_something_else_in_it_is_refused(changes, words):
    state = {key: value for key, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(HandgradError, match=words):
        convert.from_torch(state, **USUAL)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"output": "softmax"}, "activation of 1 hidden layers is not known; expected activation="),
        ({"activation": "relu"}, "output is not known; expected output="),
        ({"activation": "gelu", "output": "softmax"}, "activation is 'gelu'; expected one of"),
        ({"activation": ["gelu"], "output": "softmax"}, "activation is 'gelu'; expected one of"),
        ({"activation": [], "output": "softmax"}, "activation holds 0 names; expected 1"),
        ({"activation": 3, "output": "softmax"}, "activation is 3; expected one of"),
        ({"activation": "relu", "output": "linear"}, "output is 'linear'; expected one of"),
        (USUAL | {"class_names": ["a"]}, "class_names holds 1 names; expected 2"),
        (USUAL | {"class_names": "ab", "image_shape": (3, 3)}, "image_shape is"),
        (USUAL | {"pixels": 1}, "pixels is 1; expected True or False"),
    ],
    ids=str,
)
def test_what_a_state_dict_does_not_tell_must_be_given(options, words):
    with pytest.raises(HandgradError, match=words):
        convert.from_torch(GOOD, **options)


@pytest.mark.parametrize("source", [None, 3, [np.ones((2, 2))], np.ones((2, 2))])
def test_other_sources_are_refused(source):
    with pytest.raises(ConversionError, match="cannot become a model; expected a state dict"):
        convert.from_torch(source, **USUAL)


def test_an_empty_state_dict_is_refused():
    with pytest.raises(ConversionError, match="is empty"):
        convert.from_torch({}, **USUAL)

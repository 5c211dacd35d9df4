"""What a model file says of a model comes back, and nothing else is taken for it."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import Network
from handgrad.files.model_file import as_bytes, build, describe, from_bytes
from handgrad.model import Model

NETWORK = Network.initial(features=6, hidden=2, classes=2)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
settings = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=3)


def model(**known) -> Model:
    W1, b1, W2, b2 = NETWORK.parameters
    return Model(W1, b1, W2, b2, **({"class_names": ("a", "b")} | known))


@given(
    class_names=st.lists(texts, min_size=2, max_size=2, unique=True),
    image_shape=st.sampled_from([None, (2, 3), (6, 1)]),
    scaling=st.sampled_from([1.0, 1 / 255, 0.5]),
    feature_names=st.none() | st.lists(texts, min_size=6, max_size=6, unique=True),
    label=st.none() | texts,
    pixels=st.booleans(),
    training=settings,
)
def test_a_description_survives_json_and_makes_the_model_again(
    class_names, image_shape, scaling, feature_names, label, pixels, training
):
    before = model(
        class_names=tuple(class_names),
        image_shape=image_shape,
        scaling=scaling,
        feature_names=None if feature_names is None else tuple(feature_names),
        label=label,
        pixels=pixels,
        training=training,
    )
    description, arrays = describe(before)
    after = build(NETWORK, json.loads(json.dumps(description)) | {"format_version": 2}, arrays)
    for name in ("class_names", "image_shape", "scaling", "feature_names", "label", "pixels"):
        assert getattr(after, name) == getattr(before, name)
    assert dict(after.training) == training


def test_a_file_of_the_first_version_has_its_names_in_json_and_bytes_are_pixels():
    first = {
        "format_version": 1,
        "image_shape": [2, 3],
        "scaling": 1 / 255,
        "training": {"iterations": 5},
        "class_names": ["cat", "dog"],
    }
    found = build(NETWORK, first, {})
    assert found.class_names == ("cat", "dog")
    assert (found.pixels, found.label, found.feature_names) == (True, None, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scaling", "1"),
        ("scaling", True),
        ("scaling", None),
        ("training", []),
        ("image_shape", 6),
        ("image_shape", [6]),
        ("image_shape", [2.0, 3]),
        ("image_shape", [-2, -3]),
        ("image_shape", [2, 3, 1]),
    ],
)
def test_a_value_of_another_kind_is_refused(key, value):
    description, arrays = describe(model(image_shape=(2, 3)))
    changed: dict[str, Any] = copy.deepcopy(description) | {"format_version": 2, key: value}
    with pytest.raises((TypeError, ValueError)):
        build(NETWORK, changed, arrays)


@pytest.mark.parametrize("key", ["scaling", "image_shape", "training", "pixels", "label"])
def test_a_value_that_is_missing_is_refused(key):
    description, arrays = describe(model())
    del description[key]
    with pytest.raises(KeyError):
        build(NETWORK, description | {"format_version": 2}, arrays)


@given(values=st.lists(texts | st.integers() | st.booleans()))
def test_a_list_comes_back_from_bytes(values):
    assert from_bytes(as_bytes(values)) == values


@pytest.mark.parametrize("content", [b"", b"{}", b'"a"', b"[1", b"\xff"])
def test_bytes_that_hold_no_list_are_refused(content):
    with pytest.raises((TypeError, ValueError)):
        from_bytes(np.frombuffer(content, np.uint8))

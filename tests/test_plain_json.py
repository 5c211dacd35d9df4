"""JSON that strict readers take, whatever the value."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.plain_json import plain, plain_json, show_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=8,
)


def strictly(text: str):
    """Read JSON as readers do that know neither NaN nor infinities."""

    def refuse(constant):
        raise AssertionError(constant)

    text.encode()
    return json.loads(text, parse_constant=refuse)


@given(value=values)
def test_every_reader_takes_it(value):
    found = strictly(plain_json(value))
    assert found == plain(value)
    json.dumps(found, ensure_ascii=False).encode()  # whole characters alone


finite = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(st.characters(codec="utf-8")), parts),
    max_leaves=8,
)


@given(value=finite)
def test_what_json_can_hold_comes_back_as_it_was(value):
    assert strictly(plain_json(value)) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(number):
    assert strictly(plain_json({"cost": [number, 1.5]})) == {"cost": [None, 1.5]}


def test_what_json_does_not_know_becomes_text():
    assert strictly(plain_json({"path": {1: (np.float32(0.5),)}})) == {"path": {"1": ["0.5"]}}


def test_bytes_of_a_name_that_are_not_text_are_escaped():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert strictly(plain_json([name, {name: 1}])) == ["caf\\xe9.png", {"caf\\xe9.png": 1}]
    assert strictly(plain_json("\U0001f431")) == "\U0001f431"  # a whole pair stays


def test_it_is_printed_on_one_line(capsys):
    show_json({"text": "a\nb"})
    assert capsys.readouterr().out == '{"text": "a\\nb"}\n'

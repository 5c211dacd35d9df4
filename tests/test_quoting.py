from __future__ import annotations

import ast
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import errors
from handgrad.quoting import escaped, named, quoted, shortened, shown

anything = st.text(st.characters(codec=None, categories=None), max_size=200)


@given(anything)
def test_a_quotation_is_short_and_can_be_printed_and_encoded_anywhere(text):
    found = quoted(text)
    assert len(found) <= 61
    assert found.isprintable()
    found.encode()
    kept = ast.literal_eval(found.removesuffix("…"))
    assert text.startswith(kept)
    assert (kept == text) == (not found.endswith("…"))


@given(anything)
def test_a_text_that_prints_stays_as_it_is(text):
    assert escaped(text).isprintable()
    assert (escaped(text) == text) == text.isprintable()
    assert escaped(escaped(text)) == escaped(text)


def test_what_is_not_text_is_quoted_as_python_writes_it():
    assert quoted(1.5) == "'1.5'"
    assert quoted(10**5000) == "'int too long to be written'"


@pytest.mark.parametrize("length", [1, 300, 301, 200_000])
def test_a_long_path_keeps_its_start_and_its_end(length):
    path = "/start" + "x" * length + "end.csv"
    found = named(path)
    assert len(found) <= 300
    assert found[:6] == "/start"
    assert (found == path) == (len(path) <= 300)
    assert found.endswith("end.csv")


@pytest.mark.parametrize(
    "kind",
    [errors.HandgradError, *errors.HandgradError.__subclasses__()],
)
def test_no_error_carries_control_characters(kind):
    error = kind("red\x1b[31m\n caf\udce9.png")
    assert str(error) == r"red\x1b[31m\n caf\xe9.png"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


@given(st.one_of(st.text(), st.integers(), st.lists(st.text())))
def test_a_value_is_shown_short_and_prints(value):
    found = shown(value)
    assert len(found) <= 61
    assert found.isprintable()


def test_numbers_that_python_does_not_write_are_named():
    assert shown(10**5000) == "int too long to be written"


@given(st.text(), st.integers(2, 40))
def test_a_shortened_text_keeps_both_ends(text, most):
    found = shortened(text, most)
    assert len(found) <= most
    if len(text) <= most:
        assert found == text
    else:
        before, _, after = found.partition("…") if "…" not in text else (text[:1], "", text[-1:])
        assert text.startswith(before)
        assert text.endswith(after)

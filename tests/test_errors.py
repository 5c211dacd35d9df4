"""Every error can be caught as handgrad's and as what Python calls it."""

from __future__ import annotations

import copy

import pytest

from handgrad import errors
from handgrad.errors import HandgradError

FAMILY = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, HandgradError)
]
BUILT_IN = {
    "DataError": ValueError,
    "EngineError": ValueError,
    "MissingPackageError": ImportError,
    "ModelFileError": ValueError,
    "PageError": RuntimeError,
    "ShapeError": ValueError,
    "TrainingError": RuntimeError,
}


@pytest.mark.parametrize("error", FAMILY)
def test_a_sentence_holds_no_control_characters(error):
    raised = error("the file \x1b[31mred\x07\ncaf\udce9 is damaged")
    assert str(raised) == r"the file \x1b[31mred\x07\ncaf\xe9 is damaged"
    str(raised).encode()


@pytest.mark.parametrize("error", FAMILY)
def test_an_error_is_copied_whole_as_processes_do_that_hand_it_over(error):
    again = copy.copy(error("a \\ and a \x07"))
    assert type(again) is error
    assert str(again) == str(error("a \\ and a \x07"))


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_error_is_caught_by_its_built_in_name(name):
    with pytest.raises(BUILT_IN[name]):
        raise getattr(errors, name)("wrong")


def test_other_arguments_are_left_as_they_are():
    assert HandgradError("a", 3, None).args == ("a", 3, None)

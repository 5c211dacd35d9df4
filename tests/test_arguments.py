from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.arguments import real_number, whole_number
from handgrad.errors import ShapeError


@given(st.integers())
def test_whole_numbers_pass_as_they_are(number):
    assert whole_number("size", number, number, number, ShapeError) == number


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.array])
def test_whole_numbers_of_numpy_are_pythons(kind):
    found = whole_number("size", kind(3), 1, None, ShapeError)
    assert type(found) is int
    assert found == 3


@pytest.mark.parametrize("value", [0, 4, 2.0, True, np.True_, None, "2", [2], np.ones(1, int)])
def test_what_is_not_a_whole_number_in_range_is_refused(value):
    with pytest.raises(ShapeError, match="expected a whole number from 1 to 3"):
        whole_number("size", value, 1, 3, ShapeError)


@pytest.mark.parametrize("value", [None, "1", b"1", 1j, np.complex64(1), [1.0], [[1], [2, 3]], {}])
def test_what_is_not_a_number_is_nan(value):
    assert np.isnan(real_number(value))


@given(st.floats(allow_nan=False))
def test_numbers_stay_what_they_are(number):
    assert real_number(number) == real_number(np.float64(number)) == number

"""One array as NumPy writes it, read without NumPy's reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from handgrad.data.npy import read_header, read_values
from handgrad.errors import DataError

WHAT = "the array"


def written(array, **options) -> io.BytesIO:
    """Return what NumPy writes of an array."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return io.BytesIO(stream.getvalue())


def read(stream, most=1 << 20):
    header = read_header(stream, most=most, what=WHAT)
    return header, read_values(stream, header, what=WHAT)


@given(
    array=hnp.arrays(
        hnp.integer_dtypes() | hnp.floating_dtypes() | hnp.unicode_string_dtypes(),
        hnp.array_shapes(max_dims=4, min_side=0, max_side=4),
    )
)
def test_an_array_comes_back_with_its_type_and_its_bytes(array):
    header, found = read(written(array))
    assert (header.shape, header.dtype) == (array.shape, array.dtype)
    assert header.bytes == array.nbytes
    assert found.tobytes() == array.tobytes()


def test_columns_one_after_the_other_come_back_in_their_places():
    array = np.asfortranarray(np.arange(12).reshape(3, 4))
    header, found = read(written(array))
    assert header.fortran_order
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(version):
    _, found = read(written(np.arange(3.0), version=version))
    np.testing.assert_array_equal(found, np.arange(3.0))


def test_a_promise_beyond_the_file_fails_before_the_values_are_read():
    stream = written(np.zeros(100))
    with pytest.raises(DataError, match=r"promises values of shape \(100,\).* most 799 bytes"):
        read_header(stream, most=799, what=WHAT)
    read_header(written(np.zeros(100)), most=800, what=WHAT)


@pytest.mark.parametrize("change", [-1, 1])
def test_values_of_another_number_than_promised_are_refused(change):
    content = written(np.zeros(4)).getvalue()
    content = content[:change] if change < 0 else content + b"\0"
    with pytest.raises(DataError, match=r"promises 32 bytes of data, but (31|more) follow"):
        read(io.BytesIO(content))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([{}], dtype=object), "pickled objects"),
        (np.zeros(2, dtype="c16"), "complex128"),
        (np.zeros(2, dtype="M8[D]"), "datetime64"),
        (np.zeros(2, dtype=[("a", "f8")]), "numbers or texts"),
        (np.zeros(1, dtype="U20000"), "texts of up to 80,000 bytes"),
        (np.array(1.0), r"shape \(\); expected 1 to 4 dimensions"),
        (np.zeros((1,) * 5), "expected 1 to 4 dimensions"),
    ],
    ids=["objects", "complex", "dates", "records", "long texts", "a number", "five dimensions"],
)
def test_what_holds_neither_rows_nor_labels_is_refused(array, words):
    with pytest.raises(DataError, match=words):
        read_header(written(array), most=1 << 30, what=WHAT)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"PK\x03\x04" * 3])
def test_what_numpy_did_not_write_is_refused(content):
    with pytest.raises(DataError, match="expected an array that NumPy wrote"):
        read_header(io.BytesIO(content), most=100, what=WHAT)

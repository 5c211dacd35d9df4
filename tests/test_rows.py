"""Rows of any type and form, against NumPy's and SciPy's own arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from handgrad.errors import ShapeError
from handgrad.rows import (
    Bytes,
    as_array,
    csr_parts,
    is_sparse,
    own_indices,
    real_rows,
    scaled_rows,
    values_of,
)

pixels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6))
forms = st.sampled_from([np.asarray, sparse.csr_array, sparse.csc_array, sparse.coo_matrix])


def dense(rows) -> np.ndarray:
    return rows.toarray() if sparse.issparse(rows) else np.asarray(rows)


@given(X=pixels, form=forms, dtype=st.sampled_from([np.float32, np.float64]))
def test_bare_bytes_are_pixels_in_every_form(X, form, dtype):
    found = scaled_rows(real_rows(form(X), X.shape[1]), np.dtype(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(dense(found), X / 255, rtol=1e-6)


@given(X=pixels, form=forms, scale=st.sampled_from([1.0, 0.5, 1 / 255]))
def test_bytes_with_a_scale_are_numbers(X, form, scale):
    rows = real_rows(Bytes(form(X), scale), X.shape[1])
    assert (rows.shape, rows.ndim, rows.dtype) == (X.shape, 2, np.uint8)
    np.testing.assert_allclose(dense(scaled_rows(rows, np.dtype(float))), X * scale, rtol=1e-12)
    part = scaled_rows(rows[:1], np.dtype(float))
    np.testing.assert_allclose(dense(part), X[:1] * scale, rtol=1e-12)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.float16, np.float64])
def test_other_numbers_are_taken_as_they_are(dtype):
    X = np.array([[0, 1], [1, 0]], dtype)
    assert real_rows(X, 2) is X
    np.testing.assert_array_equal(scaled_rows(X, np.dtype(np.float64)), X.astype(float))


def test_numbers_beyond_the_type_become_infinite_without_a_warning():
    assert scaled_rows(np.array([[1e300]]), np.dtype(np.float32))[0, 0] == np.inf


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.ones((3, 5)), r"shape \(3, 5\), samples as columns; .*pass X\.T"),
        (np.ones(3), r"pass one sample as X\[None, :\]"),
        (np.ones((5, 4)), r"shape \(5, 4\); expected \(samples, 3\): samples are rows"),
        (sparse.csr_array(np.ones((3, 4))), "samples as columns"),
        (np.ones((2, 3), complex), "complex128 values; expected real numbers"),
        (np.array([["a", "b", "c"]]), "expected real numbers"),
        ([[1, 2, 3], [4, 5]], "cannot read as an array"),
        (np.ma.masked_array(np.ones((2, 3)), mask=np.eye(2, 3) > 0), "masked values"),
    ],
    ids=["columns", "vector", "features", "sparse", "complex", "texts", "ragged", "masked"],
)
def test_what_are_not_rows_is_refused(X, words):
    with pytest.raises(ShapeError, match=words):
        real_rows(X, 3)


@pytest.mark.parametrize("values", [np.ones((1, 2)), [[1, 2]], None, sparse.csr_array([[1.0]])])
def test_only_bytes_are_bytes(values):
    with pytest.raises(ShapeError, match="expected uint8"):
        Bytes(values)


def test_nothing_masked_is_an_array():
    X = np.ma.masked_array([[1, 2]], mask=False)
    assert as_array("X", X).tolist() == [[1, 2]]


@given(X=pixels, wide=st.booleans())
def test_indices_are_the_callers_numbers_and_the_runs_own(X, wide):
    rows = sparse.csr_array(X)
    if wide:
        rows.indices = rows.indices.astype(np.int64)
        rows.indptr = rows.indptr.astype(np.int64)
    own = own_indices(rows)
    rows.indices[:] = -1
    rows.data[:] = 0
    assert is_sparse(own)
    np.testing.assert_array_equal(own.toarray(), X)
    np.testing.assert_array_equal(np.sort(values_of(Bytes(own))), np.sort(X[X > 0]))


def damaged(part: str, place: int, value: int) -> Any:
    rows = sparse.csr_array(np.array([[1.0, 0, 2], [0, 3, 0]]))
    getattr(rows, part)[place] = value
    return rows


@pytest.mark.parametrize(
    ("part", "place", "value", "words"),
    [
        ("indices", 1, 3, "a column index outside its columns"),
        ("indices", 0, -1, "a column index outside its columns"),
        ("indptr", 0, 1, "does not begin with 0"),
        ("indptr", 1, 9, "its indptr decreases"),
        ("indptr", 2, 9, "points outside its indices"),
    ],
)
def test_indices_beyond_the_rows_are_refused(part, place, value, words):
    with pytest.raises(ShapeError, match=f"damaged sparse matrix: .*{words}"):
        own_indices(damaged(part, place, value))


def test_indices_are_signed_and_parts_are_vectors():
    rows = sparse.csr_array(np.eye(2))
    rows.indices = np.array([0, 2**63], dtype=np.uint64)
    _, indices, _ = csr_parts(rows)
    assert indices.tolist() == [0, -(2**63)]
    rows.indices = np.array([0.0, 1.0])
    with pytest.raises(ShapeError, match="its indices holds float64 values"):
        csr_parts(rows)

"""Fingerprints of labelled rows: the same for the same content, and for nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from handgrad.data import fingerprint
from handgrad.data.fingerprint import Fingerprint, covered_rows, fingerprint_of

NAMES = ("ant", "bee", "cat")


def rows(m, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(3, size=(m, 4)).astype(dtype), random.integers(3, size=m)


@given(m=st.integers(1, 40), covered=st.integers(1, 12), data=st.data())
def test_parts_of_any_size_and_numbering_give_the_same_text(m, covered, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "COVERED", covered)
        X, y = rows(m)
        expected = fingerprint_of(X, y, NAMES)
        parts = Fingerprint()
        start = 0
        while start < m:
            stop = data.draw(st.integers(start + 1, m))
            numbering = np.array(data.draw(st.permutations(range(3))))
            names = [NAMES[list(numbering).index(number)] for number in range(3)]
            parts.add_labels(numbering[y[start:stop]], names)
            start = stop
        for first, last in covered_rows(m):
            middle = data.draw(st.integers(first, last))
            parts.add_rows(X[first:middle])
            parts.add_rows(X[middle:last])
        assert parts.text(features=4, dtype=X.dtype, class_names=NAMES) == expected


@given(m=st.integers(1, 100), covered=st.integers(1, 12))
def test_the_covered_rows_are_the_first_and_the_last_leaf(m, covered):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "COVERED", covered)
        leaves = [(start, min(start + covered, m)) for start in range(0, m, covered)]
        assert covered_rows(m) == [leaves[0]] + leaves[-1:] * (len(leaves) > 1)


def test_sparse_rows_other_orders_in_memory_and_byte_orders_do_not_count():
    X, y = rows(30)
    expected = fingerprint_of(X, y, NAMES)
    for same in (csr_array(X), csc_array(X), np.asfortranarray(X), X.astype(">f8")):
        assert fingerprint_of(same, y, NAMES) == expected


def test_whatever_differs_gives_another_text():
    X, y = rows(30)
    swapped = X[::-1]
    changed, other = X.copy(), y.copy()
    changed[-1, -1] += 1e-9
    other[15] = (other[15] + 1) % 3
    found = [
        fingerprint_of(X, y, NAMES),
        fingerprint_of(changed, y, NAMES),
        fingerprint_of(swapped, y, NAMES),
        fingerprint_of(X, other, NAMES),
        fingerprint_of(X.astype(np.float32), y, NAMES),
        fingerprint_of(X[:-1], y[:-1], NAMES),
        fingerprint_of(X, y, ("ant", "bee", "cow")),
        fingerprint_of(X, y, (*NAMES, "dog")),
        fingerprint_of(X.reshape(60, 2), np.repeat(y, 2), NAMES),
    ]
    assert len(set(found)) == len(found)

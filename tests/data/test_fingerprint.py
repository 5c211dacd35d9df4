"""Fingerprints of labelled rows: the same for the same content, and for nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from handgrad.data import Blocks, Dataset, fingerprint
from handgrad.data.fingerprint import LabelDigest, combined, covered_rows, fingerprint_of

NAMES = ("ant", "bee", "cat")


def rows(m, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(3, size=(m, 4)).astype(dtype), random.integers(3, size=m)


@given(m=st.integers(1, 40), covered=st.integers(1, 12), data=st.data())
def test_parts_of_any_size_give_the_same_text(m, covered, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "COVERED", covered)
        X, y = rows(m)
        expected = fingerprint_of(X, y, NAMES)
        seen = list(dict.fromkeys(y.tolist()))
        places = np.array([seen.index(number) for number in y])
        labels, start = LabelDigest(), 0
        while start < m:
            stop = data.draw(st.integers(start + 1, m))
            labels.add(places[start:stop])
            start = stop
        parts = []
        for first, last in covered_rows(m):
            middle = data.draw(st.integers(first, last))
            parts += [X[first:middle], X[middle:last]]
        text = labels.text([NAMES[number] for number in seen])
        assert combined(X.shape, X.dtype, NAMES, text, parts) == expected


@given(m=st.integers(3, 60), leaf_rows=st.integers(1, 20), covered=st.integers(1, 12))
def test_blocks_have_the_fingerprint_of_rows_in_memory(m, leaf_rows, covered):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "COVERED", covered)
        X, y = rows(m)
        y[:3] = 2, 0, 1
        blocks = Blocks.of(X, np.array(NAMES)[y], leaf_rows=leaf_rows)
        whole = Dataset(X, y, X[:0], y[:0], NAMES, None)
        assert blocks.fingerprint == whole.fingerprint
        train = blocks.with_held_out()[0]
        assert train.fingerprint == whole.with_held_out_test().fingerprint != whole.fingerprint


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

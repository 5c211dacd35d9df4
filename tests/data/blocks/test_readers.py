from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data import Dataset
from handgrad.data.blocks import Blocks
from handgrad.errors import DataError
from row_files import Counted, pickled


@given(
    y=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    leaf_rows=st.integers(1, 20),
)
def test_held_out_rows_are_those_of_a_data_set(y, leaf_rows):
    X = np.arange(float(len(y)))[:, None]
    blocks = Blocks.of(X, y, leaf_rows=leaf_rows)
    codes = np.unique(y, return_inverse=True)[1]
    whole = Dataset(X, codes, X[:0], codes[:0], blocks.class_names, None).with_held_out_test()
    train, test = blocks.with_held_out()
    np.testing.assert_array_equal(train.load()[0], whole.X_train)
    np.testing.assert_array_equal(train.load()[1], whole.y_train)
    assert test.rows == len(whole.X_test)
    if test.rows:
        np.testing.assert_array_equal(test.load()[0], whole.X_test)
        np.testing.assert_array_equal(test.load()[1], whole.y_test)
    for part in (train, test):
        assert part.sizes.all()
        assert part.classes.tolist() == blocks.classes.tolist()
        for leaf in range(len(part)):
            _, found = part.read(leaf)
            assert np.bincount(found, minlength=len(part.classes)).tolist() == (
                part.counts[leaf].tolist()
            )


def test_both_parts_read_a_leaf_once():
    blocks = Blocks.of(np.arange(40.0)[:, None], [0] * 40, leaf_rows=10)
    counted = Counted(blocks.reader)
    object.__setattr__(blocks, "reader", counted)
    train, test = blocks.with_held_out()
    for leaf in range(4):
        train.read(leaf)
        test.read(leaf)
    assert counted.reads == [0, 1, 2, 3]


def test_parts_can_be_pickled_and_have_fingerprints_of_their_own():
    blocks = Blocks.of(np.arange(40.0)[:, None], [0, 1] * 20, leaf_rows=10)
    parts = [blocks, *blocks.with_held_out(), *blocks.with_held_out(every=4)]
    prints = [pickled(part).fingerprint for part in parts]
    assert prints == [part.fingerprint for part in parts]
    assert len(set(prints)) == 5


def test_classes_of_a_model():
    blocks = Blocks.of(np.zeros((4, 1)), [3, 1, 1, 3], leaf_rows=3)
    other = blocks.with_classes(("3", "2", "1"))
    assert [other.read(leaf)[1].tolist() for leaf in range(2)] == [[0, 2, 2], [0]]
    assert other.counts.tolist() == [[1, 0, 2], [1, 0, 0]]
    assert other.class_names == ("3", "2", "1")
    with pytest.raises(DataError, match="the class '1', which the network does not know"):
        blocks.with_classes(("3", "2"))

from __future__ import annotations

import numpy as np
import pytest

from handgrad.data.blocks import open_blocks
from handgrad.errors import DataError

ROWS = [(np.array([[i, i + 1]], np.uint8), i % 2) for i in range(7)]


@pytest.mark.parametrize(
    ("items", "dtype"),
    [
        (ROWS, np.uint8),
        ([(x.astype(np.float32), y) for x, y in ROWS], np.float32),
        ([(x.astype(np.int64), y) for x, y in ROWS], np.float64),
        ([(x.ravel().tolist(), np.int64(y)) for x, y in ROWS], np.float64),
    ],
)
def test_rows_have_the_type_of_the_first_one(items, dtype):
    blocks = open_blocks(items, leaf_rows=3)
    X, y = blocks.load()
    assert X.dtype == dtype
    assert X.tolist() == [[i, i + 1] for i in range(7)]
    assert y.tolist() == [i % 2 for i in range(7)]
    assert blocks.source == "the list"


def test_labels_of_a_sequence_may_be_texts():
    blocks = open_blocks([(x, "ab"[y]) for x, y in ROWS])
    assert blocks.classes.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ((np.zeros(3, np.uint8), 0), "has 3 values in row 3; expected 2, as in row 0"),
        ((np.zeros(2), 0), "has float64 values in row 3; expected uint8, as in row 0"),
        (5, "gives 5 as row 3; expected a row of numbers and its label"),
        ((1, 2, 3), r"gives \(1, 2, 3\) as row 3; expected a row"),
        ((np.array(["x", "y"]), 0), "values in row 3; expected numbers"),
        ((np.zeros(2, np.uint8), None), "a missing label in row 3"),
        ((np.zeros(2, np.uint8), 0.5), "the label '0.5' in row 3"),
    ],
)
def test_an_item_of_another_kind_is_named(item, sentence):
    with pytest.raises(DataError, match=sentence):
        open_blocks([*ROWS[:3], item, *ROWS[4:]]).load()


def test_rows_that_are_not_finite_are_named():
    items = [(np.array([1.0, np.inf if i == 4 else 2.0]), i % 2) for i in range(7)]
    with pytest.raises(DataError, match="NaN or infinity in row 4"):
        open_blocks(items).load()


def test_an_empty_sequence():
    with pytest.raises(DataError, match="the list holds no rows"):
        open_blocks([])


def test_a_cached_dataset_of_hugging_face(tmp_path):
    datasets = pytest.importorskip("datasets")
    table = {"row": [x.ravel().tolist() for x, _ in ROWS], "label": [y for _, y in ROWS]}
    kinds = {"row": datasets.List(datasets.Value("uint8")), "label": datasets.Value("int8")}
    dataset = datasets.Dataset.from_dict(table, features=datasets.Features(kinds))
    for _ in range(2):
        X, y = open_blocks(dataset, leaf_rows=3, cache=tmp_path).load()
        assert X.tolist() == [[i, i + 1] for i in range(7)]
        assert y.tolist() == [i % 2 for i in range(7)]
    assert len(list(tmp_path.iterdir())) == 1

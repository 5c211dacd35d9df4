from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data import Dataset, Samples, match_labels
from handgrad.data.dataset import Part, Parts, build_dataset, build_samples, encode_labels
from handgrad.errors import DataError

X = np.arange(12.0).reshape(6, 2)


def test_numbers_are_ordered_by_size_and_texts_by_alphabet():
    names, (y,) = encode_labels("source", ["10", "9", "9.0", "-1"])
    assert names == ("-1", "9", "10")
    assert y.tolist() == [2, 1, 1, 0]
    names, (y,) = encode_labels("source", ["10", "9", "b", "B"])
    assert names == ("10", "9", "B", "b")
    assert y.tolist() == [0, 1, 3, 2]


@given(st.lists(st.text(min_size=1), min_size=1))
def test_every_label_is_found_by_its_name(labels):
    names, (y,) = encode_labels("source", labels)
    assert len(set(names)) == len(names)
    if not all(label.lstrip("+-").rstrip("0").rstrip(".").isdigit() for label in labels):
        assert [names[k] for k in y] == labels or len(names) < len(set(labels))


def test_classes_of_the_test_samples_are_numbered_too():
    parts = Parts(Part(X, list("aabbaa")), Part(X[:1], ["c"]))
    dataset = build_dataset("source", parts)
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.y_test.tolist() == [2]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part(X, None), "no labels"),
        (Part(X, list("aaaaaa")), "single class"),
        (Part(X, list("ab")), "samples as columns.*hand over X.T"),
        (Part(X, list("abc")), "6 samples and 3 labels"),
        (Part(X[:0], []), "no samples"),
        (Part(X[:, :0], list("ababab")), "without features"),
        (Part(np.where(X == 5, np.nan, X), list("ababab")), "NaN or infinity in sample 2"),
        (Part(np.where(X == 5, -np.inf, X), list("ababab")), "NaN or infinity in sample 2"),
        (Part(X, ["a", "", "a", "b", "a", "b"]), "empty label"),
    ],
)
def test_samples_that_nobody_can_train_on_are_refused(part, words):
    with pytest.raises(DataError, match=f"^source .*{words}"):
        build_dataset("source", Parts(part))


def test_train_and_test_samples_have_the_same_features():
    with pytest.raises(DataError, match="2 features in its training samples and 1"):
        build_dataset("source", Parts(Part(X, list("ababab")), Part(X[:, :1], list("ababab"))))


def test_a_single_class_is_enough_to_look_at():
    samples = build_samples("source", Part(X, list("aaaaaa")))
    assert samples.class_names == ("a",)
    assert samples.names == ("0", "1", "2", "3", "4", "5")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_every_fifth_sample_of_each_class_is_held_out_once(labels):
    y = np.array(labels)
    rows = np.arange(len(y))[:, None]
    whole = Dataset(rows, y, rows[:0], y[:0], ("a", "b", "c", "d"), None)
    split = whole.with_held_out_test()
    assert sorted([*split.X_train[:, 0], *split.X_test[:, 0]]) == list(range(len(y)))
    np.testing.assert_array_equal(split.y_test, y[split.X_test[:, 0]])
    for label in range(4):
        assert np.sum(split.y_test == label) == np.sum(y == label) // 5


def test_labels_are_matched_by_name_and_an_unknown_one_is_named():
    samples = Samples(X, np.array([1, 0, 1, 1, 0, 0]), ("3", "7"), None, ("",) * 6, "other.csv")
    assert match_labels(samples, ("7", "1", "3")).tolist() == [0, 2, 0, 0, 2, 2]
    with pytest.raises(DataError, match=r"other\.csv has samples of the class 7"):
        match_labels(samples, ("1", "3"))

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data import Dataset, Samples, match_labels
from handgrad.data.classes import encode_labels
from handgrad.data.dataset import Part, Parts, build_dataset, build_samples
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
        (Part(X, list("ab")), "samples as columns.*pass X.T"),
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
    assert list(samples.names) == ["0", "1", "2", "3", "4", "5"]


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
    with pytest.raises(DataError, match=r"other\.csv has samples of the class '7'"):
        match_labels(samples, ("1", "3"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "1.0", "+1", "1.", "-0", "0"], ("0", "1")),
        (["7", "07"], ("07", "7")),
        (["007", "10", "9"], ("007", "10", "9")),
        (["1", "1e0"], ("1", "1e0")),
        (["1", "1.0", "cat"], ("1", "1.0", "cat")),
        (["9", "18446744073709551615", "1" + "0" * 300], ("9", str(2**64 - 1), str(10**300))),
        ([str(10**399), str(10**399 + 1)], (str(10**399), str(10**399 + 1))),
        (["1" * 401, "2"], ("1" * 401, "2")),
        (["1" * 5000, "2"], ("1" * 5000, "2")),
        (["\u0661", "1"], ("1", "\u0661")),
    ],
)
def test_only_equal_whole_numbers_are_one_class(labels, expected):
    names, (y,) = encode_labels("source", labels)
    assert names == expected
    assert len(y) == len(labels)


@given(st.lists(st.integers() | st.integers(-(10**399), 10**399), min_size=1))
def test_whole_numbers_of_any_size_are_classes_by_their_size(labels):
    names, (y,) = encode_labels("source", labels)
    assert [int(names[k]) for k in y] == labels
    assert list(map(int, names)) == sorted(set(labels))


def test_a_label_that_cannot_be_written_is_refused():
    with pytest.raises(DataError, match=r"the label 'caf\\udce9', which UTF-8 cannot encode"):
        encode_labels("source", ["cat", "caf\udce9"])


def test_an_unknown_class_is_named_and_few_of_the_known_ones():
    samples = Samples(X, np.zeros(6, int), ("\x1b" + "x" * 100_000,), None, ("",) * 6, "other.csv")
    with pytest.raises(DataError, match=r"expected one of '0', '1', .*'9', …") as raised:
        match_labels(samples, tuple(map(str, range(100_000))))
    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


def test_the_first_of_equal_names_is_matched():
    samples = Samples(X, np.zeros(6, int), ("a",), None, ("",) * 6, "other.csv")
    assert set(match_labels(samples, ("b", "a", "a"))) == {1}


def test_a_hundred_thousand_classes_take_seconds():
    m = 100_000
    names, (y,) = encode_labels("source", [str(k) for k in reversed(range(m))])
    np.testing.assert_array_equal(y, np.arange(m)[::-1])
    samples = Samples(np.ones((m, 1)), y, names, None, (), "source")
    np.testing.assert_array_equal(match_labels(samples, names), y)
    rows = np.zeros((m, 1), np.uint8)
    whole = Dataset(rows, y, rows[:0], y[:0], names, None)
    assert len(whole.with_held_out_test().X_train) == m


def test_numbers_as_names_take_no_memory():
    tracemalloc.start()
    samples = build_samples("source", Part(np.zeros((10**6, 1), np.uint8), None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 10**6
    assert (len(samples.names), samples.names[999_999]) == (10**6, "999999")
    assert samples.names[2:4] == ["2", "3"]


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        (("0.0", "1.0", "2.0"), ("0", "1", "2"), [0, 1, 2]),
        (("1.0", "2.0", "unknown"), ("1", "2"), [0, 1]),
        (("1", "2"), ("1.0", "2.0", "unknown"), None),
        (("False", "True"), ("0", "1"), [0, 1]),
        ((" no", " yes"), ("no", "yes"), [0, 1]),
        (("1", "1.0"), ("1.0", "1"), [1, 0]),
        (("1.0", "+1"), ("1",), None),
        (("01", "1"), ("01", "1"), [0, 1]),
        (("01", "2"), ("1", "2"), None),
    ],
    ids=str,
)
def test_classes_are_found_by_name_and_numbers_by_what_they_are(known, found, expected):
    samples = Samples(X[: len(found)], np.arange(len(found)), found, None, (), "source")
    if expected is None:
        with pytest.raises(DataError, match="which the network does not know"):
            match_labels(samples, known)
    else:
        assert match_labels(samples, known).tolist() == expected


def test_what_is_shown_are_the_test_samples_if_there_are_any():
    y = np.array([0, 1, 0, 1, 0, 1])
    without = Dataset(X, y, X[:0], y[:0], ("a", "b"), None)
    assert [len(part) for part in without.to_show] == [6, 6]
    shown, labels = Dataset(X, y, X[4:], y[4:], ("a", "b"), None).to_show
    assert (shown.tolist(), labels.tolist()) == (X[4:].tolist(), [0, 1])


def test_bytes_become_numbers_and_numbers_stay():
    pixels, y = np.array([[0, 255]], dtype=np.uint8), np.array([0])
    numbers = Dataset(pixels, y, pixels, y, ("a", "b"), None).with_numbers()
    assert numbers.X_train.dtype == numbers.X_test.dtype == np.float32
    assert numbers.X_test.tolist() == [[0, 255]]
    assert numbers.with_numbers() is numbers

"""What the names of columns mean: labels, features, pixels and their order."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from handgrad import data
from handgrad.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.mark.parametrize("name", ["kaggle.csv", "kaggle.csv.gz"])
def test_kaggles_digits_are_pixels_in_a_square(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 784), dtype=np.uint8)
    labels = np.arange(50) % 10
    lines = ["label," + ",".join(f"pixel{j}" for j in range(784))]
    lines += [",".join(map(str, [k, *row])) for k, row in zip(labels, pixels.tolist(), strict=True)]
    content = "\r\n".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    dataset = data.load(path)
    assert dataset.X_train.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X_train, pixels)
    np.testing.assert_array_equal(dataset.y_train, labels)
    assert dataset.image_shape == (28, 28)
    assert dataset.X_test.shape == (0, 784)


def test_without_a_label_column_the_samples_have_no_labels(path):
    write(path, ["a", "b"], [[1, 2], [3, 4]])
    samples = data.load_samples(path)
    assert samples.y is None
    np.testing.assert_array_equal(samples.X, [[1, 2], [3, 4]])
    with pytest.raises(DataError, match=r"no column 'label' among its columns \('a', 'b'\)"):
        data.load(path)


def test_features_keep_the_names_of_their_columns(path):
    write(path, ["width", "label", "a b"], [[1, "x", 2], [3, "y", 4]])
    assert data.load(path).feature_names == ("width", "a b")
    assert data.load_samples(path).feature_names == ("width", "a b")


@pytest.mark.parametrize(
    ("names", "order", "shape"),
    [
        (["pixel1", "pixel0", "pixel3", "pixel2"], [1, 0, 3, 2], (2, 2)),
        (["pixel1", "pixel10", "pixel2"] + [f"pixel{i}" for i in range(3, 10)], None, None),
        (["1x2", "2x1", "1x1", "2x2", "1x3", "2x3"], [2, 0, 4, 1, 3, 5], (2, 3)),
        (["PIXEL0"], [0], (1, 1)),
        (["pixel5", "pixel9", "pixel12", "pixel11"], [0, 1, 2, 3], None),
        (["1x1", "1x2", "2x1", "2x3"], [0, 1, 2, 3], None),
        (["pixel0", "1x1"], [0, 1], None),
        (["pixel00", "pixel0"], [0, 1], None),
    ],
    ids=str,
)
def test_pixels_are_put_in_raster_order_where_they_fill_a_picture(tmp_path, names, order, shape):
    if order is None:  # ten pixels are no square, but have an order
        order = [0, 2, *range(3, 10), 1]
    path = tmp_path / "digits.csv"
    write(path, [*names, "label"], [[*range(len(names)), "x"], [*range(len(names)), "y"]])
    dataset = data.load(path)
    assert dataset.image_shape == shape
    assert dataset.X_train[0].tolist() == order
    assert dataset.feature_names == tuple(names[column] for column in order)
    again = data.load_samples(path, features=names)
    assert again.X[0].tolist() == list(range(len(names)))
    assert again.image_shape == (shape if order == sorted(order) else None)


def test_blanks_around_names_do_not_count(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("u, v, label\n1,2,a\n3,4,b\n")
    assert data.load_samples(path, features=(" v", "u")).X.tolist() == [[2, 1], [4, 3]]


def test_labels_and_names_of_columns_may_be_in_any_language(path):
    text = "größe,幅,label\n1,2,Größe\n3,4,名\n5,6,\U0001f600\n"
    path.write_text(text, encoding="utf-8")
    dataset = data.load(path)
    assert dataset.feature_names == ("größe", "幅")
    assert dataset.class_names == ("Größe", "名", "\U0001f600")
    np.testing.assert_array_equal(dataset.X_train, [[1, 2], [3, 4], [5, 6]])


def test_the_columns_of_a_model_are_read_by_name_in_its_order(path):
    write(
        path,
        ["id", "pixel1", "label", "pixel0", "note"],
        [["A7", 1, "x", 0, ""], ["B8", 3, "y", 2, "f\u00fcnf"], ["C9", 5, "x", 4, "\x00"]],
    )
    samples = data.load_samples(path, features=("pixel0", "pixel1"))
    assert samples.X.dtype == np.uint8
    assert samples.X.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert samples.feature_names == ("pixel0", "pixel1")
    assert samples.y is not None
    assert [samples.class_names[k] for k in samples.y] == ["x", "y", "x"]
    assert samples.image_shape is None
    one = data.load_samples(path, features=("pixel1",), label="nothing")
    assert (one.X.tolist(), one.y) == ([[1], [3], [5]], None)
    assert one.image_shape == (1, 1)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_column_that_the_model_takes_as_a_feature_is_not_its_label(path, quoting):
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=quoting).writerows([["b", "label", "a"], [1, 2, 3], [4, 5, 6]])
    samples = data.load_samples(path, features=["label", "a"])
    np.testing.assert_array_equal(samples.X, [[2, 3], [5, 6]])
    assert samples.y is None
    again = data.load_samples(path, features=["a", "b"])
    np.testing.assert_array_equal(again.X, [[3, 1], [6, 4]])
    assert again.class_names == ("2", "5")


def test_columns_that_a_model_misses_are_named_and_counted(path):
    write(path, ["a", "b", "label"], [[1, 2, "x"]])
    with pytest.raises(
        DataError, match=r"lacks 4 of the 5 columns .*\('c', 'd', 'e', …\); expected all of them"
    ):
        data.load_samples(path, features=tuple("acdef"))
    with pytest.raises(DataError, match=r"lacks 1 of the 2 columns .*\('c'\); expected"):
        data.load_samples(path, features=("a", "c"))


def test_columns_that_are_ignored_may_have_one_name(path):
    write(path, ["", "a", "", "label"], [["?", 1, "!", "x"], ["?", 2, "!", "y"]])
    assert data.load_samples(path, features=("a",)).X.tolist() == [[1], [2]]
    with pytest.raises(DataError, match="two columns named ''"):
        data.load_samples(path)

from __future__ import annotations

import numpy as np
import pytest

import row_files
from handgrad import data
from handgrad.data.blocks import open_blocks
from handgrad.errors import DataError, MissingPackageError

X = np.arange(6.0).reshape(6, 1)
y = np.array([0, 1] * 3)


def write(folder, **parts):
    for name, number in parts.items():
        path = folder / f"{name.replace('_S_', '/').replace('_', '-')}.parquet"
        row_files.write_parquet(path, X + 10 * number, y)
    return folder


def firsts(blocks):
    """Return the tens of the rows: which files they come from."""
    return sorted(set((blocks.load()[0].ravel() // 10).astype(int).tolist()))


NAMES = [
    {"train_00000_of_00002": 0, "train_00001_of_00002": 1, "test_00000_of_00001": 2},
    {"train_S_a": 0, "train_S_b": 1, "test_S_a": 2},
    {"data_S_train_0": 0, "data_S_train_1": 1, "data_S_test": 2},
    {"Training_0": 0, "Training_1": 1, "testing": 2},
]


@pytest.mark.parametrize("names", NAMES)
def test_the_training_part_is_opened_unless_another_is_asked_for(tmp_path, names):
    folder = write(tmp_path, **names)
    train = open_blocks(folder)
    assert firsts(train) == [0, 1]
    assert firsts(open_blocks(folder, part="test")) == [2]
    assert firsts(open_blocks(folder, part="train")) == [0, 1]
    assert firsts(train.test_part()) == [2]
    assert open_blocks(folder, part="test").test_part() is None
    with pytest.raises(DataError, match="no part 'validation'; expected one of 'test', 'train'"):
        open_blocks(folder, part="validation")


def test_other_parts(tmp_path):
    write(tmp_path, train_0=0, validation_0=1, extra_00000_of_00001=2)
    assert firsts(open_blocks(tmp_path)) == [0]
    assert firsts(open_blocks(tmp_path, part="val")) == [1]
    assert firsts(open_blocks(tmp_path, part="extra")) == [2]
    assert open_blocks(tmp_path).test_part() is None


def test_files_without_a_part_are_one_source(tmp_path):
    write(tmp_path, part_0=0, part_1=1, tests=2)
    assert firsts(open_blocks(tmp_path)) == [0, 1, 2]
    with pytest.raises(DataError, match="no part 'test'; its files name no parts"):
        open_blocks(tmp_path, part="test")


def test_files_of_one_part_are_opened_when_they_are_named(tmp_path):
    write(tmp_path, train_0=0, test_0=1, test_1=2)
    assert firsts(open_blocks(tmp_path / "test-*.parquet")) == [1, 2]
    assert firsts(open_blocks(tmp_path / "test-0.parquet")) == [1]
    files = [tmp_path / "test-1.parquet", tmp_path / "test-0.parquet"]
    assert firsts(open_blocks(files)) == [1, 2]


def test_parts_are_never_mixed(tmp_path):
    write(tmp_path, test_0=0, rows=1)
    with pytest.raises(DataError, match=r"holds 'rows\.parquet' beside files of the parts 'test'"):
        open_blocks(tmp_path)
    (tmp_path / "rows.parquet").unlink()
    write(tmp_path, validation_0=1)
    with pytest.raises(DataError, match=r"the parts 'test', 'validation', none of them to train"):
        open_blocks(tmp_path)


def test_the_test_part_has_the_classes_of_the_training_part(tmp_path):
    row_files.write_parquet(tmp_path / "train.parquet", X, [1, 2, 3] * 2)
    row_files.write_parquet(tmp_path / "test.parquet", X, [3] * 6)
    test = open_blocks(tmp_path).test_part()
    assert test is not None
    assert test.classes.tolist() == [1, 2, 3]
    assert test.read(0)[1].tolist() == [2] * 6
    row_files.write_parquet(tmp_path / "test.parquet", X, [4] * 6)
    with pytest.raises(DataError, match="'4', which the training part does not know"):
        open_blocks(tmp_path).test_part()


def test_the_test_part_has_the_features_of_the_training_part(tmp_path):
    row_files.write_parquet(tmp_path / "train.parquet", X, y)
    row_files.write_parquet(tmp_path / "test.parquet", np.eye(6), y)
    with pytest.raises(DataError, match="1 features in its training samples and 6 in its test"):
        open_blocks(tmp_path).test_part()


def test_hidden_and_other_files_are_ignored(tmp_path):
    write(tmp_path, a=0)
    for name in ("_SUCCESS", "_metadata.parquet", ".a.parquet", "README.md"):
        (tmp_path / name).write_text("nothing")
    assert firsts(open_blocks(tmp_path)) == [0]


def test_files_of_several_kinds_are_refused(tmp_path):
    write(tmp_path, a=0)
    row_files.write_csv(tmp_path / "a.csv", X, y)
    with pytest.raises(DataError, match=r"several kinds .'CSV', 'Parquet'.; expected one"):
        open_blocks(tmp_path)


@pytest.mark.parametrize("source", ["nowhere", "nowhere.parquet", "memory://nowhere.parquet"])
def test_a_source_that_is_not_there(tmp_path, source):
    with pytest.raises(
        DataError, match=r"nowhere.* (cannot be read|does not exist|is not a file of rows)"
    ):
        open_blocks(source if "://" in source else tmp_path / source)


def test_sources_without_rows(tmp_path):
    with pytest.raises(DataError, match="holds no files of rows"):
        open_blocks(tmp_path)
    row_files.write_parquet(tmp_path / "a.parquet", X[:0], y[:0])
    with pytest.raises(DataError, match="holds no rows; expected at least one"):
        open_blocks(tmp_path)
    with pytest.raises(DataError, match="matches no file"):
        open_blocks(tmp_path / "*.feather")
    with pytest.raises(DataError, match=r"^The source is 3; expected a path"):
        open_blocks(3)


def test_named_data_sets_and_what_the_first_pass_says(tmp_path):
    blocks = open_blocks("mnist-5k", leaf_rows=1000)
    whole = data.load("mnist-5k")
    np.testing.assert_array_equal(blocks.load()[0], whole.X_train)
    test = blocks.test_part()
    assert test is not None
    np.testing.assert_array_equal(test.load()[1], whole.y_test)
    said: list[str] = []
    open_blocks(write(tmp_path, a=0, b=1), on_pass=said.append)
    assert said == [f"reading the labels of {tmp_path}, 2 files"]


@pytest.mark.parametrize("names", NAMES)
def test_load_reads_both_parts(tmp_path, names):
    dataset = data.load(write(tmp_path, **names))
    assert (dataset.X_train.shape, dataset.X_test.shape) == ((12, 1), (6, 1))
    assert dataset.class_names == ("0", "1")
    assert dataset.feature_names == ("f0",)
    samples = data.load_samples(tmp_path)
    np.testing.assert_array_equal(samples.X, dataset.X_test)
    assert samples.y is not None


def test_load_samples_needs_no_labels(tmp_path):
    for write_file, name in (
        (row_files.write_parquet, "a.parquet"),
        (row_files.write_arrow, "a.arrow"),
    ):
        file = write_file(tmp_path / name, X, y)
        samples = data.load_samples(file, label="other", features=("f0",))
        np.testing.assert_array_equal(samples.X, X)
        assert samples.y is None
    row_files.write_csv(tmp_path / "csv" / "a.csv", X, y)
    samples = data.load_samples(tmp_path / "csv", label="other", features=("f0",))
    np.testing.assert_array_equal(samples.X, X)


def test_load_refuses_a_single_class(tmp_path):
    file = row_files.write_parquet(tmp_path / "a.parquet", X, [1] * 6)
    with pytest.raises(DataError, match="training samples of a single class, '1'"):
        data.load(file)


@pytest.mark.parametrize("address", ["nothing://a.parquet", "http://localhost:1/a.parquet"])
def test_an_address_that_leads_nowhere_is_one_sentence(address):
    with pytest.raises((DataError, MissingPackageError), match=rf"{address}.* cannot be read"):
        open_blocks(address)

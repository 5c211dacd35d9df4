from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import row_files
from handgrad.data import load
from handgrad.data.blocks import Blocks, open_blocks
from handgrad.errors import DataError


def files(folder, *labels):
    """Write a Parquet file for each array of labels."""
    for i, values in enumerate(labels):
        column = values if isinstance(values, pa.Array) else pa.array(values)
        table = pa.table({"a": np.arange(float(len(column))), "label": column})
        pq.write_table(table, folder / f"{i}.parquet")
    return folder


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([3, -1, 10], [-1, 3, 10]),
        (pa.array([3, 1, 10], pa.int8()), [1, 3, 10]),
        ([3.0, -1.0, 10.0], [-1, 3, 10]),
        (["b", "a", "é"], ["a", "b", "é"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        ([True, False, True], [False, True]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([7, 5, 7]).dictionary_encode(), [5, 7]),
        (pa.array(["b", "a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["b", "a", "b"], pa.string_view()), ["a", "b"]),
    ],
)
def test_classes_are_labels_of_their_own_type_sorted(tmp_path, labels, classes):
    try:
        written = files(tmp_path, labels)
    except pa.ArrowNotImplementedError:
        pytest.skip("this version of pyarrow cannot write such labels")
    blocks = open_blocks(written, leaf_rows=2)
    assert blocks.classes.tolist() == classes
    assert blocks.class_names == tuple(map(str, classes))
    found = np.concatenate([blocks.read(leaf)[1] for leaf in range(len(blocks))])
    expected = labels.to_pylist() if isinstance(labels, pa.Array) else labels
    assert blocks.classes[found].tolist() == expected


def test_numbers_of_several_types_are_the_same_classes(tmp_path):
    parts = [pa.array([1, 2], pa.int32()), pa.array([2, 3], pa.int64()), [3.0, 1.0], [True]]
    blocks = open_blocks(files(tmp_path, *parts))
    assert blocks.classes.tolist() == [1, 2, 3]
    assert blocks.classes.dtype.kind == "i"
    assert blocks.read(0)[1].tolist() == [0, 1, 1, 2, 2, 0, 0]


def test_a_file_may_lack_a_class(tmp_path):
    blocks = open_blocks(files(tmp_path, [0, 0], [1, 1], [2, 0]), leaf_rows=2)
    assert blocks.counts.tolist() == [[2, 0, 0], [0, 2, 0], [1, 0, 1]]


def test_texts_beside_numbers_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"0\.parquet holds labels that are numbers and \S*1"):
        open_blocks(files(tmp_path, [0, 1], ["0", "1"]))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([1, None, 2], r"0\.parquet has no label in row 1 \(counted from 0\)"),
        ([1.0, 2.5], r"the label '2.5' in row 1 "),
        ([1.0, float("nan")], "the label 'nan' in row 1 "),
        ([1.0, float("inf")], "the label 'inf' in row 1 "),
        (pa.array([1, 2**64 - 1], pa.uint64()), "the label '18446744073709551615' in row 1 "),
        (["a", ""], "an empty label"),
        ([[1], [2]], "labels of type 'list"),
        ([b"a", b"b"], "labels of type 'binary'"),
        (pa.array([None, None], pa.null()), "no label in row 0"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        open_blocks(files(tmp_path, labels))


def test_texts_that_end_with_a_zero_are_classes_of_their_own(tmp_path):
    blocks = open_blocks(files(tmp_path, ["a", "a\0", "b"]))
    assert blocks.class_names == ("a", "a\0", "b")
    assert blocks.read(0)[1].tolist() == [0, 1, 2]


def test_too_many_classes(tmp_path):
    with pytest.raises(DataError, match="more than 65,536 different labels"):
        open_blocks(files(tmp_path, np.arange(100_000)))


def test_written_numbers_of_csv_are_numbers(tmp_path):
    rows = np.zeros((4, 1))
    row_files.write_csv(tmp_path / "a.csv", rows, ["10", "9", "+9", "9.0"])
    assert open_blocks(tmp_path / "a.csv").classes.tolist() == [9, 10]
    row_files.write_csv(tmp_path / "a.csv", rows, ["10", "9", "b", "9.0"])
    assert open_blocks(tmp_path / "a.csv").classes.tolist() == ["10", "9", "9.0", "b"]


def test_csv_has_the_classes_of_load(tmp_path):
    y = ["10", "9", "1", "9"]
    file = row_files.write_csv(tmp_path / "a.csv", np.arange(4.0)[:, None], y)
    whole, blocks = load(file), open_blocks(file)
    assert blocks.class_names == whole.class_names
    assert blocks.read(0)[1].tolist() == whole.y_train.tolist()


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(DataError, match=r"the label .* is not UTF-8; expected texts"):
        Blocks.of(np.eye(2), np.array([b"a", b"\xff"]))


def test_labels_of_arrays():
    X = np.zeros((3, 1))
    assert Blocks.of(X, [2.0, 1.0, 2.0]).classes.tolist() == [1, 2]
    assert Blocks.of(X, np.array([b"b", b"a", b"b"])).classes.tolist() == ["a", "b"]
    assert Blocks.of(X, np.array(["b", 1, "b"], dtype=object)[[0, 2, 0]]).classes.tolist() == ["b"]
    with pytest.raises(DataError, match="one label per row, never one-hot"):
        Blocks.of(X, np.eye(3))
    with pytest.raises(DataError, match="3 samples and 2 labels"):
        Blocks.of(X, [0, 1])
    with pytest.raises(DataError, match="a missing label in row 1"):
        Blocks.of(X, np.array([1, None, 2], dtype=object))


@pytest.mark.parametrize(
    "labels", [["3", "1.0", "1.0", "1"], ["1", "1.0", "a", "1"], ["2", "1"], ["02", "2", "a"]]
)
def test_two_spellings_of_a_number_have_the_fingerprint_of_rows_in_memory(tmp_path, labels):
    table = tmp_path / "t.csv"
    table.write_text("a,label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels)))
    blocks, whole = open_blocks(table, leaf_rows=3), load(table)
    assert blocks.class_names == whole.class_names
    assert blocks.fingerprint == whole.fingerprint

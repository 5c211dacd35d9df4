"""Labels and values as targets, in memory and in blocks; pandas and NumPy are the oracles."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

import row_files
from handgrad import data
from handgrad.data import Blocks, open_blocks
from handgrad.data.targets import TargetColumns, as_matrix, column_order
from handgrad.errors import DataError

M = 23
FORMATS = ("a.csv", "a.csv.gz", "quoted.csv", "a.parquet", "a.arrow", "a.arrows", "a.feather")
BARE = ("a.npz", "x_train.npz", "npy", "arrays", "sequence")


def frame(m: int = M, values: int = 2, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {name: random.normal(size=m) for name in ("a", "b", "c")}
    columns |= {f"v{k}": random.normal(size=m) * 10.0**k for k in range(values)}
    columns |= {"count": random.integers(-9, 9, m), "wet": random.integers(0, 2, m)}
    columns |= {"hot": random.random(m).round().astype(int)}
    return pd.DataFrame(columns)


def write(path: Path, table: pd.DataFrame) -> Path:
    """Write a data frame in the format of a name; NumPy's formats get the named columns."""
    if path.name == "quoted.csv":
        table.to_csv(path, index=False, quoting=1)
    elif ".csv" in path.name:
        table.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path, row_group_size=7)
    elif path.suffix == ".feather":
        table.to_feather(path, chunksize=5)
    else:
        arrow = pa.Table.from_pandas(table)
        new = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
        with new(str(path), arrow.schema) as writer:
            writer.write_table(arrow, max_chunksize=6)
    return path


def bare_source(kind: str, folder: Path, X: np.ndarray, y: np.ndarray) -> Any:
    """Return a source whose targets have no names."""
    if kind == "arrays":
        return X, y
    if kind == "sequence":
        return list(zip(X, y, strict=True))
    if kind == "npy":
        np.save(folder / "X.npy", X)
        np.save(folder / "y.npy", y)
        return folder
    arrays = {"X": X, "y": y}
    if kind == "x_train.npz":
        arrays = {"x_train": X, "y_train": y, "x_test": X[:3], "y_test": y[:3]}
    return row_files.write_npz(folder / kind, **arrays)


@given(
    name=st.sampled_from(FORMATS),
    m=st.integers(2, 40),
    values=st.integers(1, 3),
    leaf_rows=st.integers(1, 45),
    cached=st.booleans(),
    reversed_=st.booleans(),
)
@settings(max_examples=60)
def test_values_of_tables_are_those_of_pandas(name, m, values, leaf_rows, cached, reversed_):
    table = frame(m, values)
    names = [f"v{k}" for k in range(values)][:: -1 if reversed_ else 1]
    label = names[0] if values == 1 else names
    with TemporaryDirectory() as folder:
        file = write(Path(folder, name), table)
        kind: Any = {"features": ["c", "a"], "predicts": "values"}
        whole = data.load(file, label=label, **kind)
        cache = Path(folder, "cache") if cached else None
        blocks = open_blocks(file, label, leaf_rows=leaf_rows, cache=cache, **kind)
        X, Y = blocks.load()
        again = row_files.pickled(blocks).load()[1]
        assert whole.fingerprint == blocks.fingerprint
    assert whole.target_names == blocks.target_names == blocks.class_names == tuple(names)
    assert whole.outputs == blocks.outputs == values
    assert blocks.rows == m
    assert_array_equal(X, table[["c", "a"]].to_numpy())
    assert_array_equal(Y, table[names].to_numpy(), strict=True)
    assert_array_equal(again, Y, strict=True)
    assert_array_equal(whole.y_train, table[label].to_numpy(), strict=True)


@pytest.mark.parametrize("name", FORMATS)
def test_labels_and_whole_numbers_are_targets(tmp_path, name):
    table = frame()
    file = write(tmp_path / name, table)
    labels = data.load(file, label=("wet", "hot"), predicts="labels")
    assert_array_equal(labels.y_train, table[["wet", "hot"]].to_numpy(float), strict=True)
    assert labels.feature_names == ("a", "b", "c", "v0", "v1", "count")
    counts = data.load(file, label="count", features=["a"], predicts="values")
    assert_array_equal(counts.y_train, table["count"].to_numpy(float), strict=True)
    as_classes = data.load(file, label="count", features=["a"])
    assert_array_equal(as_classes.y_train, np.unique(table["count"], return_inverse=True)[1])


@pytest.mark.parametrize("outputs", [None, 1, 3])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool", ">f8"])
@pytest.mark.parametrize("kind", BARE)
def test_arrays_of_values_keep_their_numbers(tmp_path, kind, dtype, outputs):
    random = np.random.default_rng(1)
    X = random.normal(size=(M, 4))
    y = (random.normal(size=M if outputs is None else (M, outputs)) * 9).astype(dtype)
    source = bare_source(kind, tmp_path, X, y)
    blocks = open_blocks(source, predicts="values", leaf_rows=5)
    assert_array_equal(blocks.load()[1], y.reshape(M, -1).astype(float), strict=True)
    assert blocks.target_names == tuple(map(str, range(outputs or 1)))
    if not isinstance(source, Path) or (dtype == ">f8" and kind == "npy"):
        return
    whole = data.load(source, predicts="values")
    expected = y.astype(float) if outputs == 3 else y.astype(float).ravel()
    assert_array_equal(whole.y_train, expected, strict=True)
    assert whole.fingerprint == blocks.fingerprint
    if kind == "x_train.npz":
        assert_array_equal(whole.y_test, expected[:3])
        part = blocks.test_part()
        assert part is not None
        assert_array_equal(part.load()[1], y.reshape(M, -1).astype(float)[:3])


def test_names_may_be_given_to_columns_without_names(tmp_path):
    X, y = np.eye(3), np.arange(6.0).reshape(3, 2)
    for kind in BARE:
        source = bare_source(kind, tmp_path, X, y)
        blocks = open_blocks(source, ("height", "weight"), predicts="values")
        assert blocks.target_names == ("height", "weight")
        with pytest.raises(DataError, match=r"2 values per sample; expected 3, as label names"):
            open_blocks(source, ("one", "two", "three"), predicts="values")


@given(m=st.integers(1, 60), leaf_rows=st.integers(1, 20), every=st.integers(2, 7))
def test_every_nth_row_is_held_out_without_classes(m, leaf_rows, every):
    X, y = np.arange(float(m))[:, None], np.arange(float(m)) / 3
    train, test = Blocks.of(X, y, leaf_rows=leaf_rows, predicts="values").with_held_out(every)
    is_held_out = np.arange(m) % every == every - 1
    for part, chosen in ((train, ~is_held_out), (test, is_held_out)):
        rows, values = part.load()
        assert_array_equal(rows, X[chosen])
        assert_array_equal(values[:, 0], y[chosen])
        assert part.sizes.sum() == chosen.sum()
        assert 0 not in part.sizes


def test_a_data_set_of_values_holds_out_what_blocks_hold_out(tmp_path):
    file = write(tmp_path / "a.parquet", frame())
    options: Any = {"features": ["a"], "predicts": "values"}
    whole = data.load(file, label="v0", **options).with_held_out_test()
    train, test = open_blocks(file, "v0", leaf_rows=4, **options).with_held_out()
    assert_array_equal(train.load()[1][:, 0], whole.y_train)
    assert_array_equal(test.load()[1][:, 0], whole.y_test)
    assert train.fingerprint == whole.fingerprint


def test_the_fingerprint_covers_every_value_and_what_is_predicted():
    X, y = np.zeros((20_000, 1)), np.arange(20_000.0)
    changed = y.copy()
    changed[10_000] += 1e-9
    marks = np.stack([y % 2, (y + 1) % 2], axis=1)
    prints = {
        Blocks.of(X, y, predicts="values").fingerprint,
        Blocks.of(X, changed, predicts="values").fingerprint,
        Blocks.of(X, y.reshape(-1, 1), predicts="values", leaf_rows=77).fingerprint,
        Blocks.of(X, marks, predicts="values").fingerprint,
        Blocks.of(X, marks, predicts="labels").fingerprint,
        Blocks.of(X, y).fingerprint,
    }
    assert len(prints) == 5


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.nan, "missing|empty|NaN|nan"),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
        ("dear", "dear|string"),
    ],
)
def test_a_value_that_is_no_number_is_named(tmp_path, name, value, found):
    table = frame()
    table["v1"] = table["v1"].astype(object)
    table.loc[4, "v1"] = value
    table["v1"] = table["v1"] if isinstance(value, float) else table["v1"].astype(str)
    if isinstance(value, float):
        table["v1"] = table["v1"].astype(float)
    file = write(tmp_path / name, table)
    where = "line 6|row 4|line 2" if value != "dear" else "line 6|column|line 2"
    for read in (data.load, open_blocks):
        with pytest.raises(DataError, match=f"(?s)({where}).*v1.*({found})|({found}).*v1"):
            read(file, label=("v0", "v1"), features=["a"], predicts="values")


@pytest.mark.parametrize("name", FORMATS)
def test_labels_are_0_or_1(tmp_path, name):
    table = frame()
    table.loc[7, "wet"] = 2
    file = write(tmp_path / name, table)
    for read in (data.load, open_blocks):
        with pytest.raises(
            DataError, match=r"holds '?2'?.*(row 7|) .*1 where a sample has the lab"
        ):
            read(file, label=("wet", "hot"), features=["a"], predicts="labels")


@pytest.mark.parametrize("kind", BARE)
def test_faults_in_arrays_are_named(tmp_path, kind):
    X, y = np.eye(4), np.zeros((4, 2))
    y[2, 1] = np.nan
    with pytest.raises(DataError, match=r"holds nan in row 2 \(counted from 0\) of its column 1"):
        open_blocks(bare_source(kind, tmp_path, X, y), predicts="values")
    y[2, 1] = 0.5
    with pytest.raises(DataError, match=r"holds 0\.5 in row 2 .* column 1 of y; expected 1 where"):
        open_blocks(bare_source(kind, tmp_path, X, y), predicts="labels")
    with pytest.raises(DataError, match="gives one column of labels"):
        open_blocks(bare_source(kind, tmp_path, X, y[:, 0]), predicts="labels")
    if kind not in ("sequence", "arrays"):
        source = bare_source(kind, tmp_path, X, np.array(list("abcd")))
        with pytest.raises(DataError, match="of type <U1"):
            open_blocks(source, predicts="values")


def test_a_sequence_gives_the_same_number_of_values_in_each_row():
    rows = [(np.zeros(2), [1.0, 2.0]), (np.ones(2), [1.0])]
    with pytest.raises(DataError, match="gives 1 values in row 1; expected 2, as in row 0"):
        open_blocks(rows, predicts="values")
    with pytest.raises(DataError, match="expected a row of numbers and its values"):
        open_blocks([(np.zeros(2), "dear")], predicts="values")


def test_files_of_a_source_have_the_same_number_of_values(tmp_path):
    row_files.write_npz(tmp_path / "0.npz", X=np.eye(2), y=np.zeros((2, 2)))
    row_files.write_npz(tmp_path / "1.npz", X=np.eye(2), y=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"1\.npz differs from .*0\.npz: it holds 3 values"):
        open_blocks(tmp_path, predicts="values")


def test_test_samples_have_the_same_number_of_values(tmp_path):
    X, y = np.eye(3), np.zeros((3, 2))
    arrays = {"x_train": X, "y_train": y, "x_test": X, "y_test": np.zeros((3, 1))}
    file = row_files.write_npz(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match="2 values per training sample and 1 per test sample"):
        data.load(file, predicts="values")


def test_samples_may_lack_targets_but_not_some_of_them(tmp_path):
    table = frame()[["a", "v0", "v1"]]
    for name in ("a.csv", "a.parquet"):
        file = write(tmp_path / name, table[["a"]])
        options: Any = {"label": ("v0", "v1"), "predicts": "values"}
        samples = data.load_samples(file, **options)
        assert samples.y is None
        assert samples.class_names == ()
        assert samples.predicts == "values"
        with pytest.raises(DataError, match="no column 'v0'"):
            data.load(file, **options)
        write(tmp_path / name, table[["a", "v0"]])
        with pytest.raises(DataError, match="no column 'v1'"):
            data.load_samples(file, **options)
        write(tmp_path / name, table)
        found = data.match_labels(data.load_samples(file, **options), ("v1", "v0"))
        assert_array_equal(found, table[["v1", "v0"]].to_numpy())


def test_values_come_in_the_order_of_a_model(tmp_path):
    table = frame()
    file = write(tmp_path / "a.csv", table)
    options: Any = {"features": ["a"], "predicts": "values"}
    whole = data.load(file, label=("v0", "v1"), **options).with_classes(("v1", "v0"), "a.csv")
    blocks = open_blocks(file, ("v0", "v1"), leaf_rows=5, **options).with_classes(("v1", "v0"))
    assert_array_equal(whole.y_train, table[["v1", "v0"]].to_numpy())
    assert_array_equal(row_files.pickled(blocks).load()[1], whole.y_train)
    assert blocks.target_names == whole.target_names == ("v1", "v0")
    assert whole.with_classes(("0", "1"), "a.csv").target_names == ("0", "1")
    with pytest.raises(DataError, match=r"has the values 'v1', 'v0'; expected 'v0', 'v2'"):
        whole.with_classes(("v0", "v2"), "a.csv")
    with pytest.raises(DataError, match="has 2 values per sample; expected 1"):
        blocks.with_classes(("v0",))


@pytest.mark.parametrize(
    ("label", "predicts", "sentence"),
    [
        (("a", "b"), "classes", "label names 2 columns .*, but classes lie in one"),
        (("a", "a"), "values", "names the column 'a' twice"),
        ((), "values", "expected the name of a column, or several"),
        (3, "values", "expected the name of a column"),
        ("a", "numbers", "predicts is 'numbers'; expected one of classes, labels, values"),
    ],
)
def test_what_is_asked_is_checked(label, predicts, sentence):
    with pytest.raises(DataError, match=sentence):
        TargetColumns.of(label, predicts)


def test_one_column_of_labels_is_two_classes(tmp_path):
    file = write(tmp_path / "a.csv", frame())
    with pytest.raises(DataError, match="one column of labels; expected several"):
        data.load(file, label="wet", predicts="labels")


def test_what_holds_classes_only_says_so(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(row_files.png(np.zeros((2, 2), np.uint8)))
    with pytest.raises(DataError, match="holds images in one folder per class"):
        data.load(tmp_path, predicts="values")


def test_digits_are_values_if_they_are_asked_for():
    digits = data.load("digits", predicts="values")
    assert_array_equal(digits.y_train, data.load("digits").y_train.astype(float), strict=True)
    blocks = open_blocks("digits", predicts="values")
    assert_array_equal(blocks.load()[1][:, 0], digits.y_train)
    with pytest.raises(DataError, match="one column of labels"):
        data.load("digits", predicts="labels")


def test_bytes_of_idx_files_are_values(tmp_path):
    X, y = np.zeros((6, 2, 2), np.uint8), [3, 0, 255, 7, 7, 1]
    for prefix in ("train", "t10k"):
        row_files.write_idx(tmp_path, prefix, X, y)
    blocks = open_blocks(tmp_path, predicts="values", leaf_rows=4)
    assert blocks.load()[1].ravel().tolist() == y
    assert data.load(tmp_path, predicts="values").y_test.tolist() == y
    with pytest.raises(DataError, match="one column of labels"):
        open_blocks(tmp_path, predicts="labels")


def test_fractions_read_as_classes_point_to_values(tmp_path):
    pq.write_table(pa.table({"a": [1.0, 2.0], "label": [0.5, 1.5]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"predicts='values' \(--regression\)"):
        open_blocks(tmp_path / "a.parquet")
    row_files.write_npz(tmp_path / "a.npz", X=np.eye(2), y=np.array([0.5, 1.5]))
    with pytest.raises(DataError, match=r"predicts='values' \(--regression\)"):
        data.load(tmp_path / "a.npz")
    with pytest.raises(DataError, match="pass predicts='labels' or 'values'"):
        Blocks.of(np.eye(2), np.eye(2))


def test_what_is_missing_is_called_by_its_name(tmp_path):
    write(tmp_path / "a.csv", frame()[:0])
    with pytest.raises(DataError, match="holds a header but no rows"):
        data.load(tmp_path / "a.csv", label="v0", predicts="values")
    with pytest.raises(DataError, match=r"holds no rows; expected at least one\.$"):
        open_blocks(tmp_path / "a.csv", "v0", predicts="values")
    with pytest.raises(DataError, match=r"holds no rows; expected at least one\.$"):
        open_blocks([], predicts="values")
    with pytest.raises(DataError, match="expected a value column: name it with --label"):
        open_blocks(write(tmp_path / "a.parquet", frame()), "price", predicts="values")
    file = row_files.write_npz(tmp_path / "a.npz", X=np.eye(2))
    for read in (data.load, open_blocks):
        with pytest.raises(DataError, match=r"(has|holds) no values; expected"):
            read(file, predicts="values")
    samples = data.load_samples(file, predicts="values")
    with pytest.raises(DataError, match="has no values; expected one per sample"):
        data.match_labels(samples, ("price",))


def test_labels_may_be_sparse():
    marks = np.array([[0, 1], [1, 1], [0, 0]])
    blocks = Blocks.of(np.eye(3), sparse.csr_array(marks), predicts="labels")
    assert_array_equal(blocks.load()[1], marks)


def test_objects_may_be_numbers_but_no_texts():
    assert as_matrix("y", np.array([1, 2.5, True], object), "values").tolist() == [[1], [2.5], [1]]
    for wrong in (np.array(["1", 2.0], object), np.array([1j]), np.array(["1.5"])):
        with pytest.raises(DataError, match="expected numbers"):
            as_matrix("y", wrong, "values")
    with pytest.raises(DataError, match="holds nan in row 1"):
        as_matrix("y", np.array([1.0, None], object), "values")
    with pytest.raises(DataError, match=r"of shape \(2, 1, 1\)"):
        as_matrix("y", np.zeros((2, 1, 1)), "values")


def test_columns_of_numbers_alone_are_taken_in_order():
    assert column_order("s", ["0", "1"], ["height", "weight"], "values") == [0, 1]
    assert column_order("s", ["b", "a"], ["a", "b"], "values") == [1, 0]

"""Blocks of values: rows of every form, processes, caches, parts and addresses."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import row_files
from handgrad import data
from handgrad.data.blocks import Blocks, open_blocks, read_ahead
from handgrad.errors import DataError
from row_files import Counted, pickled

M = 23
PIXELS = np.random.default_rng(0).integers(0, 256, (M, 4)).astype(np.uint8)
VALUES = np.random.default_rng(1).normal(size=M)


def all_leaves(blocks: Blocks, *leaves: int) -> list[tuple[np.ndarray, np.ndarray]]:
    with closing(read_ahead(blocks, leaves or range(len(blocks)))) as found:
        return [(X.copy(), y.copy()) for _, X, y in found]


@pytest.mark.parametrize("form", [*row_files.FORMS, row_files.PICTURES])
def test_rows_of_every_form_have_values(tmp_path, form):
    row_files.write_parquet(tmp_path / "a.parquet", PIXELS, VALUES, form, group=7)
    blocks = open_blocks(tmp_path / "a.parquet", predicts="values", leaf_rows=5)
    X, Y = (np.concatenate(arrays) for arrays in zip(*all_leaves(blocks), strict=True))
    for rows, values in ((X, Y), pickled(blocks).load()):
        assert_array_equal(rows, PIXELS)
        assert_array_equal(values, VALUES[:, None], strict=True)
    assert blocks.target_names == ("label",)
    whole = data.load(tmp_path / "a.parquet", predicts="values")
    assert_array_equal(whole.y_train, VALUES)
    assert whole.fingerprint == blocks.fingerprint


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int8(), [-3, 0, 7]),
        (pa.uint64(), [2**53, 0, 1]),
        (pa.float16(), np.array([0.5, -1, 2], np.float16)),
        (pa.float32(), [0.25, 1, 2]),
        (pa.bool_(), [True, False, True]),
        (pa.decimal128(5, 2), [Decimal("1.25"), Decimal("-3.5"), Decimal(0)]),
    ],
    ids=str,
)
def test_columns_of_any_numbers_are_values(tmp_path, kind, values):
    table = pa.table({"a": [1.0, 2.0, 3.0], "label": pa.array(values, kind)})
    for name in ("a.parquet", "a.arrow"):
        if name == "a.parquet":
            pq.write_table(table, tmp_path / name)
        else:
            with pa.ipc.new_file(str(tmp_path / name), table.schema) as writer:
                writer.write_table(table)
        found = open_blocks(tmp_path / name, predicts="values").load()[1]
        assert found[:, 0].tolist() == [float(value) for value in values]


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pa.array(["1.5", "2"]), "holds 'string' in its column 'label'; expected numbers"),
        (pa.array([[1.0], [2.0]]), "holds 'list<"),
        (pa.array([1, 2], pa.timestamp("s")), "holds 'timestamp"),
        (pa.array([1.0, None]), "missing value in row 1 .* its column 'label'"),
    ],
)
def test_columns_that_are_no_numbers_are_named(tmp_path, column, sentence):
    pq.write_table(pa.table({"a": [1.0, 2.0], "label": column}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=sentence):
        open_blocks(tmp_path / "a.parquet", predicts="values")


def test_a_hugging_face_data_set_has_values(tmp_path):
    del tmp_path
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset(row_files.table(PIXELS, VALUES, row_files.FIXED_LISTS))
    blocks = open_blocks(dataset, predicts="values", leaf_rows=5)
    assert_array_equal(blocks.load()[1][:, 0], VALUES)


def test_a_cache_keeps_values_and_a_damaged_leaf_is_read_again(tmp_path):
    Y = np.stack([VALUES, -VALUES], axis=1)
    row_files.write_npz(tmp_path / "a.npz", X=PIXELS, y=Y)
    options: Any = {"predicts": "values", "leaf_rows": 5, "cache": tmp_path / "cache"}
    open_blocks(tmp_path / "a.npz", **options).load()
    (file,) = (tmp_path / "cache").iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 255  # in the last value of the last leaf
    file.write_bytes(content)
    blocks = open_blocks(tmp_path / "a.npz", **options)
    leaves: Any = blocks.reader
    leaves.reader = counted = Counted(leaves.reader)
    for _ in range(2):
        found = blocks.load()
        assert_array_equal(found[0], PIXELS)
        assert_array_equal(found[1], Y, strict=True)
    assert counted.reads == [4]


def test_classes_labels_and_values_have_caches_of_their_own(tmp_path):
    random = np.random.default_rng(2)
    table = pd.DataFrame(random.normal(size=(M, 2)), columns=["a", "b"])
    table["x"], table["y"] = random.integers(0, 2, M), random.integers(0, 2, M)
    table.to_parquet(tmp_path / "a.parquet")
    options: Any = {"features": ["a", "b"], "cache": tmp_path / "cache", "leaf_rows": 5}
    asked: list[tuple[Any, Any]] = [
        ("x", "classes"),
        ("x", "values"),
        (["x", "y"], "labels"),
        (["x", "y"], "values"),
        (["y", "x"], "values"),
    ]
    for _ in range(2):
        for label, predicts in asked:
            blocks = open_blocks(tmp_path / "a.parquet", label, predicts=predicts, **options)
            found = blocks.load()[1]
            assert_array_equal(found.reshape(M, -1), table[label].to_numpy().reshape(M, -1))
    assert len(list((tmp_path / "cache").iterdir())) == len(asked)


def test_the_test_part_has_the_values_of_the_training_part(tmp_path):
    columns = {"price": VALUES, "rent": VALUES / 2}
    for part, names in (("train", ["price", "rent"]), ("test", ["rent", "price"])):
        table = pd.DataFrame(PIXELS / 255.0, columns=list("abcd"))
        table.assign(**{name: columns[name] for name in names}).to_parquet(
            tmp_path / f"{part}-00000-of-00001.parquet"
        )
    blocks = open_blocks(tmp_path, ("price", "rent"), predicts="values")
    tested = blocks.test_part()
    assert tested is not None
    assert tested.predicts == "values"
    assert_array_equal(tested.load()[1], np.stack([VALUES, VALUES / 2], axis=1))
    whole = data.load(tmp_path, label=("price", "rent"), predicts="values")
    assert_array_equal(whole.y_test, whole.y_train)


def test_values_are_read_from_an_address_and_from_several_files(tmp_path):
    for i, rows in enumerate((slice(0, 9), slice(9, 9), slice(9, M))):
        table = pd.DataFrame(PIXELS[rows].astype(float), columns=list("abcd"))
        table.assign(v=VALUES[rows]).to_csv(tmp_path / f"{i}.csv", index=False)
        with fsspec.open(f"memory://values/{i}.csv", "wb") as file:
            file.write((tmp_path / f"{i}.csv").read_bytes())
    for source in (tmp_path, "memory://values"):
        blocks = open_blocks(source, "v", predicts="values", leaf_rows=4)
        assert_array_equal(pickled(blocks).load()[1][:, 0], VALUES)


def test_files_that_lack_a_column_of_values_are_named(tmp_path):
    table = pd.DataFrame({"a": VALUES, "v": VALUES, "w": VALUES})
    for suffix in ("csv", "parquet"):
        folder = tmp_path / suffix
        folder.mkdir()
        for name, part in (("0", table), ("1", table[["a", "v"]])):
            write = getattr(part, f"to_{suffix}")
            write(folder / f"{name}.{suffix}", index=False)
        with pytest.raises(DataError, match=rf"1\.{suffix} has no column 'w'"):
            open_blocks(folder, ("v", "w"), predicts="values")


@given(
    m=st.integers(1, 70),
    outputs=st.integers(1, 4),
    leaf_rows=st.integers(1, 20),
    order=st.randoms(use_true_random=False),
)
def test_blocks_of_arrays_read_any_leaf(m, outputs, leaf_rows, order):
    Y = np.arange(float(m * outputs)).reshape(m, outputs)
    blocks = Blocks.of(np.zeros((m, 1)), Y, predicts="values", leaf_rows=leaf_rows)
    leaves = list(range(len(blocks)))
    order.shuffle(leaves)
    for leaf in leaves:
        assert_array_equal(blocks.read(leaf)[1], Y[leaf * leaf_rows : (leaf + 1) * leaf_rows])
    assert blocks.rows == m
    assert blocks.counts.shape == (len(blocks), 1)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_columns_of_data_frames_keep_their_names(package):
    module: Any = pytest.importorskip(package)
    X = module.DataFrame({"a": VALUES})
    y = module.DataFrame({"price": VALUES, "rent": VALUES / 2})
    blocks = open_blocks((X, y), predicts="values")
    assert blocks.target_names == ("price", "rent")
    assert_array_equal(blocks.load()[1], np.stack([VALUES, VALUES / 2], axis=1))
    assert Blocks.of(X.to_numpy(), y["rent"], predicts="values").target_names == ("rent",)
    named = open_blocks((X, y), ("one", "two"), predicts="values")
    assert named.target_names == ("one", "two")
    assert Blocks.of(X.to_numpy(), (y["rent"] > 0).to_numpy()).class_names == ("False", "True")


def test_blocks_to_train_and_to_test_on_say_what_they_predict():
    whole = Blocks.of(PIXELS, VALUES, predicts="values", leaf_rows=5)
    dataset = data.BlockDataset(*whole.with_held_out())
    assert dataset.predicts == "values"
    assert dataset.target_names == dataset.class_names == ("0",)
    assert dataset.outputs == 1
    assert dataset.shown["train"][1].shape == (4, 1)
    renamed = dataset.with_classes(("price",), "")
    assert renamed.target_names == ("price",)
    assert replace(whole, pixels=False).predicts == "values"

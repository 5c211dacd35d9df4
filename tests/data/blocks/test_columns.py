from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import row_files
from handgrad.data.blocks import open_blocks
from handgrad.errors import DataError

LABELS = [0, 1, 0]


def opened(folder, **columns):
    table = pa.table(columns | {"label": LABELS})
    pq.write_table(table, folder / "a.parquet")
    return open_blocks(folder / "a.parquet", leaf_rows=2)


def rows_of(blocks):
    return blocks.load()[0]


@pytest.mark.parametrize(
    ("kinds", "dtype"),
    [
        ([pa.float32(), pa.float32()], np.float32),
        ([pa.float32(), pa.float64()], np.float64),
        ([pa.float32(), pa.int8()], np.float64),
        ([pa.uint8(), pa.uint8()], np.float64),
        ([pa.int64(), pa.uint64()], np.float64),
        ([pa.float16(), pa.bool_()], np.float64),
        ([pa.decimal128(5, 2), pa.int32()], np.float64),
    ],
)
def test_the_type_of_rows_follows_from_the_schema(tmp_path, kinds, dtype):
    values = [[decimal.Decimal(v) for v in (0, 1, 1)], [1, 0, 1]]
    arrays = [
        pa.array(v if pa.types.is_decimal(k) else np.array(v, int).tolist()).cast(k)
        for v, k in zip(values, kinds, strict=True)
    ]
    blocks = opened(tmp_path, a=arrays[0], b=arrays[1])
    assert blocks.dtype == dtype
    np.testing.assert_array_equal(rows_of(blocks), np.array([[0, 1], [1, 0], [1, 1]], dtype))


def test_whole_numbers_named_like_pixels_are_pixels(tmp_path):
    names = [f"pixel{j}" for j in (2, 0, 3, 1)]
    blocks = opened(tmp_path, **{name: pa.array([1, 2, 255], pa.int32()) for name in names})
    assert blocks.dtype == np.uint8
    assert blocks.feature_names == ("pixel0", "pixel1", "pixel2", "pixel3")
    assert blocks.image_shape == (2, 2)
    blocks = opened(tmp_path, pixel0=[0.5, 0.25, 1.0])
    assert blocks.dtype == np.float64


def test_a_pixel_has_a_byte(tmp_path):
    with pytest.raises(DataError, match=r"holds 256 in row 2 .* 'pixel0'; expected a pixel"):
        opened(tmp_path, pixel0=[0, 255, 256]).load()


def test_mixed_types_over_files(tmp_path):
    for i, dtype in enumerate([np.float32, np.float64, np.int32]):
        row_files.write_parquet(tmp_path / f"{i}.parquet", np.eye(3, dtype=dtype), LABELS)
    blocks = open_blocks(tmp_path)
    assert blocks.dtype == np.float64
    np.testing.assert_array_equal(rows_of(blocks), np.concatenate([np.eye(3)] * 3))


def test_columns_in_another_order_are_found_by_name(tmp_path):
    first = row_files.table(np.arange(9.0).reshape(3, 3), LABELS)
    pq.write_table(first, tmp_path / "0.parquet")
    pq.write_table(first.select(["f2", "label", "f0", "f1"]), tmp_path / "1.parquet")
    rows = rows_of(open_blocks(tmp_path))
    np.testing.assert_array_equal(rows[3:], rows[:3])


def test_features_are_chosen_by_name(tmp_path):
    row_files.write_parquet(tmp_path / "a.parquet", np.arange(9.0).reshape(3, 3), LABELS)
    blocks = open_blocks(tmp_path / "a.parquet", features=["f2", "f0"])
    np.testing.assert_array_equal(rows_of(blocks), [[2, 0], [5, 3], [8, 6]])
    assert blocks.feature_names == ("f2", "f0")
    with pytest.raises(DataError, match="lacks 1 of the 2 columns"):
        open_blocks(tmp_path / "a.parquet", features=["f2", "x"])


def test_the_index_of_pandas_is_no_feature(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2, 3], "label": LABELS}, index=[5, 7, 9])
    frame.to_parquet(tmp_path / "a.parquet")
    assert open_blocks(tmp_path / "a.parquet").feature_names == ("a",)


def test_rows_of_rows_are_pictures(tmp_path):
    pictures = pa.array([[[1, 2], [3, 4], [5, 6]]] * 3, pa.list_(pa.list_(pa.uint8())))
    blocks = opened(tmp_path, picture=pictures)
    assert (blocks.dtype, blocks.features, blocks.image_shape) == (np.uint8, 6, (3, 2))
    np.testing.assert_array_equal(rows_of(blocks), [[1, 2, 3, 4, 5, 6]] * 3)
    fixed = pa.array([[[1, 2], [3, 4]]] * 3, pa.list_(pa.list_(pa.uint8(), 2), 2))
    assert opened(tmp_path, picture=fixed).image_shape == (2, 2)


def test_a_list_of_unknown_length_beside_one_of_fixed_length(tmp_path):
    rows = np.arange(6.0).reshape(3, 2)
    row_files.write_parquet(tmp_path / "0.parquet", rows, LABELS, row_files.LISTS)
    row_files.write_parquet(tmp_path / "1.parquet", rows, LABELS, row_files.FIXED_LISTS)
    np.testing.assert_array_equal(rows_of(open_blocks(tmp_path)), np.concatenate([rows, rows]))


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"a": [1.0, None, 2.0]}, r"a missing value in row 1 .* in its column 'a'"),
    "nan": ({"a": [1.0, 2.0, float("nan")]}, "NaN or infinity in row 2"),
    "infinity": ({"a": [float("-inf"), 2.0, 1.0]}, "NaN or infinity in row 0"),
    "lengths": ({"a": [[1.0], [2.0], [3.0, 4.0]]}, r"2 values in row 2 .*; expected 1"),
    "short": ({"a": [[1.0, 2.0], [], [3.0, 4.0]]}, r"0 values in row 1 .*; expected 2"),
    "null list": ({"a": [[1.0], None, [2.0]]}, "a missing value in row 1"),
    "null in a list": ({"a": [[1.0, 2.0], [3.0, 4.0], [5.0, None]]}, "a missing value in row 2"),
    "null bytes": ({"a": pa.array([b"ab", None, b"cd"], pa.binary(2))}, "missing value in row 1"),
    "nested lengths": (
        {"a": [[[1.0], [2.0]], [[3.0], [4.0]], [[1.0, 2.0], [3.0]]]},
        "values in row 2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_rows_are_named(tmp_path, fault):
    columns, sentence = FAULTS[fault]
    blocks = opened(tmp_path, **columns)
    with pytest.raises(DataError, match=sentence):
        blocks.load()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "texts": ({"a": ["x", "y", "z"]}, "'string' in its column 'a'"),
    "times": ({"a": [dt.datetime(2026, 1, 1)] * 3}, "'timestamp"),
    "bytes of any length": ({"a": [b"x", b"y", b"z"]}, "'binary'"),
    "two lists": ({"a": [[1.0]] * 3, "b": [[1.0]] * 3}, "'list"),
    "lists of texts": ({"a": [["x"]] * 3}, "'list"),
    "nothing": ({}, "no column other than 'label'"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_columns_that_are_no_rows(tmp_path, fault):
    columns, sentence = REFUSED[fault]
    with pytest.raises(DataError, match=sentence):
        opened(tmp_path, **columns)


def test_a_schema_that_differs_is_named(tmp_path):
    rows = np.eye(3)
    row_files.write_parquet(tmp_path / "0.parquet", rows, LABELS)
    for other, sentence in [
        (row_files.table(rows[:, :2], LABELS), "only one of them has 'f2'"),
        (row_files.table(rows, LABELS, row_files.LISTS), "lists, not columns of numbers"),
    ]:
        pq.write_table(other, tmp_path / "1.parquet")
        with pytest.raises(
            DataError, match=rf"1\.parquet differs from \S*0\.parquet: .*{sentence}"
        ):
            open_blocks(tmp_path)


@pytest.mark.parametrize("kind", [pa.list_(pa.uint8(), 0), pa.binary(0)])
def test_rows_without_values(tmp_path, kind):
    empty: Any = [] if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else b""
    column = pa.array([empty] * 3, kind)
    table = pa.table({"row": column, "label": LABELS})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="rows without values; expected at least one feature"):
        open_blocks(tmp_path / "a.arrow")


def test_a_label_column_that_is_missing(tmp_path):
    row_files.write_parquet(tmp_path / "0.parquet", np.eye(3), LABELS)
    with pytest.raises(DataError, match=r"no column 'kind' among its columns \('f0', "):
        open_blocks(tmp_path, "kind")


def pictures(folder, found):
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    column = pa.array([{"bytes": c, "path": "/etc/passwd"} for c in found], kind)
    return opened(folder, image=column)


def test_faulty_pictures_are_named(tmp_path):
    good = row_files.png(np.zeros((2, 2), np.uint8))
    wide = row_files.png(np.zeros((2, 3), np.uint8))
    assert pictures(tmp_path, [good] * 3).image_shape == (2, 2)
    for found, sentence in [
        ([good, None, good], "only a path in row 1 .* never opened"),
        ([good, b"GIF", good], r"row 1 .* is not a PNG or JPEG image"),
        ([good, good, good[:40]], r"row 2 .* is not a PNG or JPEG image"),
        ([good, wide, good], r"row 1 .* has 3×2 pixels; expected 2×2"),
    ]:
        with pytest.raises(DataError, match=sentence):
            pictures(tmp_path, found).load()
    with pytest.raises(DataError, match="only a path in row 0"):
        pictures(tmp_path, [None, good, good])


def test_lists_that_differ_between_files_are_named(tmp_path):
    rows = np.eye(3)
    row_files.write_parquet(tmp_path / "0.parquet", rows, LABELS, row_files.FIXED_LISTS)
    others: list[tuple[Any, str]] = [
        (rows[:, :2], "its rows have 2 values, not 3"),
        (rows.astype(np.uint8), "only one of them holds bytes"),
    ]
    for other, sentence in others:
        row_files.write_parquet(tmp_path / "1.parquet", other, LABELS, row_files.FIXED_LISTS)
        with pytest.raises(DataError, match=sentence):
            open_blocks(tmp_path)


def test_two_columns_of_one_name(tmp_path):
    table = pa.Table.from_arrays([pa.array([1.0, 2.0, 3.0])] * 2 + [pa.array(LABELS)], list("aal"))
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="two columns named 'a'"):
        open_blocks(tmp_path / "a.arrow", "l")

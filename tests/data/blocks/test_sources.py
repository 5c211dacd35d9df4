from __future__ import annotations

import gzip
import pickle
import shutil
from itertools import pairwise
from typing import Any

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import row_files
from handgrad import data
from handgrad.data.blocks import Blocks, open_blocks
from handgrad.errors import DataError
from row_files import BYTES, COLUMNS, FIXED_LISTS, FORMS, LISTS, PICTURES, pickled

M, D = 23, 4
RANDOM = np.random.default_rng(1)
X = RANDOM.integers(0, 256, (M, D)).astype(np.float64)
PIXELS = X.astype(np.uint8)
y = RANDOM.integers(0, 3, M) * 10


def assert_same(blocks: Blocks | None, X: np.ndarray, y: np.ndarray, leaf_rows: int = 5) -> None:
    """Compare blocks with rows and labels, leaf by leaf, backwards and then in order."""
    assert blocks is not None
    m = len(X)
    assert (blocks.rows, blocks.features, blocks.dtype) == (m, X.shape[1], X.dtype)
    assert blocks.classes.tolist() == np.unique(y).tolist()
    assert blocks.sizes.tolist() == [min(leaf_rows, m - s) for s in range(0, m, leaf_rows)]
    for leaf in [*reversed(range(len(blocks))), *range(len(blocks))]:
        rows = slice(leaf * leaf_rows, (leaf + 1) * leaf_rows)
        found, codes = blocks.read(leaf)
        assert found.dtype == X.dtype
        np.testing.assert_array_equal(found, X[rows])
        np.testing.assert_array_equal(blocks.classes[codes], y[rows])
        assert (
            blocks.counts[leaf].tolist()
            == np.bincount(codes, minlength=len(blocks.classes)).tolist()
        )
    loaded, codes = blocks.load()
    np.testing.assert_array_equal(loaded, X)
    np.testing.assert_array_equal(blocks.classes[codes], y)


def opened(source, **options):
    blocks = open_blocks(source, leaf_rows=5, **options)
    again = pickled(blocks)
    assert again.fingerprint == blocks.fingerprint
    return again


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_parquet_of_every_form(tmp_path, form, dtype):
    file = row_files.write_parquet(tmp_path / "a.parquet", X.astype(dtype), y, form, group=7)
    expected = dtype
    if form == COLUMNS and dtype == np.uint8:
        expected = np.float64  # numbers, because the columns are not named like pixels
    if form == BYTES:
        expected = np.uint8
    blocks = opened(file)
    assert_same(blocks, X.astype(expected), y)
    names = tuple(f"f{j}" for j in range(D)) if form == COLUMNS else None
    assert blocks.feature_names == names


@pytest.mark.parametrize("name", ["a.arrow", "a.arrows", "a.ipc"])
@pytest.mark.parametrize("form", FORMS)
def test_arrow_of_every_form(tmp_path, name, form):
    file = row_files.write_arrow(tmp_path / name, PIXELS, y, form, batch=6)
    assert_same(opened(file), X if form == COLUMNS else PIXELS, y)


@pytest.mark.parametrize("compression", ["lz4", "zstd", None])
def test_packed_arrow(tmp_path, compression):
    row_files.write_arrow(tmp_path / "a.arrow", X, y, LISTS, batch=6, compression=compression)
    assert_same(opened(tmp_path / "a.arrow"), X, y)


def test_feather(tmp_path):
    assert_same(opened(row_files.write_feather(tmp_path / "a.feather", X, y)), X, y)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv(tmp_path, name):
    blocks = opened(row_files.write_csv(tmp_path / name, X / 7, y))
    assert_same(blocks, X / 7, y)
    assert blocks.feature_names == ("f0", "f1", "f2", "f3")


def test_csv_of_pixels(tmp_path):
    blocks = opened(row_files.write_csv(tmp_path / "a.csv", PIXELS, y, "pixel{}"))
    assert_same(blocks, PIXELS, y)
    assert blocks.image_shape == (2, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int16, ">f4", "?"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save, dtype):
    rows = X.astype(dtype)
    save(tmp_path / "a.npz", X=rows, y=y)
    expected = {"uint8": "uint8", "float32": "float32", ">f4": "float32"}.get(str(rows.dtype))
    assert_same(opened(tmp_path / "a.npz"), rows.astype(expected or "float64"), y)


def test_npz_with_parts(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X[:13], y_train=y[:13], x_test=X[13:], y_test=y[13:])
    train = opened(tmp_path / "a.npz")
    assert_same(train, X[:13], y[:13])
    assert_same(train.test_part(), X[13:], y[13:])
    assert_same(opened(tmp_path / "a.npz", part="test"), X[13:], y[13:])


def test_npy(tmp_path):
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    np.save(tmp_path / "y.npy", y)
    assert_same(opened(tmp_path), X.astype(np.float32), y)
    assert_same(opened((tmp_path / "X.npy", tmp_path / "y.npy")), X.astype(np.float32), y)


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path, packed):
    row_files.write_idx(tmp_path, "train", PIXELS.reshape(M, 2, 2), y)
    row_files.write_idx(tmp_path, "t10k", PIXELS[:9].reshape(9, 2, 2), y[:9])
    if packed:
        for file in list(tmp_path.iterdir()):
            (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    train = opened(tmp_path)
    assert_same(train, PIXELS, y)
    assert train.image_shape == (2, 2)
    assert_same(opened(tmp_path, part="test"), PIXELS[:9], y[:9])
    assert_same(train.test_part(), PIXELS[:9], y[:9])


@pytest.mark.parametrize("write", [row_files.write_parquet, row_files.write_arrow])
def test_pictures(tmp_path, write):
    name = "a.parquet" if write is row_files.write_parquet else "a.arrow"
    blocks = opened(write(tmp_path / name, PIXELS, y, PICTURES, 6))
    assert_same(blocks, PIXELS, y)
    assert blocks.image_shape == (2, 2)
    assert blocks.reader.in_processes


def test_a_dataset_of_hugging_face():
    datasets = pytest.importorskip("datasets")
    whole = datasets.Dataset(row_files.table(PIXELS, y, FIXED_LISTS))
    assert_same(open_blocks(whole, leaf_rows=5), PIXELS, y)
    chosen = RANDOM.permutation(M)
    assert_same(open_blocks(whole.select(chosen), leaf_rows=5), PIXELS[chosen], y[chosen])
    both = datasets.DatasetDict({"train": whole, "test": whole.select(range(9))})
    assert_same(open_blocks(both, leaf_rows=5), PIXELS, y)
    assert_same(open_blocks(both, leaf_rows=5).test_part(), PIXELS[:9], y[:9])


class Digits:
    """A data set as in PyTorch."""

    def __len__(self):
        return M

    def __getitem__(self, i):
        if not 0 <= i < M:
            raise IndexError(i)
        return PIXELS[i].reshape(1, 2, 2), y[i]


def test_a_sequence_as_in_pytorch():
    blocks = open_blocks(Digits(), leaf_rows=5)
    assert_same(blocks, PIXELS, y)
    assert blocks.image_shape == (2, 2)


@pytest.mark.parametrize("rows", [X, PIXELS, X.astype(np.float32)])
def test_arrays(rows):
    assert_same(open_blocks((rows, y), leaf_rows=5), rows, y)


def test_sparse_rows():
    blocks = open_blocks((sparse.csr_array(X), y), leaf_rows=5)
    rows: list[Any] = [blocks.read(leaf)[0] for leaf in range(len(blocks))]
    np.testing.assert_array_equal(np.concatenate([part.toarray() for part in rows]), X)
    assert blocks.fingerprint != open_blocks((sparse.csr_array(X + 1), y), leaf_rows=5).fingerprint


def test_an_address(tmp_path):
    file = row_files.write_parquet(tmp_path / "a.parquet", X, y, group=7)
    with fsspec.open("memory://rows/b/a.parquet", "wb") as copy:
        copy.write(file.read_bytes())
    for address in ("memory://rows/b/a.parquet", "memory://rows", "memory://rows/*/*.parquet"):
        assert_same(opened(address), X, y)
    assert_same(opened(f"file://{file}"), X, y)


def test_another_process_may_work_in_another_folder(tmp_path, monkeypatch):
    row_files.write_parquet(tmp_path / "rows" / "0.parquet", X, y)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    blocks = open_blocks("rows", leaf_rows=5)
    sent = pickle.dumps(blocks)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_same(pickle.loads(sent), X, y)  # noqa: S301 - our own


def test_a_moved_source_has_the_same_fingerprint(tmp_path):
    row_files.write_parquet(tmp_path / "a" / "0.parquet", X[:9], y[:9])
    row_files.write_parquet(tmp_path / "a" / "1.parquet", X[9:], y[9:])
    before = opened(tmp_path / "a").fingerprint
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert opened(tmp_path / "b").fingerprint == before
    assert opened(row_files.write_csv(tmp_path / "a.csv", X, y)).features == D
    row_files.write_parquet(tmp_path / "c.parquet", X, y)
    assert opened(tmp_path / "c.parquet").fingerprint == before
    assert data.Blocks.of(X, y, leaf_rows=5).fingerprint == before
    other = y.copy()
    other[11] = 10 if other[11] != 10 else 20
    assert data.Blocks.of(X, other, leaf_rows=5).fingerprint != before


@st.composite
def cut(draw, m):
    """Cut m rows into files, some of them empty."""
    return [0, *sorted(draw(st.lists(st.integers(0, m), max_size=4))), m]


WRITERS = [
    lambda path, X, y, size: row_files.write_parquet(path / "p.parquet", X, y, COLUMNS, size),
    lambda path, X, y, size: row_files.write_parquet(path / "p.parquet", X, y, FIXED_LISTS, size),
    lambda path, X, y, size: row_files.write_arrow(path / "p.arrow", X, y, LISTS, size),
    lambda path, X, y, _: row_files.write_csv(path / "p.csv", X, y),
    lambda path, X, y, _: row_files.write_npz(path / "p.npz", X=X, y=y),
]


@given(
    cuts=cut(M),
    size=st.integers(1, M),
    leaf_rows=st.integers(1, M + 3),
    write=st.sampled_from(WRITERS),
    random=st.randoms(use_true_random=False),
)
def test_leaves_depend_on_no_cut_of_the_rows(
    tmp_path_factory, cuts, size, leaf_rows, write, random
):
    folder = tmp_path_factory.mktemp("rows")
    for i, (start, stop) in enumerate(pairwise(cuts)):
        write(folder / str(i), X[start:stop], y[start:stop], size)
    blocks = open_blocks(folder, leaf_rows=leaf_rows)
    assert_same(blocks, X, y, leaf_rows)
    expected = Blocks.of(X, y, leaf_rows=leaf_rows)
    for leaf in random.sample(range(len(blocks)), len(blocks)):
        for found, wanted in zip(blocks.read(leaf), expected.read(leaf), strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_leaf_that_is_not_there():
    with pytest.raises(IndexError, match="leaf 5 of 5"):
        open_blocks((X, y), leaf_rows=5).read(5)


@pytest.mark.parametrize("leaf_rows", [0, -1, 1.5, "8", True, None])
def test_leaves_have_a_whole_number_of_rows(leaf_rows):
    with pytest.raises(DataError, match="expected a whole number of 1 or more"):
        open_blocks((X, y), leaf_rows=leaf_rows)

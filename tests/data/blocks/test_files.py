from __future__ import annotations

import gzip
import io
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import row_files
from handgrad import data
from handgrad.data.blocks import Blocks, open_blocks
from handgrad.data.blocks.tables import TableRows, _Cursor
from handgrad.errors import DataError, MissingPackageError
from row_files import pickled

M = 60
X = np.random.default_rng(0).normal(size=(M, 5))
y = np.arange(M) % 3

WRITERS = {
    "a.parquet": lambda path, X, y: row_files.write_parquet(path, X, y, group=11),
    "a.arrow": lambda path, X, y: row_files.write_arrow(path, X, y, batch=11),
    "a.arrows": lambda path, X, y: row_files.write_arrow(path, X, y, batch=11),
    "a.csv": row_files.write_csv,
    "a.csv.gz": row_files.write_csv,
    "a.npz": lambda path, X, y: row_files.write_npz(path, X=X, y=y),
}


@pytest.fixture(params=WRITERS)
def file(request, tmp_path):
    return WRITERS[request.param](tmp_path / request.param, X, y)


def test_a_file_that_changed_between_passes_is_named(file):
    blocks = open_blocks(file, leaf_rows=7)
    blocks.read(0)
    WRITERS[file.name](file, X[::-1], y)
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    with pytest.raises(DataError, match=rf"{file.name} changed while it was in use"):
        blocks.load()


def test_a_file_that_is_gone_is_named(file):
    blocks = open_blocks(file, leaf_rows=7)
    file.unlink()
    with pytest.raises(DataError, match=rf"{file.name} cannot be read: No such file"):
        blocks.load()


def test_an_address_that_changed_is_named(file):
    address = f"memory://changing/{file.name}"

    def store():
        with fsspec.open(address, "wb") as copy:
            copy.write(file.read_bytes())

    store()
    blocks = open_blocks(address, leaf_rows=7)
    np.testing.assert_array_equal(blocks.load()[0], X)
    WRITERS[file.name](file, X[:-5] + 1, y[:-5])
    store()
    with pytest.raises(DataError, match=rf"{file.name} changed while it was in use"):
        pickled(blocks).load()


def test_truncated_files_are_refused_or_named(file):
    content = file.read_bytes()
    for keep in (0, 1, 10, len(content) // 2, len(content) - 9):
        file.write_bytes(content[:keep])
        try:
            found = open_blocks(file, leaf_rows=7).load()[0]
        except DataError as error:
            assert file.name in str(error)  # noqa: PT017
        else:  # a table of text, or a stream, that ends early is a shorter one
            assert file.name in ("a.csv", "a.arrows")
            assert len(found) < M


def test_a_damaged_page_is_named_with_its_rows(tmp_path):
    file = row_files.write_parquet(
        tmp_path / "a.parquet", X, y, group=20, write_page_checksum=True, compression="none"
    )
    blocks = open_blocks(file, leaf_rows=20)
    group = pq.read_metadata(file).row_group(1)
    place = group.column(2).data_page_offset + group.column(2).total_compressed_size - 9
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[place] ^= 255
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    np.testing.assert_array_equal(blocks.read(0)[0], X[:20])
    with pytest.raises(DataError, match=r"a\.parquet, rows from 20 on, cannot be read .*checksum"):
        blocks.read(1)
    np.testing.assert_array_equal(blocks.read(2)[0], X[40:])


def test_threads_read_at_once(file):
    blocks = open_blocks(file, leaf_rows=4)
    order = np.random.default_rng(1).permutation(np.arange(len(blocks)).repeat(6)).tolist()
    start = threading.Barrier(4)

    def read(leaves):
        start.wait()
        return [(leaf, blocks.read(leaf)[0]) for leaf in leaves]

    with ThreadPoolExecutor(4) as threads:
        for part in threads.map(read, [order[i::4] for i in range(4)]):
            for leaf, found in part:
                np.testing.assert_array_equal(found, X[leaf * 4 : leaf * 4 + 4])


@pytest.fixture
def begun(monkeypatch):
    """Return the numbers of the tables whose reading began."""
    numbers: list[int] = []
    begin = _Cursor.__init__

    def note(self, table, number, row):
        numbers.append(number)
        begin(self, table, number, row)

    monkeypatch.setattr(_Cursor, "__init__", note)
    return numbers


@pytest.mark.parametrize("files", [1, 3])
def test_reading_in_order_begins_each_file_once(tmp_path, begun, files):
    for i in range(files):
        row_files.write_parquet(tmp_path / f"{i}.parquet", X, y, group=17)
    blocks = open_blocks(tmp_path, leaf_rows=7)
    for _ in range(2):
        for leaf in range(len(blocks)):
            blocks.read(leaf)
    assert begun == list(range(files)) * 2


def test_threads_that_take_turns_decode_nothing_twice(tmp_path, begun):
    blocks = open_blocks(row_files.write_parquet(tmp_path / "a.parquet", X, y), leaf_rows=6)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for leaf in range(len(blocks)):
            found = (first if leaf % 2 else second).submit(blocks.read, leaf).result()
            np.testing.assert_array_equal(found[0], X[leaf * 6 : leaf * 6 + 6])
    assert len(begun) == 1


def test_a_large_row_group_takes_little_memory(tmp_path):
    rows = np.zeros((200_000, 784), np.uint8)
    rows[:, 0] = np.arange(len(rows)) % 251
    kind = pa.binary(784)
    column = pa.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, pa.py_buffer(rows)])
    table = pa.table({"row": column, "label": np.arange(len(rows)) % 7})
    file = tmp_path / "a.parquet"
    pq.write_table(table, file, row_group_size=len(rows), compression="none", use_dictionary=False)
    del table, column
    blocks = open_blocks(file)
    before = pa.total_allocated_bytes()
    largest = 0
    tracemalloc.start()
    for leaf in range(len(blocks)):
        found, _ = blocks.read(leaf)
        assert found[0, 0] == leaf * 8192 % 251
        largest = max(largest, pa.total_allocated_bytes() - before)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert largest < 64 << 20  # of 157 MB
    assert peak < 32 << 20


def test_quoted_cells_may_hold_line_ends_wherever_a_block_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.data.lines.BLOCK", 16)
    lines = [f'{i},"kind\n{i % 3}, ""x"""' for i in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["a,label", *lines, ""]))
    blocks = open_blocks(tmp_path / "a.csv", leaf_rows=3)
    assert blocks.class_names == tuple(f'kind\n{k}, "x"' for k in range(3))
    for leaf in (5, 0, 13, 2):
        found, codes = blocks.read(leaf)
        rows = np.arange(40.0)[leaf * 3 : leaf * 3 + 3]
        np.testing.assert_array_equal(found[:, 0], rows)
        np.testing.assert_array_equal(codes, rows.astype(int) % 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,label\n1,0\nx,1\n", r"line 3: column 'a' holds 'x'; expected a number"),
        ("a,label\n1,0\n\n\nnan,1\n", "line 5: column 'a' holds 'nan'; expected a finite number"),
        ("a,label\n1,0\n2\n", "line 3: it has 1 cells; expected 2"),
        ("a,label\n1,0\n2,\n", "line 3: column 'label' is empty"),
        ("a,label\n1,0\n,1\n", "line 3: column 'a' is empty"),
        ("pixel0,label\n1,0\n256,1\n", "line 3: column 'pixel0' holds '256'; expected a pixel"),
        ("a,label\n1,\udcff\n", "is not UTF-8 text"),
        ("1,2\n3,4\n", "starts with numbers"),
        ("a,label\n\ufeff1,0\n2,1\n", r"line 2: column 'a' holds '\\ufeff1'; expected a number"),
        ('a,label\n1,"x"y\n', "line 2: it is not CSV"),
        ('a,label\n1,""y\n', "line 2: it is not CSV"),
        ("pixel0,label\n1,0\n0x10,1\n", "line 3: column 'pixel0' holds '0x10'; expected a number"),
        ("", "is empty"),
        ("a,b\n1,2\n", "has no column 'label'"),
    ],
)
def test_faulty_csv_is_named_by_its_line(tmp_path, content, sentence):
    (tmp_path / "a.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=sentence):
        open_blocks(tmp_path / "a.csv").load()


@pytest.mark.parametrize(
    "content",
    [
        "a,label\r\n1,x\r\n2,y\r\n",
        "a,label\r1,x\r2,y\r",
        "a, label\n 1 , x\n2,y ",
        "\ufeffa,label\n1,x\n\n2,y",
        '"a","label"\n"1","x"\n2,y\n',
        "a,label\n1.0,x\n2e0,y\n",
    ],
)
def test_csv_in_every_usual_spelling(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content.encode())
    blocks = open_blocks(tmp_path / "a.csv")
    assert blocks.read(0)[0].tolist() == [[1.0], [2.0]]
    assert blocks.class_names == ("x", "y")


def test_csv_files_whose_columns_come_in_another_order(tmp_path):
    (tmp_path / "0.csv").write_text("a,b,label\n1,2,x\n")
    (tmp_path / "1.csv").write_text("label,b,a\ny,4,3\n")
    assert open_blocks(tmp_path).load()[0].tolist() == [[1, 2], [3, 4]]
    (tmp_path / "1.csv").write_text("label,b,c\ny,4,3\n")
    with pytest.raises(DataError, match=r"1\.csv differs from \S*0\.csv: it has other columns"):
        open_blocks(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"X": X}, "no labels"),
        ({"X": X, "y": y[:-1]}, "60 samples and 59 labels"),
        ({"a": X}, "holds the arrays 'a'; expected X and y"),
        ({"X": X[:, 0], "y": y}, r"samples of shape \(60,\)"),
        ({"X": np.where(X[9] == X, np.nan, X), "y": y}, "NaN or infinity in row 9"),
        ({"X": X, "y": y + 0.5}, "the label '0.5' in row 0"),
    ],
)
def test_arrays_that_are_no_rows(tmp_path, arrays, sentence):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=sentence):
        open_blocks(tmp_path / "a.npz").load()


@pytest.mark.parametrize("size", [-8, 8])
def test_arrays_of_another_size_than_promised_are_refused(tmp_path, size):
    """Reading by position would take what follows for values."""
    file = io.BytesIO()
    np.lib.format.write_array(file, X)
    content = file.getvalue()
    content = content[:size] if size < 0 else content + bytes(size)
    labels = io.BytesIO()
    np.lib.format.write_array(labels, y)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", content)
        archive.writestr("y.npy", labels.getvalue())
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "X.npy").write_bytes(content)
    (tmp_path / "pair" / "y.npy").write_bytes(labels.getvalue())
    for source in ("a.npz", "pair"):
        with pytest.raises(DataError, match=r"its header promises 2,400 bytes|but it can hold"):
            open_blocks(tmp_path / source)


def test_a_damaged_packed_array_is_one_sentence(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", X=X, y=y)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[400] ^= 255
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz.* (damaged|cannot be read|truncated)"):
        open_blocks(tmp_path / "a.npz").load()


@pytest.mark.parametrize("shape", [(M, 24), (M, 4, 6), (M, 6, 4, 1)])
def test_arrays_whose_columns_lie_together(tmp_path, shape):
    rows = np.asfortranarray(np.random.default_rng(2).normal(size=shape))
    np.savez(tmp_path / "a.npz", X=rows, y=y)
    blocks = open_blocks(tmp_path / "a.npz", leaf_rows=7)
    np.testing.assert_array_equal(blocks.load()[0], rows.reshape(M, 24))
    np.testing.assert_array_equal(data.load(tmp_path / "a.npz").X_train, rows.reshape(M, 24))
    np.savez_compressed(tmp_path / "a.npz", X=rows, y=y)
    with pytest.raises(DataError, match="packed array whose columns lie together"):
        open_blocks(tmp_path / "a.npz")


def test_idx_files_that_do_not_belong_together(tmp_path):
    rows = np.zeros((5, 2, 2), np.uint8)
    row_files.write_idx(tmp_path, "train", rows, [0, 1, 0, 1])
    with pytest.raises(DataError, match="holds 5 images and train-labels-idx1-ubyte 4 labels"):
        open_blocks(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="lacks the IDX file train-labels"):
        open_blocks(tmp_path)


def test_packed_files_that_end_early_are_named(tmp_path):
    row_files.write_idx(tmp_path, "train", np.zeros((500, 2, 2), np.uint8), np.zeros(500))
    images = tmp_path / "train-images-idx3-ubyte"
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images.read_bytes())[:-12])
    images.unlink()
    with pytest.raises(DataError, match=r"train-images\S* is (a )?truncated"):
        open_blocks(tmp_path).load()


def test_feather_of_version_1_is_refused(tmp_path):
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(100))
    with pytest.raises(DataError, match="Feather of version 1; expected version 2"):
        open_blocks(tmp_path / "a.feather")


def test_blocks_of_files_pickle_small(tmp_path):
    for i in range(20):
        row_files.write_parquet(tmp_path / f"{i}.parquet", X, y)
    assert len(pickle.dumps(open_blocks(tmp_path))) < 10_000
    assert isinstance(open_blocks(tmp_path), Blocks)


FORKS = """
import os, sys
import numpy as np
from handgrad.data.blocks import open_blocks

blocks = open_blocks(sys.argv[1], leaf_rows=3)
expected = np.load(sys.argv[2])
blocks.read(0)
child = os.fork()
for leaf in range(1, len(blocks)):
    assert (blocks.read(leaf)[0] == expected[leaf * 3 : leaf * 3 + 3]).all()
if not child:
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
def test_a_fork_reads_from_files_of_its_own(file):
    expected = file.parent / "expected.npy"
    np.save(expected, X)
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, file, expected],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (found.stdout, found.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("missing", "source"),
    [
        ("pyarrow", "a.parquet"),
        ("pyarrow", "a.arrow"),
        ("pyarrow", "a.csv"),
        ("fsspec", "memory://a.parquet"),
    ],
)
def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch, missing, source):
    address = source
    if "://" not in source:
        address = WRITERS[source](tmp_path / source, X, y)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingPackageError, match=rf"{missing}.*pip install 'handgrad\[blocks\]'"):
        open_blocks(address)


def test_importing_blocks_imports_no_heavy_package():
    program = (
        "import sys, handgrad.data.blocks; "
        "print({'pyarrow', 'fsspec', 'datasets', 'PIL', 'scipy'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"


def test_a_quote_that_nothing_closes_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("handgrad.data.lines.BLOCK", 64)
    monkeypatch.setattr("handgrad.data.lines.LONGEST_LINE", 200)
    rows = [f"{i},x" for i in range(500)]
    rows[7] = '7,"x'
    (tmp_path / "a.csv").write_text("\n".join(["a,label", *rows, ""]))
    with pytest.raises(DataError, match=r"a\.csv, line 9: it is not CSV"):
        open_blocks(tmp_path / "a.csv")


def test_a_label_that_was_not_there_in_the_first_pass(tmp_path):
    file = WRITERS["a.npz"](tmp_path / "a.npz", X, y)
    status = file.stat()
    blocks = open_blocks(file)
    WRITERS["a.npz"](file, X, y + 1)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DataError, match="now hold the label '3', which they did not"):
        blocks.read(0)


def test_rows_too_wide_for_the_memory_are_one_sentence(tmp_path):
    row_files.write_parquet(tmp_path / "a.parquet", X, y)
    blocks = open_blocks(tmp_path / "a.parquet")
    leaves: Any = blocks.reader
    rows = leaves.table_rows
    wide = TableRows(rows.tables, rows.shape._replace(features=1 << 50))
    with pytest.raises(DataError, match="do not fit into memory"):
        wide.read(0, 5)

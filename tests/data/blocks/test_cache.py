from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import row_files
from handgrad.data.blocks import cache as caches
from handgrad.data.blocks import open_blocks
from handgrad.errors import DataError
from row_files import Counted, pickled

if TYPE_CHECKING:
    from pathlib import Path

M = 100
X = np.random.default_rng(0).integers(0, 256, (M, 8)).astype(np.uint8)
y = np.arange(M) % 3


def opened(folder, *, source="a.parquet", **options):
    """Open blocks with a cache, and a count of the reads of their source."""
    blocks = open_blocks(folder / source, leaf_rows=30, cache=folder / "cache", **options)
    leaves: Any = blocks.reader
    counted = leaves.reader = Counted(leaves.reader)
    return blocks, counted.reads


def assert_right(blocks, rows=X, labels=y):
    for leaf in [*range(len(blocks)), *reversed(range(len(blocks)))]:
        found, codes = blocks.read(leaf)
        part = slice(leaf * 30, leaf * 30 + 30)
        np.testing.assert_array_equal(found, rows[part])
        np.testing.assert_array_equal(blocks.classes[codes], labels[part])
        assert found.dtype == rows.dtype
        assert codes.dtype == np.intp


@pytest.fixture
def folder(tmp_path):
    row_files.write_parquet(tmp_path / "a.parquet", X, y, row_files.BYTES, 40)
    return tmp_path


def the_file(folder) -> Path:
    files: list[Path] = list((folder / "cache").iterdir())
    return files[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_leaf_is_read_from_its_source_once(tmp_path, dtype):
    rows = X.astype(dtype)
    row_files.write_parquet(tmp_path / "a.parquet", rows, y, row_files.FIXED_LISTS, 40)
    blocks, reads = opened(tmp_path)
    assert not reads
    assert_right(blocks, rows)
    assert reads == [0, 1, 2, 3]
    again, reads = opened(tmp_path)
    assert_right(again, rows)
    assert reads == []
    assert again.fingerprint == open_blocks(tmp_path / "a.parquet", leaf_rows=30).fingerprint


def test_another_choice_has_another_cache(folder):
    rows = X.astype(np.float64)
    row_files.write_parquet(folder / "b.parquet", rows, y)
    wanted: list[Any] = [
        {},
        {"features": ["f1", "f0"]},
        {"features": ["f0", "f1"]},
        {"label": "f3"},
    ]
    for options in wanted:
        blocks, reads = opened(folder, source="b.parquet", **options)
        blocks.load()
        assert reads == [0, 1, 2, 3]
    assert len(list((folder / "cache").iterdir())) == 4
    blocks, reads = opened(folder, source="b.parquet", features=["f1", "f0"])
    np.testing.assert_array_equal(blocks.load()[0], rows[:, [1, 0]])
    assert reads == []


def test_a_source_that_changed_is_read_again(folder):
    opened(folder)[0].load()
    row_files.write_parquet(folder / "a.parquet", 255 - X, y, row_files.BYTES, 40)
    blocks, reads = opened(folder)
    assert_right(blocks, 255 - X)
    assert reads == [0, 1, 2, 3]


DAMAGES = {
    "a bit of a row": lambda c: c[:200] + bytes([c[200] ^ 1]) + c[201:],
    "a label": lambda c: c[:-1] + bytes([c[-1] ^ 1]),
    "a mark": lambda c: c[:18] + bytes([c[18] ^ 1]) + c[19:],
    "the first line": lambda c: b"x" + c[1:],
    "the end": lambda c: c[:-5],
    "most of it": lambda c: c[:30],
    "all of it": lambda c: c[:0],
    "zeros": lambda c: bytes(len(c)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_leaf_is_read_from_the_source(folder, damage):
    opened(folder)[0].load()
    file = the_file(folder)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    blocks, reads = opened(folder)
    assert_right(blocks)
    assert reads
    blocks, reads = opened(folder)  # and it was written again
    assert_right(blocks)
    assert reads == []


def test_a_file_that_is_cut_or_lost_while_it_is_in_use(folder):
    blocks, reads = opened(folder)
    assert_right(blocks)
    os.truncate(the_file(folder), 300)
    assert_right(blocks)
    the_file(folder).unlink()
    assert_right(blocks)
    shutil.rmtree(folder / "cache")
    assert_right(blocks)
    assert len(reads) > 4


@pytest.mark.parametrize("cut", [None, 30, 100, 300])
@pytest.mark.parametrize("others", [False, True])
def test_leaves_before_a_rewritten_one_are_not_read_as_zeros(folder, cut, others):
    blocks, _ = opened(folder)
    assert_right(blocks)
    if cut is None:
        the_file(folder).unlink()
    else:
        os.truncate(the_file(folder), cut)
    (pickled(blocks) if others else blocks).read(3)
    assert_right(blocks)


def test_a_worker_without_the_folder_reads_the_source(folder):
    blocks, _ = opened(folder)
    worker = pickled(blocks)
    shutil.rmtree(folder / "cache")
    assert_right(worker)
    assert not (folder / "cache").exists()


def test_threads_share_a_cache(folder):
    blocks, _ = opened(folder)
    with ThreadPoolExecutor(4) as threads:
        for leaf, (found, codes) in zip(
            [0, 1, 2, 3] * 20, threads.map(blocks.read, [0, 1, 2, 3] * 20), strict=True
        ):
            np.testing.assert_array_equal(found, X[leaf * 30 : leaf * 30 + 30])
            np.testing.assert_array_equal(codes, y[leaf * 30 : leaf * 30 + 30])


READER = """
import sys
import numpy as np
from handgrad.data.blocks import cache, open_blocks

blocks = open_blocks(sys.argv[1], leaf_rows=30, cache=sys.argv[2])
stop_after = int(sys.argv[3])
write, calls = cache._write_all, []

def write_and_stop(file, values):
    calls.append(1)
    if len(calls) == stop_after:
        content = values.reshape(-1).view(np.uint8)
        file.write(content[: len(content) // 2])
        print("stopped", flush=True)
        sys.stdin.read()
    write(file, values)

cache._write_all = write_and_stop
blocks.load()
print("done", flush=True)
"""


def reader(folder, stop_after=-1):
    return subprocess.Popen(
        [sys.executable, "-c", READER, folder / "a.parquet", folder / "cache", str(stop_after)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 6, 12])
def test_a_killed_writer_leaves_nothing_that_is_taken_for_whole(folder, stop_after):
    with reader(folder, stop_after) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        process.send_signal(signal.SIGKILL)
    blocks, reads = opened(folder)
    assert_right(blocks)
    assert reads == list(range((stop_after - 1) // 3, 4))


def test_two_processes_at_once(folder):
    with reader(folder, 5) as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "stopped\n"
        whole = reader(folder)
        assert whole.communicate()[0] == "done\n"
        assert_right(opened(folder)[0])
        stopped.communicate("")
    blocks, reads = opened(folder)
    assert_right(blocks)
    assert reads == []


def test_a_full_disk_is_one_sentence(folder, monkeypatch):
    blocks, _ = opened(folder)

    def full(file, values):
        del file, values
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(caches, "_write_all", full)
    with pytest.raises(DataError, match=r"cache \S* cannot be written: No space .* free some"):
        blocks.read(0)


def test_a_folder_that_cannot_be_made(folder):
    (folder / "file").write_text("")
    with pytest.raises(DataError, match="for the cache cannot be made"):
        open_blocks(folder / "a.parquet", cache=folder / "file" / "cache")


def test_a_sequence_has_no_cache(tmp_path):
    with pytest.raises(DataError, match="cannot be cached, because nothing tells when it changes"):
        open_blocks([(X[0], 0), (X[1], 1)], cache=tmp_path)


def test_pictures_are_decoded_here_once_they_are_cached(tmp_path):
    rows = X[:, :4]
    row_files.write_parquet(tmp_path / "a.parquet", rows, y, row_files.PICTURES)
    blocks = open_blocks(tmp_path / "a.parquet", leaf_rows=30, cache=tmp_path / "cache")
    assert blocks.reader.in_processes
    assert_right(blocks, rows)
    assert not blocks.reader.in_processes


def test_selections_of_cached_rows(folder):
    blocks, reads = opened(folder)
    train, test = blocks.with_held_out()
    train.load()
    test.load()
    assert reads == [0, 1, 2, 3]
    assert replace(blocks).fingerprint == blocks.fingerprint

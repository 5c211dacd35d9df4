from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

import row_files
from handgrad.data.blocks import Blocks, open_blocks, read_ahead
from handgrad.errors import DataError

X = np.arange(20.0)[:, None]
y = np.array([0, 1] * 10)
STARTED: list[subprocess.Popen[bytes]] = []
WIDE = np.zeros((20, 1 << 16), np.uint8)
PIXELS = np.arange(80, dtype=np.uint8).reshape(20, 4)


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "handgrad reader"]


@pytest.fixture(autouse=True)
def _started(monkeypatch):
    """Note the processes that start."""
    STARTED.clear()
    start = subprocess.Popen.__init__

    def note(self, *arguments, **options):
        start(self, *arguments, **options)
        STARTED.append(self)

    monkeypatch.setattr(subprocess.Popen, "__init__", note)


def children():
    return [process for process in STARTED if process.returncode is None]


class Watched:
    """A reader that stops at a gate, and says how many leaves it has read."""

    in_processes = False

    def __init__(self, reader, gate=None, fails_at=None):
        self.reader, self.gate, self.fails_at = reader, gate, fails_at
        self.read_leaves = []
        self.changed = threading.Condition()

    def read(self, leaf):
        if leaf == self.fails_at:
            raise DataError(f"leaf {leaf} is damaged")
        if self.gate is not None:
            self.gate.acquire()
        with self.changed:
            self.read_leaves.append(leaf)
            self.changed.notify_all()
        return self.reader.read(leaf)

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.read_leaves) >= count, timeout=60)


def blocks_of(pictures, folder):
    if not pictures:
        return Blocks.of(X, y, leaf_rows=3)
    file = row_files.write_parquet(folder / "a.parquet", PIXELS, y, row_files.PICTURES, 6)
    return open_blocks(file, leaf_rows=3)


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("order", [range(7), [6, 0, 3], [2], [], [1, 1]])
def test_leaves_come_in_the_given_order(tmp_path, pictures, order):
    blocks = blocks_of(pictures, tmp_path)
    found = list(read_ahead(blocks, order))
    assert [leaf for leaf, _, _ in found] == list(order)
    for leaf, rows, codes in found:
        expected, labels = blocks.read(leaf)
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_array_equal(codes, labels)
    assert not readers()
    assert not children()


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_leaves_lie_ready_than_asked_for(depth):
    blocks = Blocks.of(X, y, leaf_rows=1)
    watched = Watched(blocks.reader)
    leaves = read_ahead(replace(blocks, reader=watched), range(20), depth)
    next(leaves)
    watched.wait_for(depth + 1)
    # One more may have been read, which waits for room.
    assert len(watched.read_leaves) <= depth + 2
    leaves.close()
    assert not readers()


def test_reading_goes_on_while_a_leaf_is_used():
    blocks = Blocks.of(X, y, leaf_rows=5)
    watched = Watched(blocks.reader)
    leaves = read_ahead(replace(blocks, reader=watched), range(4))
    next(leaves)
    watched.wait_for(3)  # without asking for another leaf
    leaves.close()


@pytest.mark.parametrize("pictures", [False, True])
def test_closing_early_ends_what_reads(tmp_path, pictures):
    leaves = read_ahead(blocks_of(pictures, tmp_path), range(7))
    next(leaves)
    assert readers() or children()
    leaves.close()
    assert not readers()
    assert not children()


def test_an_error_of_the_user_of_leaves_ends_the_thread():
    def use():
        for leaf, _, _ in read_ahead(Blocks.of(X, y, leaf_rows=3), range(7)):
            if leaf == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert not readers()


def test_an_error_of_the_reader_comes_in_the_place_of_its_leaf():
    blocks = Blocks.of(X, y, leaf_rows=3)
    broken = replace(blocks, reader=Watched(blocks.reader, fails_at=3))
    found: list[int] = []
    with pytest.raises(DataError, match="leaf 3 is damaged"):
        found.extend(leaf for leaf, _, _ in read_ahead(broken, range(7)))
    assert not readers()


def test_a_damaged_picture_is_an_error_of_the_parent(tmp_path):
    file = tmp_path / "a.parquet"
    table = row_files.table(PIXELS, y, row_files.PICTURES)
    pictures = table.column("image").to_pylist()
    pictures[10]["bytes"] = b"nothing"
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(table.set_column(0, "image", pa.array(pictures)), file)
    found: list[int] = []
    with pytest.raises(DataError, match=r"row 10 .* is not a PNG"):
        found.extend(leaf for leaf, _, _ in read_ahead(open_blocks(file, leaf_rows=3), range(7)))
    assert not children()


def test_a_reader_whose_parent_is_killed_ends_without_a_word(tmp_path):
    row_files.write_parquet(tmp_path / "a.parquet", WIDE, y, row_files.PICTURES)
    program = (
        "import os\n"
        "from handgrad.data.blocks import open_blocks\n"
        "from handgrad.data.blocks.processes import ReaderProcess\n"
        f"process = ReaderProcess(open_blocks({str(tmp_path / 'a.parquet')!r}))\n"
        "process.ask(0)\n"
        "process._process.stdout.read(1)\n"  # it is sending now, more than a pipe holds
        "os._exit(0)\n"
    )
    found = subprocess.run(  # until the last process that has standard error ends
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert (found.stdout, found.stderr) == ("", "")


def test_a_script_needs_no_guard_around_its_main_part(tmp_path):
    row_files.write_parquet(tmp_path / "a.parquet", PIXELS, y, row_files.PICTURES)
    script = tmp_path / "script.py"
    script.write_text(
        "from handgrad.data.blocks import open_blocks, read_ahead\n"
        f"blocks = open_blocks({str(tmp_path / 'a.parquet')!r}, leaf_rows=3)\n"
        "print(sum(int(X.sum()) for _, X, _ in read_ahead(blocks, range(len(blocks)))))\n"
    )
    found = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (found.stdout, found.stderr) == (f"{int(PIXELS.sum())}\n", "")

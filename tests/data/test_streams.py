"""Files that lie about their size, or are no files, are refused with a sentence."""

from __future__ import annotations

import gzip
import io
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data import streams
from handgrad.data.streams import capacity, open_unpacked, packed_position, read_exactly, reading
from handgrad.errors import DataError

CONTENT = b"0123456789" * 50


class Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time, as sockets do, and counts what it gave."""

    given = 0

    def read(self, size=-1):
        """Return at most 7 bytes."""
        content = super().read(min(size, 7) if size >= 0 else 7)
        self.given += len(content)
        return content


@given(content=st.binary(max_size=300), promised=st.integers(0, 300))
def test_a_promise_is_kept_to_the_byte_or_refused(content, promised):
    stream = Dripping(content)
    if promised == len(content):
        assert read_exactly(stream, promised, most=300, what="it") == content
    else:
        with pytest.raises(DataError, match=f"promises {promised} bytes of data"):
            read_exactly(stream, promised, most=300, what="it")
        assert stream.given <= promised + 7  # what follows is noticed, not read


def test_a_promise_that_cannot_be_kept_reads_nothing():
    stream = Dripping(CONTENT)
    with pytest.raises(DataError, match="promises 501 bytes, but it can hold at most 500"):
        read_exactly(stream, 501, most=500, what="it")
    assert stream.given == 0


def test_a_large_promise_takes_no_memory_in_advance(monkeypatch):
    asked = []

    class Asked(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(streams, "CHUNK", 64)
    with pytest.raises(DataError, match="but 500 follow"):
        read_exactly(Asked(CONTENT), 1 << 40, most=1 << 40, what="it")
    assert max(asked) == 64


@pytest.mark.parametrize("name", ["plain.bin", "packed.GZ"])
def test_a_file_is_unpacked_by_its_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(CONTENT) if name.endswith("GZ") else CONTENT)
    with open_unpacked(path) as stream:
        assert stream.read() == CONTENT
        assert packed_position(stream) == path.stat().st_size
    assert len(CONTENT) <= capacity(path)


@pytest.mark.parametrize("byte", [b"\0", b"a"])
def test_no_gzip_file_unpacks_to_more_than_its_capacity(tmp_path, byte):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(byte * (1 << 22), compresslevel=9))
    assert capacity(path) >= 1 << 22


@pytest.mark.parametrize("end", [0, 5, 12, -1])
def test_a_gzip_file_that_was_cut_is_named(tmp_path, end):
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(CONTENT)[:end] or b"\x1f")
    with (
        pytest.raises(DataError, match=r"cut\.gz is a truncated or damaged gzip file"),
        open_unpacked(path) as stream,
    ):
        stream.read()


def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with (
            pytest.raises(DataError, match=r"is not a regular file; expected one"),
            open_unpacked(tmp_path / name),
        ):
            pass


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EOFError("end"), r"a\.csv is a truncated or damaged file \(end\)"),
        (zlib.error("bad"), "truncated or damaged file"),
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "UTF-8"),
        (MemoryError(), "does not fit into memory"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_file_raises_becomes_one_sentence(tmp_path, error, words):
    with pytest.raises(DataError, match=words) as raised, reading(tmp_path / "a.csv"):
        raise error
    assert raised.value.__cause__ is error


def test_other_errors_are_not_hidden(tmp_path):
    with pytest.raises(ZeroDivisionError), reading(tmp_path / "a.csv"):
        _ = 1 / 0

"""Tables come in blocks of whole lines, so that memory follows what is parsed."""

from __future__ import annotations

import csv
import gzip
import tracemalloc

import numpy as np
import pytest

from handgrad import data
from handgrad.data import lines
from handgrad.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def test_a_table_longer_than_a_block_is_read_whole(path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 60)
    rows = [[i, i / 4, "ab"[i % 2]] for i in range(100)]
    write(path, ["one", "two", "label"], rows)
    dataset = data.load(path)
    np.testing.assert_array_equal(dataset.X_train, [row[:2] for row in rows])
    rows[77][1] = "x"
    write(path, ["one", "two", "label"], rows)
    with pytest.raises(DataError, match="line 79: column 'two' holds 'x'"):
        data.load(path)


def test_a_line_without_end_is_refused(path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path.write_text("a,label\n" + "1" * 5000)
    with pytest.raises(DataError, match="a line of more than 1,000 bytes"):
        data.load(path)


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_line_of_a_fault_is_counted_through_blank_lines_and_blocks(path, monkeypatch, quote):
    monkeypatch.setattr(lines, "BLOCK", 16)
    rows = [f"{quote}{i}{quote},ab" for i in range(20)]
    rows[11] = f"{quote}cat{quote},ab"
    for end in ("\n", "\r\n", "\r"):
        path.write_text("a,label" + end + (3 * end).join(rows), newline="")
        with pytest.raises(DataError, match="line 35: column 'a' holds 'cat'"):
            data.load(path)


def peak_of(function) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_blank_lines_without_end_are_skipped_or_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,label\n" + b"\n" * 30_000_000 + b"1,x\n2,y\n"))
    with pytest.raises(DataError, match="unpacks to more than 256 times its size"):
        data.load(path)
    plain = tmp_path / "table.csv"
    plain.write_bytes(b"a,label\n" + b"\n" * 20_000_000 + b"1,x\n2,y\n")
    assert peak_of(lambda: data.load(plain)) < 80_000_000


def test_a_table_of_few_numbers_among_zeros_is_not_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "SMALL", 0)
    random = np.random.default_rng(0)
    table = random.integers(1, 9, (100, 20_000)) * (random.random((100, 20_000)) < 0.005) / 2
    names = [f"f{j}" for j in range(20_000)]
    rows = (",".join(map(str, row)) for row in [names, *table.tolist()])
    path = tmp_path / "table.csv.gz"
    content = "\n".join(rows).encode()
    path.write_bytes(gzip.compress(content))
    assert len(content) > 100 * path.stat().st_size
    np.testing.assert_array_equal(data.load_samples(path).X, table)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("a,label", "1,ab"),
        ("pixel0,label", "1,ab"),
        ("a,label", '"1",ab'),
        ("label,a", "7,1"),
        ("label," + ",".join(f"f{j}" for j in range(10)), "x" + ",1" * 10),
    ],
)
def test_memory_follows_what_is_parsed(tmp_path, monkeypatch, header, line):
    monkeypatch.setattr(lines, "BLOCK", 1 << 15)
    path = tmp_path / "table.csv"
    path.write_text(header + "\n" + (line + "\n") * (500_000 // len(line)))
    rows = 500_000 // len(line)
    parsed = rows * (100 + 8 * header.count(","))  # of names, labels and features
    assert peak_of(lambda: data.load_samples(path)) < 2_000_000 + parsed

"""Jobs that would write where they read, or twice to one place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handgrad.errors import WriteError
from handgrad.files.overlaps import check_distinct

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A file with a symbolic and a hard link, a folder of images, and one of IDX files."""
    monkeypatch.chdir(tmp_path)
    Path("s.csv").touch()
    Path("link").symlink_to("s.csv")
    Path("hard").hardlink_to("s.csv")
    Path("here").symlink_to(".")
    Path("loop").symlink_to("loop")
    Path("images", "cat").mkdir(parents=True)
    Path("images", "cat", "1.png").touch()
    Path("elsewhere").mkdir()
    Path("elsewhere", "2.png").touch()
    Path("images", "dog").symlink_to(tmp_path / "elsewhere")
    Path("images", "cat", "back").symlink_to(tmp_path / "images")
    Path("idx").mkdir()
    for name in IDX:
        Path("idx", name).touch()
    Path("labels").hardlink_to(Path("idx", IDX[1]))


@pytest.mark.parametrize(
    "write",
    ["s.csv", "./s.csv", "link", "hard", "here/s.csv", "images/../s.csv", Path("s.csv").absolute],
)
def test_a_file_that_is_read_is_not_written(write):
    write = write() if callable(write) else write
    with pytest.raises(WriteError, match=r"s\.csv would be read and overwritten"):
        check_distinct(["s.csv"], ["new", write])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("new", "new"),
        ("new", "./new"),
        ("new", "here/new"),
        ("new", "NEW"),
        ("größe", "gro\u0308ße"),
        ("link", "hard"),
        ("s.csv", "link"),
    ],
)
def test_nothing_is_written_twice(one, other):
    with pytest.raises(WriteError, match="are the same file, which would be written twice"):
        check_distinct([], [one, other])


def test_a_file_is_not_the_folder_of_another_one():
    for outer in ("plots", "./plots", "PLOTS"):
        for writes in ([outer, "plots/a.png"], ["plots/a.png", outer]):
            with pytest.raises(WriteError, match=r"but plots/a\.png lies in a folder of that name"):
                check_distinct([], writes)


@pytest.mark.parametrize(
    "write",
    ["images/cat/1.png", "images/new", "images/cat/new", "here/images/n", "elsewhere/2.png"],
)
def test_nothing_is_written_among_images_that_are_read(write):
    with pytest.raises(WriteError, match="lies in the folder images"):
        check_distinct(["images"], [write])


@pytest.mark.parametrize("write", [f"idx/{IDX[0]}", f"idx/{IDX[0]}.gz", "labels"])
def test_no_idx_file_is_overwritten_or_put_before_one_that_is_read(write):
    with pytest.raises(WriteError, match="lies in the folder idx"):
        check_distinct(["idx"], [write])


def test_a_model_may_lie_beside_idx_files():
    Path("idx", "model.safetensors").touch()
    check_distinct(["idx"], ["idx/model.safetensors", "idx/history.csv"])


def test_different_files_do_not_overlap():
    check_distinct(["s.csv", "images", "none", "mnist"], ["a", "b", "elsewhere/new", "images.csv"])
    check_distinct(["s.csv", "s.csv", "link"], [])


def test_names_that_differ_in_case_may_be_two_files_that_are_there():
    Path("a").touch()
    Path("A").touch()
    if Path("a").samefile("A"):
        pytest.skip("this disk does not tell cases apart")
    check_distinct(["a"], ["A"])


@pytest.mark.skipif(os.name != "posix", reason="there are no such devices here")
def test_devices_and_pipes_may_be_named_twice():
    os.mkfifo("pipe")
    check_distinct(["pipe", os.devnull], ["pipe", "pipe", os.devnull, os.devnull])


@pytest.mark.parametrize("path", ["loop", "loop/x", "a\0b", "x" * 300, "s.csv/below", ""])
def test_a_path_that_cannot_be_is_left_to_who_reads_or_writes_it(path):
    check_distinct([path], [path, "new"])

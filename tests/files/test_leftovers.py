"""What killed writers leave behind, and what living ones need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from handgrad.errors import WriteError
from handgrad.files import leftovers
from handgrad.files.atomic import check_writable, write_atomically

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such locks elsewhere")

WRITER = """
import sys, time
from pathlib import Path
from handgrad.files.leftovers import temporary_file
with temporary_file(Path(sys.argv[1])) as (path, file):
    file.write(b"a part")
    file.flush()
    print(path, flush=True)
    sys.stdin.read()
    path.replace(sys.argv[1])
"""


@contextmanager
def writer(target):
    """A process that is in the middle of writing to the target, and its temporary file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "model.safetensors"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed(target):
    with writer(target) as (process, temporary):
        process.send_signal(signal.SIGKILL)
        process.wait()
    return temporary


def test_the_next_save_removes_what_killed_ones_left(target, tmp_path):
    for _ in range(2):
        killed(target)
        assert len(names(tmp_path)) == 1  # the second one has removed what the first one left
    write_atomically(target, b"whole")
    assert names(tmp_path) == [target.name]
    assert target.read_bytes() == b"whole"


def test_a_check_removes_what_a_killed_save_left(target, tmp_path):
    killed(target)
    check_writable(target)
    assert names(tmp_path) == []


def test_a_living_writer_keeps_its_file(target, tmp_path):
    with writer(target) as (process, temporary):
        for content in (b"one", b"two"):
            write_atomically(target, content)
        check_writable(target)
        assert Path(temporary).exists()
        process.communicate("go on")
        assert process.returncode == 0
    assert target.read_bytes() == b"a part"
    assert names(tmp_path) == [target.name]


def test_leftovers_of_another_target_are_not_touched(target, tmp_path):
    temporary = killed(tmp_path / "other")
    write_atomically(target, b"whole")
    assert Path(temporary).exists()


def test_a_leftover_of_another_machine_is_removed_after_a_day(target, tmp_path, monkeypatch):
    temporary = killed(target)
    monkeypatch.setattr(leftovers, "_machine", lambda: "elsewhere")
    write_atomically(target, b"one")
    assert Path(temporary).exists()
    os.utime(temporary, (time.time() - 2 * leftovers.DAY,) * 2)
    write_atomically(target, b"two")
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("error", [OSError(95, "Operation not supported"), OSError(37, "No locks")])
def test_where_there_are_no_locks_files_are_written_and_leftovers_kept_for_a_day(
    target, tmp_path, monkeypatch, error
):
    temporary = killed(target)

    def flock(*_):
        raise error

    monkeypatch.setattr(leftovers.fcntl, "flock", flock)
    write_atomically(target, b"one")
    assert target.read_bytes() == b"one"
    assert Path(temporary).exists()
    os.utime(temporary, (time.time() - 2 * leftovers.DAY,) * 2)
    write_atomically(target, b"two")
    assert names(tmp_path) == [target.name]


def test_a_new_file_that_another_process_takes_for_a_leftover_is_created_again(target, monkeypatch):
    lock = leftovers.lock
    taken: list[str] = []

    def lock_too_late(descriptor):
        if not taken:
            (path,) = target.parent.glob(".handgrad-*")
            path.unlink()
            taken.append(path)
        return lock(descriptor)

    monkeypatch.setattr(leftovers, "lock", lock_too_late)
    write_atomically(target, b"whole")
    assert taken
    assert target.read_bytes() == b"whole"


def test_what_only_has_the_name_of_a_leftover_is_left_alone(target, tmp_path):
    begin = leftovers.prefix_here(target)
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / f"{begin}1.tmp").symlink_to(tmp_path / "precious")
    (tmp_path / f"{begin}2.tmp").mkdir()
    os.mkfifo(tmp_path / f"{begin}3.tmp")
    before = names(tmp_path)
    write_atomically(target, b"whole")
    assert names(tmp_path) == sorted([*before, target.name])
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["x" * 250, "x" * 255, "ü" * 127])
def test_a_name_as_long_as_the_disk_allows_is_written(tmp_path, name):
    check_writable(tmp_path / name)
    write_atomically(tmp_path / name, b"content")
    assert names(tmp_path) == [name]
    with pytest.raises(WriteError, match="too long"):
        check_writable(tmp_path / (name + "xxxxxx"))


def test_leftovers_of_earlier_versions_go_when_they_are_a_day_old(tmp_path):
    old, new, others = (
        tmp_path / name for name in (".a.0123abcd.tmp", ".a.4567abcd.tmp", ".b.0123abcd.tmp")
    )
    for path in (old, new, others):
        path.touch()
    for path in (old, others):
        os.utime(path, (1, 1))
    write_atomically(tmp_path / "a", b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a", new.name, others.name])

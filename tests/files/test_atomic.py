from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

import pytest

from handgrad.errors import WriteError
from handgrad.files.atomic import check_writable, write_atomically


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    plain, atomic = tmp_path / "plain", tmp_path / "atomic"
    plain.write_bytes(b"")
    write_atomically(atomic, b"")
    assert plain.stat().st_mode == atomic.stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_written_to_and_never_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    check_writable(path)
    write_atomically(path, b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert path.is_fifo()


@pytest.mark.parametrize("function", [check_writable, lambda path: write_atomically(path, b"")])
@pytest.mark.parametrize("name", ["none/file", "."])
def test_a_place_that_takes_no_file_is_refused(tmp_path, function, name):
    with pytest.raises(WriteError):
        function(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="Permission denied"):
        check_writable(tmp_path / "file")


def test_a_check_leaves_an_old_file_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    check_writable(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions are others elsewhere")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444, 0o755])
def test_a_file_that_is_replaced_hands_its_permissions_on(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix", reason="permissions are others elsewhere")
def test_what_replaces_a_private_file_is_never_open_to_others(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    flush = os.fsync

    def look(descriptor):
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    write_atomically(path, b"new")
    assert seen[0] == 0o600


@pytest.mark.skipif(os.name != "posix", reason="folders are not flushed elsewhere")
def test_the_folder_is_flushed_after_the_file(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda d: flushed.append(stat.S_IFMT(os.fstat(d).st_mode)))
    write_atomically(tmp_path / "file", b"new")
    assert flushed == [stat.S_IFREG, stat.S_IFDIR]


# The limit ends with the write, so that nothing else meets it when the program ends.
ON_A_FULL_DISK = """
import resource, sys
from handgrad.files.atomic import write_atomically

limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
try:
    write_atomically(sys.argv[1], bytes(1_000_000))
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
"""


@pytest.mark.skipif(os.name != "posix", reason="there are no such limits elsewhere")
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, old):
    path = tmp_path / "file"
    if old:
        path.write_bytes(old)
    run = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(path)], capture_output=True, text=True
    )
    assert run.stderr.splitlines()[-1].endswith("file cannot be written: File too large.")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([old] if old else [])


@pytest.mark.parametrize("function", [check_writable, lambda path: write_atomically(path, b"")])
@pytest.mark.parametrize("name", ["loop", "loop/x", "file/below", "a\0b", "x" * 300, "d/" * 3000])
def test_a_path_that_cannot_be_is_refused_in_a_sentence(tmp_path, function, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(WriteError, match=r"cannot be written: .*\.$"):
        function(tmp_path / name)
    assert (tmp_path / "loop").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no such sockets here")
def test_a_socket_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's whole path has to be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(WriteError, match="socket is a socket"):
            check_writable("socket")


def test_a_link_to_nothing_yet_leads_to_the_new_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()

"""The download of MNIST, from mirrors on this machine."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from handgrad.data import mnist
from handgrad.errors import DataError


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with four small files, and their hashes in place of MNIST's."""
    served = tmp_path / "served"
    served.mkdir()
    hashes = {}
    for part, m in (("train", 4), ("t10k", 2)):
        shapes = {"images-idx3": (m, 2, 2), "labels-idx1": (m,)}
        for kind, shape in shapes.items():
            values = np.arange(np.prod(shape), dtype=np.uint8)
            header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
            content = header + values.tobytes()
            name = f"{part}-{kind}-ubyte"
            hashes[name] = hashlib.sha256(content).hexdigest()
            (served / f"{name}.gz").write_bytes(gzip.compress(content))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(mnist, "HASHES", hashes)
    monkeypatch.setattr(mnist, "MIRRORS", (f"http://127.0.0.1:{server.server_port}/",))
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def test_mnist_is_downloaded_once(mirror, tmp_path):
    cache = tmp_path / "cache"
    first = mnist.read_mnist(cache)
    assert first.train.X.tolist()[0] == [0, 1, 2, 3]
    for path in mirror.iterdir():
        path.unlink()
    second = mnist.read_mnist(cache)
    assert first.test is not None
    assert second.test is not None
    np.testing.assert_array_equal(first.test.X, second.test.X)


def test_the_next_mirror_serves_where_the_first_is_gone_or_wrong(mirror, tmp_path, monkeypatch):
    right = mnist.MIRRORS[0]
    wrong = mirror / "wrong"
    wrong.mkdir()
    (wrong / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    mirrors = ("http://127.0.0.1:9/", f"{right}gone/", f"{right}wrong/", right)
    monkeypatch.setattr(mnist, "MIRRORS", mirrors)
    assert len(mnist.read_mnist(tmp_path / "cache").train.X) == 4


def test_a_damaged_cache_is_fetched_again(mirror, tmp_path):
    cache = tmp_path / "cache"
    mnist.read_mnist(cache)
    path = cache / "train-labels-idx1-ubyte.gz"
    for damage in (b"", path.read_bytes()[:-3], gzip.compress(b"other")):
        path.write_bytes(damage)
        mnist.read_mnist(cache)
        assert path.read_bytes() == (mirror / path.name).read_bytes()


def test_without_a_network_the_error_names_the_ways_on(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(DataError, match=r"use mnist-5k.*or name a folder with the four IDX files"):
        mnist.read_mnist(tmp_path)


def test_the_pinned_hashes_are_those_of_mnist(mnist_folder):
    for name, expected in mnist.HASHES.items():
        content = gzip.decompress((mnist_folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handgrad import data
from handgrad.data.idx import read_array
from handgrad.errors import DataError

images = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6))


def idx_bytes(array) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + bytes(array)


def write(path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for part, m in (("train", 6), ("t10k", 4)):
        pixels = random.integers(0, 256, (m, 3, 2), dtype=np.uint8)
        write(tmp_path / f"{part}-images-idx3-ubyte.gz", idx_bytes(pixels))
        write(tmp_path / f"{part}-labels-idx1-ubyte", idx_bytes(np.arange(m, dtype=np.uint8) % 3))
    return tmp_path


@given(array=images, name=st.sampled_from(["a-idx3-ubyte", "a-idx3-ubyte.gz"]))
def test_images_come_back_as_written(tmp_path_factory, array, name):
    path = tmp_path_factory.mktemp("idx") / name
    write(path, idx_bytes(array))
    np.testing.assert_array_equal(read_array(path, dimensions=3), array)


def test_a_folder_gives_training_and_test_samples(folder):
    dataset = data.load(folder)
    assert dataset.X_train.shape == (6, 6)
    assert dataset.X_test.shape == (4, 6)
    assert dataset.X_train.dtype == np.uint8
    assert dataset.y_train.tolist() == [0, 1, 2, 0, 1, 2]
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.image_shape == (3, 2)
    samples = data.load_samples(folder)
    np.testing.assert_array_equal(samples.X, dataset.X_test)
    unlabelled = data.load_samples(folder / "t10k-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(unlabelled.X, dataset.X_test)
    assert unlabelled.y is None


def test_files_with_a_dot_in_their_names_are_found(folder):
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert data.load(folder).X_train.shape == (6, 6)


def test_a_missing_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="lacks t10k-labels-idx1-ubyte"):
        data.load(folder)


def test_labels_and_images_that_differ_in_number_are_refused(folder):
    write(folder / "train-labels-idx1-ubyte", idx_bytes(np.zeros(5, np.uint8)))
    with pytest.raises(DataError, match="6 images and train-labels-idx1-ubyte 5 labels"):
        data.load(folder)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[:-1], "truncated: its header promises 24 bytes of data, but 23|trunc"),
        (lambda whole: whole[:9], "truncated: it ends within its header"),
        (lambda _whole: b"", "starts with the bytes"),
        (lambda whole: whole + b"x", "more follow"),
        (lambda whole: b"\x01" + whole[1:], "expected 00 00 08 03"),
        (lambda whole: whole[:3] + b"\x01" + whole[4:], "expected 00 00 08 03"),
        (lambda whole: whole[:4] + b"\xff" * 12 + whole[16:], "can hold at most"),
        (lambda whole: whole[:4] + struct.pack(">3I", 0, 3, 2), "expected at least one"),
        (lambda whole: whole[:4] + struct.pack(">3I", 4, 0, 2), "expected at least one"),
    ],
)
def test_a_damaged_file_is_refused_by_name(folder, suffix, damage, words):
    whole = idx_bytes(np.ones((4, 3, 2), np.uint8))
    path = folder / f"x-idx3-ubyte{suffix}"
    write(path, damage(whole))
    with pytest.raises(DataError, match=words) as raised:
        data.load_samples(path)
    assert str(path) in str(raised.value)


def test_a_gzip_that_unpacks_past_its_promise_takes_no_memory_for_it(tmp_path):
    path = tmp_path / "bomb-idx3-ubyte.gz"
    write(path, idx_bytes(np.ones((4, 3, 2), np.uint8)) + bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="more follow"):
        data.load_samples(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("train-labels-idx1-ubyte.gz", np.zeros(5, np.uint8), "30,000,000 images and"),
        (
            "t10k-images-idx3-ubyte.gz",
            np.zeros((4, 5, 2), np.uint8),
            "1 features in its tr.*and 10",
        ),
    ],
)
def test_headers_are_compared_before_pixels_are_read(folder, name, array, words):
    m = 30_000_000
    write(folder / "train-images-idx3-ubyte.gz", idx_bytes(np.zeros((m, 1, 1), np.uint8)))
    for stem in ("train-labels-idx1-ubyte", name.removesuffix(".gz")):
        (folder / stem).unlink(missing_ok=True)
    write(folder / "train-labels-idx1-ubyte.gz", idx_bytes(np.zeros(m, np.uint8)))
    write(folder / name, idx_bytes(array))
    tracemalloc.start()
    with pytest.raises(DataError, match=words):
        data.load(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_gzip_of_several_members_is_read_whole(tmp_path):
    path = tmp_path / "a-idx3-ubyte.gz"
    whole = idx_bytes(np.arange(24, dtype=np.uint8).reshape(4, 3, 2))
    path.write_bytes(gzip.compress(whole[:9]) + gzip.compress(b"") + gzip.compress(whole[9:]))
    assert data.load_samples(path).X.ravel().tolist() == list(range(24))
    path.write_bytes(path.read_bytes() + gzip.compress(b"\0"))
    with pytest.raises(DataError, match="more follow"):
        data.load_samples(path)


def test_a_truncated_gzip_and_one_with_a_wrong_checksum_are_refused(folder):
    path = folder / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for damaged in (whole[:-4], whole[:-8] + bytes(8), b"no gzip", whole + b"garbage"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged gzip"):
            data.load(folder)


@given(changes=st.data())
def test_any_damage_gives_a_sentence_or_an_array_of_the_promised_size(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("idx") / changes.draw(st.sampled_from(["a", "a.gz"]))
    write(path, idx_bytes(np.arange(24, dtype=np.uint8).reshape(4, 3, 2)))
    content = bytearray(path.read_bytes())
    for _ in range(changes.draw(st.integers(0, 3))):
        content[changes.draw(st.integers(0, len(content) - 1))] = changes.draw(st.integers(0, 255))
    path.write_bytes(content[: changes.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError):
        assert math.prod(read_array(path, dimensions=3).shape) == 24


def test_a_single_class_is_refused(folder):
    for part, m in (("train", 6), ("t10k", 4)):
        write(folder / f"{part}-labels-idx1-ubyte", idx_bytes(np.full(m, 7, np.uint8)))
    with pytest.raises(DataError, match="single class, '7'"):
        data.load(folder)


def test_mnist_is_what_its_authors_published(mnist_folder):
    dataset = data.load(mnist_folder)
    assert dataset.X_train.shape == (60_000, 784)
    assert dataset.X_test.shape == (10_000, 784)
    assert dataset.X_train.dtype == np.uint8
    assert dataset.image_shape == (28, 28)
    assert dataset.class_names == tuple("0123456789")
    assert dataset.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(dataset.y_train).tolist() == counts
    assert dataset.X_train.mean() == pytest.approx(33.318, abs=1e-3)

from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handgrad import data
from handgrad.errors import DataError

X = np.arange(12.0).reshape(6, 2)
y = np.array([0, 1, 1, 0, 1, 0])
matrices = hnp.arrays(
    st.sampled_from(["u1", "f4", "f8", "<i8", ">i4", ">f8"]),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.integers(0, 100),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "arrays.npz"


@given(matrix=matrices, compressed=st.booleans(), fortran=st.booleans())
def test_arrays_come_back_as_written(tmp_path_factory, matrix, compressed, fortran):
    path = tmp_path_factory.mktemp("npz") / "arrays.npz"
    labels = np.arange(len(matrix)) % 3
    written = np.asfortranarray(matrix) if fortran else matrix
    (np.savez_compressed if compressed else np.savez)(path, X=written, y=labels)
    samples = data.load_samples(path)
    np.testing.assert_array_equal(samples.X, matrix)
    np.testing.assert_array_equal(samples.y, labels)
    kept = matrix.dtype in (np.uint8, np.float32)
    assert samples.X.dtype == (matrix.dtype if kept else np.float64)
    assert samples.X.flags.c_contiguous


def test_keras_arrays_give_pictures_for_training_and_test(path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 4, 3), dtype=np.uint8)
    labels = np.arange(9, dtype=np.uint8) % 2
    np.savez(
        path,
        x_train=pixels,
        y_train=labels[:, None],
        x_test=pixels[:5, :, :, None],
        y_test=labels[:5],
    )
    dataset = data.load(path)
    assert dataset.image_shape == (4, 3)
    np.testing.assert_array_equal(dataset.X_train, pixels.reshape(9, 12))
    assert dataset.X_test.shape == (5, 12)
    assert dataset.y_train.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (y.astype(float), ("0", "1")),
        (np.array(["cat", "dog"])[y], ("cat", "dog")),
        (np.array([b"cat", b"dog"])[y], ("cat", "dog")),
        (y.astype(bool), ("0", "1")),
    ],
)
def test_labels_of_other_types_are_taken(path, labels, names):
    np.savez(path, X=X, y=labels)
    dataset = data.load(path)
    assert dataset.class_names == names
    np.testing.assert_array_equal(dataset.y_train, y)


def test_an_npy_file_and_x_alone_have_no_labels(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "X.npz", X=X)
    for name in ("X.npy", "X.npz"):
        samples = data.load_samples(tmp_path / name)
        assert samples.y is None
        np.testing.assert_array_equal(samples.X, X)
    with pytest.raises(DataError, match="no labels"):
        data.load(tmp_path / "X.npz")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"X": X.T.repeat(4, axis=1), "y": np.arange(24) % 2},
            r"samples as columns.*hand over X\.T",
        ),
        ({"X": X, "y": y[:4]}, "6 samples and 4 labels"),
        ({"X": X, "y": np.eye(2)[y]}, "never one-hot"),
        ({"X": X, "y": y + 0.5}, "not whole numbers"),
        ({"X": X, "y": y * 0}, "single class"),
        ({"X": X[:0], "y": y[:0]}, "no samples"),
        ({"X": np.where(X == 3, np.nan, X), "y": y}, "NaN or infinity in sample 1"),
        ({"X": X.astype(complex), "y": y}, "type complex128"),
        ({"X": X.astype("M8[s]"), "y": y}, "type datetime64"),
        ({"X": X.astype("U3"), "y": y}, "texts as samples"),
        ({"X": np.zeros(6, "f4,f4"), "y": y}, "expected numbers or texts"),
        ({"X": X[0], "y": y}, "expected \\(samples, features\\)"),
        ({"X": np.ones((6, 2, 2, 3)), "y": y}, "expected \\(samples, features\\)"),
        ({"a": X, "b": y}, "holds the arrays a, b; expected X and y"),
        ({}, "holds the arrays none"),
    ],
)
def test_arrays_that_nobody_can_train_on_are_refused(path, arrays, words):
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=words) as raised:
        data.load(path)
    assert str(path) in str(raised.value)


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("a pickle ran code",)


def test_pickled_objects_are_refused_and_run_no_code(tmp_path):
    objects = np.array([[Exploding(), 1]], dtype=object)
    np.savez(tmp_path / "objects.npz", X=objects, y=y)
    np.save(tmp_path / "objects.npy", objects)
    for name in ("objects.npz", "objects.npy"):
        with pytest.raises(DataError, match="pickled objects, which can run code"):
            data.load_samples(tmp_path / name)


def npy_bytes(shape: str, content: bytes, descr: str = "'<f8'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("shape", "content", "words"),
    [
        ("(2, 1)", bytes(15), "15 follow"),
        ("(2, 1)", bytes(17), "more follow"),
        ("(2, 1)", bytes(100_000_000), "more follow"),
        (f"({2**48}, {2**48})", bytes(16), "can hold at most"),
        ("(-2, -1)", bytes(16), "expected 1 to 4 dimensions"),
        ("()", bytes(8), "expected 1 to 4 dimensions"),
        ("(2, 'x')", bytes(16), "no readable header"),
        ("(" * 3000, b"", "no readable header"),
    ],
)
def test_a_header_that_lies_is_refused(path, packing, shape, content, words):
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("X.npy", npy_bytes(shape, content))
    with pytest.raises(DataError, match=words):
        data.load_samples(path)


def test_an_archive_that_is_none_is_refused(path):
    for content in (b"", b"PK\x03\x04", b"hello" * 50):
        path.write_bytes(content)
        with pytest.raises(DataError, match="damaged NPZ"):
            data.load(path)


@given(changes=st.data())
def test_any_damage_gives_a_sentence_or_finite_numbers(tmp_path_factory, changes):
    buffer = io.BytesIO()
    if npz := changes.draw(st.booleans()):
        (np.savez_compressed if changes.draw(st.booleans()) else np.savez)(buffer, X=X, y=y)
    else:
        np.save(buffer, X)
    content = bytearray(buffer.getvalue())
    for _ in range(changes.draw(st.integers(0, 4))):
        content[changes.draw(st.integers(0, len(content) - 1))] = changes.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("npz") / ("a.npz" if npz else "a.npy")
    path.write_bytes(content[: changes.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError):
        assert np.isfinite(data.load_samples(path).X).all()

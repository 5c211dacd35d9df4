from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
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
            r"samples as columns.*pass X\.T",
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
        ({"a": X, "b": y}, "holds the arrays 'a', 'b'; expected X and y"),
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


def npy_bytes(shape: str, content: bytes, descr: str = "'<f8'", version: int = 1) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


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
    ids=["short", "long", "very long", "huge", "negative", "number", "text", "brackets"],
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


@pytest.mark.parametrize(
    ("shape", "descr", "content", "words"),
    [
        (f"({2**63}, 0)", "'<f8'", b"", "can hold at most"),
        (f"({2**62}, 4, 0)", "'<f8'", b"", "can hold at most"),
        (f"(0, {2**62}, 4)", "'<f8'", b"", "can hold at most"),
        ("(True, 2)", "'<f8'", bytes(16), "has shape \\(True, 2\\); expected"),
        ("(0, 3)", "'<f8'", b"", "holds no samples"),
        ("(3, 0)", "'<f8'", b"", "without features"),
        (f"({2**40}, 0)", "'<f8'", b"", "without features"),
        ("(1, 2)", "('<f8', (2,))", bytes(32), "expected numbers or texts"),
        ("(1, 2)", "'<U0'", b"", "expected numbers or texts"),
        ("(0, 2)", "'<U500000000'", b"", "texts of up to 2,000,000,000 bytes"),
        ("(1, 2)", "'<c16'", bytes(32), "type complex128"),
        ("(1, 2)", "[('" + "n" * 5000 + "', '<f8')]", bytes(16), "expected numbers or texts"),
        ("(1, 1, 1, 1, 1)", "'<f8'", bytes(8), "expected 1 to 4 dimensions"),
        ("(" + "1, " * 1000 + ")", "'<f8'", bytes(8), "expected 1 to 4 dimensions"),
        ("(1, 2)" + " " * 20_000, "'<f8'", bytes(16), "it has 20,0.. bytes; expected at most"),
        ("-" * 9000 + "1", "'<f8'", b"", "no readable header"),
    ],
)
def test_a_header_that_nobody_can_use_is_refused_in_a_short_sentence(
    tmp_path, shape, descr, content, words
):
    path = tmp_path / "a.npy"
    path.write_bytes(npy_bytes(shape, content, descr))
    with pytest.raises(DataError, match=words) as raised:
        data.load_samples(path)
    assert len(str(raised.value)) < len(str(path)) + 300


@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_of_all_versions_are_read(tmp_path, version):
    path = tmp_path / "a.npy"
    path.write_bytes(npy_bytes("(1, 2)", struct.pack("<2d", 3, 4), version=version))
    assert data.load_samples(path).X.tolist() == [[3, 4]]


def test_a_header_longer_than_its_file_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")
    with pytest.raises(DataError, match="4,294,967,295 bytes"):
        data.load_samples(path)
    path.write_bytes(b"\x93NUMPY\x04\x00" + bytes(100))
    with pytest.raises(DataError, match="starts with the bytes 93 4e 55 4d 50 59 04 00"):
        data.load_samples(path)


def test_a_number_beyond_float64_is_refused(tmp_path):
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is double here")
    np.save(tmp_path / "a.npy", np.array([["1", "1e4000"]], np.longdouble))
    with pytest.raises(DataError, match="NaN or infinity in sample 0"):
        data.load_samples(tmp_path / "a.npy")


def test_truth_is_0_or_1_whatever_its_byte(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(npy_bytes("(1, 4)", b"\x00\x01\x07\xff", "'|b1'"))
    assert data.load_samples(path).X.tolist() == [[0, 1, 1, 1]]


def write_labels(path, descr: str, content: bytes) -> None:
    X = npy_bytes("(2, 1)", struct.pack("<2d", 3, 4))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", X)
        archive.writestr("y.npy", npy_bytes("(2,)", content, descr))


@pytest.mark.parametrize(
    ("descr", "content", "expected"),
    [
        ("'<f8'", struct.pack("<2d", 1e19, 2e19), [10**19, 2 * 10**19]),
        ("'<f8'", struct.pack("<2d", 1e300, -1e300), [int(1e300), -int(1e300)]),
        ("'>f8'", struct.pack(">2d", 2.0**63, 2.0**64), [2**63, 2**64]),
        ("'<f8'", struct.pack("<2d", -0.0, 0.0), [0, 0]),
        ("'<f2'", np.array([1, 65504], "<f2").tobytes(), [1, 65504]),
        ("'<u8'", struct.pack("<2Q", 2**64 - 1, 9), [2**64 - 1, 9]),
        ("'>i8'", struct.pack(">2q", -(2**63), 2**63 - 1), [-(2**63), 2**63 - 1]),
        ("'|b1'", b"\x02\x00", [1, 0]),
        ("'S2'", "éab".encode(), ["é", "ab"]),
        ("'S2'", "éab.".encode("latin-1"), ["éa", "b."]),
        ("'S2'", b"a\x00\x00b", ["a", "\x00b"]),
        ("'>U2'", "ab名\0".encode("utf-32-be"), ["ab", "名"]),
    ],
)
def test_labels_keep_their_value(path, descr, content, expected):
    write_labels(path, descr, content)
    samples = data.load_samples(path)
    assert samples.y is not None
    assert [samples.class_names[k] for k in samples.y] == list(map(str, expected))


@pytest.mark.parametrize(
    ("descr", "content", "words"),
    [
        ("'<U1'", struct.pack("<2I", 0x7FFFFFFF, 65), "the character 0x7fffffff, which Unicode"),
        ("'>U1'", struct.pack(">2I", 0x110000, 65), "the character 0x110000, which Unicode"),
        ("'<U1'", struct.pack("<2I", 0xD800, 65), r"label '\\ud800', which UTF-8 cannot encode"),
        ("'<U1'", bytes(8), "empty label"),
        ("'S1'", bytes(2), "empty label"),
        ("'<f8'", struct.pack("<2d", np.inf, 0), "not whole numbers"),
        ("'<f8'", struct.pack("<2d", np.nan, 0), "not whole numbers"),
        ("'<M8[s]'", bytes(16), "expected numbers or texts"),
    ],
)
def test_labels_that_are_none_are_refused(path, descr, content, words):
    write_labels(path, descr, content)
    with pytest.raises(DataError, match=words):
        data.load_samples(path)


def test_long_doubles_are_labels_where_they_are_whole_numbers_of_float64(path):
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is double here")
    np.savez(path, X=X, y=y.astype(np.longdouble))
    assert data.load(path).class_names == ("0", "1")
    for large in ("1e4000", "9223372036854775809"):
        np.savez(path, X=X, y=np.array([large, *"10110"], np.longdouble))
        with pytest.raises(DataError, match="not whole numbers"):
            data.load(path)


def peak_of_a_refusal(path, words: str) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=words):
            data.load_samples(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": ("(20000000, 1)", 20_000_000), "y": ("(3,)", 3)}, "20000000 samples and 3 labels"),
        ({"X": ("(2, 3, 4)", 24), "y": ("(20000000, 1)", 20_000_000)}, "2 samples and 20000000 la"),
        ({"X": ("(20000000,)", 20_000_000), "y": ("(3,)", 3)}, "samples of shape"),
        ({"X": ("(2, 10000000)", 20_000_000), "y": ("(2, 2)", 4)}, "never one-hot"),
        (
            {
                "x_train": ("(2, 10000000)", 20_000_000),
                "y_train": ("(2,)", 2),
                "x_test": ("(2, 9)", 18),
                "y_test": ("(2,)", 2),
            },
            "10000000 features in its training samples and 9",
        ),
    ],
)
def test_headers_are_compared_before_values_are_read(path, arrays, words):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, size) in arrays.items():
            archive.writestr(f"{name}.npy", npy_bytes(shape, bytes(size), "'|i1'"))
    assert peak_of_a_refusal(path, words) < 2_000_000


def test_two_arrays_of_one_name_are_refused(path):
    np.savez(path, X=X, y=y)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("X.npy", b"")
    with pytest.raises(DataError, match="holds two arrays 'X'; expected one"):
        data.load(path)


def test_an_encrypted_array_is_refused(path):
    np.savez(path, X=X, y=y)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1  # the flag of encryption, in the archive's directory
    path.write_bytes(content)
    with pytest.raises(DataError, match="array X, is encrypted"):
        data.load(path)


def test_many_and_long_names_of_arrays_are_quoted_in_short(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(50):
            archive.writestr(f"{number}\x1b{'n' * 5000}.npy", b"")
    with pytest.raises(DataError, match=r"the arrays '0.*, …; expected X and y") as raised:
        data.load(path)
    assert len(str(raised.value)) < len(str(path)) + 800
    assert str(raised.value).isprintable()


@given(place=st.integers(1, 200), value=st.integers(0, 255), zip64=st.booleans())
def test_an_archive_whose_directory_lies_gives_a_sentence_or_the_arrays(
    tmp_path_factory, place, value, zip64
):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in (("X", X), ("y", y)):
            with archive.open(f"{name}.npy", "w", force_zip64=zip64) as member:
                np.lib.format.write_array(member, array)
    content = bytearray(path.read_bytes())
    content[-place] = value
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        np.testing.assert_array_equal(data.load_samples(path).X, X)


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

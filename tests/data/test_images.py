from __future__ import annotations

import contextlib
import os
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from handgrad import data
from handgrad.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / ("cat", "dog")[number % 2] / f"{number}.png")
    return tmp_path


def test_a_subfolder_is_a_class(folder):
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "cat" / "Thumbs.db").write_bytes(b"")
    dataset = data.load(folder)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.image_shape == (5, 4)
    assert dataset.X_train.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X_train, PIXELS[[0, 2, 4, 1, 3, 5]].reshape(6, 20))
    assert dataset.y_train.tolist() == [0, 0, 0, 1, 1, 1]


def test_train_and_test_folders_are_kept_apart(folder, tmp_path_factory):
    parent = tmp_path_factory.mktemp("split")
    for name in ("train", "test"):
        (parent / name).symlink_to(folder)
    dataset = data.load(parent)
    assert dataset.X_train.shape == dataset.X_test.shape == (6, 20)


def test_images_without_labels_are_called_by_their_files(folder):
    flat = data.load_samples(folder / "cat")
    assert flat.names == ("0.png", "2.png", "4.png")
    assert flat.y is None
    one = data.load_samples(folder / "cat" / "2.png")
    np.testing.assert_array_equal(one.X, PIXELS[2].reshape(1, 20))


def test_jpeg_colour_palette_and_transparency_become_grey(tmp_path):
    grey = np.full((8, 8), 100, np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.jpg")
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(tmp_path / "b.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "c.png")
    clear = np.stack([grey * 0 + 255] * 3 + [grey * 0], axis=2)
    Image.fromarray(clear).save(tmp_path / "d.png")
    X = data.load_samples(tmp_path).X
    assert np.abs(X[:3].astype(int) - 100).max() <= 1
    assert not X[3].any()


def test_an_image_is_scaled_to_the_shape_of_the_model(folder):
    large = Image.fromarray(PIXELS[0]).resize((40, 50), Image.Resampling.NEAREST)
    large.save(folder / "large.png")
    samples = data.load_samples(folder / "large.png", image_shape=(5, 4))
    assert samples.X.shape == (1, 20)
    assert np.corrcoef(samples.X[0], PIXELS[0].ravel())[0, 1] > 0.9
    with pytest.raises(DataError, match="or the same proportions"):
        data.load_samples(folder / "large.png", image_shape=(5, 5))


def huge_png(columns: int, rows: int) -> bytes:
    """Return a PNG whose header promises far more pixels than its few bytes hold."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_an_image_far_larger_than_the_rest_is_refused_before_it_is_decoded(folder):
    path = folder / "cat" / "zz.png"
    for size in ((400, 300), (30_000, 30_000)):
        path.write_bytes(huge_png(*size))
        with pytest.raises(DataError, match=r"zz\.png"):
            data.load(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a PNG or JPEG"),
        (b"GIF89a" + bytes(100), "not a PNG or JPEG"),
        (b"\x80\x04pickle", "not a PNG or JPEG"),
        (huge_png(4, 5), "damaged image"),
    ],
)
def test_what_is_not_an_image_is_refused_by_name(folder, content, words):
    path = folder / "dog" / "9.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as raised:
        data.load(folder)
    assert str(path) in str(raised.value)


def test_another_size_is_refused(folder):
    Image.new("L", (5, 5)).save(folder / "dog" / "9.png")
    with pytest.raises(DataError, match=r"9\.png has 5×5 pixels; expected 4×5 pixels"):
        data.load(folder)


def test_more_than_8_bits_are_refused(folder):
    Image.fromarray(np.zeros((5, 4), np.uint16)).save(folder / "dog" / "9.png")
    with pytest.raises(DataError, match="more than 8 bits"):
        data.load(folder)


def test_a_folder_out_of_order_is_refused(folder, tmp_path_factory):
    (folder / "stray.png").write_bytes(b"")
    with pytest.raises(DataError, match="lies beside class folders"):
        data.load(folder)
    (folder / "stray.png").unlink()
    (folder / "bird").mkdir()
    with pytest.raises(DataError, match="bird holds no images"):
        data.load(folder)
    with pytest.raises(DataError, match="without the four IDX files"):
        data.load(tmp_path_factory.mktemp("empty"))
    with pytest.raises(DataError, match="neither files nor subfolders"):
        data.load_samples(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_held_upright(tmp_path, orientation):
    """As Pillow's own ImageOps.exif_transpose turns them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    grey = np.repeat(np.repeat(PIXELS[0], 8, axis=0), 8, axis=1)
    Image.fromarray(grey).save(tmp_path / "a.jpg", exif=exif, quality=100)
    with Image.open(tmp_path / "a.jpg") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    samples = data.load_samples(tmp_path / "a.jpg")
    assert samples.image_shape == expected.shape
    np.testing.assert_array_equal(samples.X, expected.reshape(1, -1))


def test_damage_to_what_a_camera_says_does_not_matter(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS[0]).save(path, exif=exif)
    upright = data.load_samples(path)
    assert upright.image_shape is not None
    content = path.read_bytes()
    start = content.index(b"Exif\0\0") + 6
    path.write_bytes(content[:start] + b"\xff" * 8 + content[start + 8 :])
    assert data.load_samples(path).image_shape == upright.image_shape[::-1]


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        content += struct.pack(">I", len(body)) + name + body
        content += struct.pack(">I", zlib.crc32(name + body))
    return content


@pytest.mark.parametrize(("kind", "values"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_are_refused_in_grey_and_in_colour(tmp_path, kind, values):
    path = tmp_path / "a.png"
    rows = (b"\0" + bytes(2 * 2 * values)) * 2
    header = struct.pack(">IIBBBBB", 2, 2, 16, kind, 0, 0, 0)
    path.write_bytes(png(header, (b"IDAT", zlib.compress(rows))))
    with pytest.raises(DataError, match="more than 8 bits"):
        data.load_samples(path)


def test_an_animation_is_refused(tmp_path):
    path = tmp_path / "a.png"
    frames = [Image.fromarray(pixels) for pixels in PIXELS]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"a\.png is animated; expected a single picture"):
        data.load_samples(path)


def test_an_image_that_claims_too_many_pixels_is_not_called_damaged(tmp_path):
    path = tmp_path / "a.png"
    for size in ((3000, 3000), (20_000, 10_000), (2**31 - 1, 2**31 - 1)):
        path.write_bytes(huge_png(*size))
        with pytest.raises(DataError, match="at most 4,194,304"):
            data.load_samples(path)


def test_links_that_lead_nowhere_are_named_rather_than_left_out(folder):
    (folder / "cat" / "7.png").symlink_to(folder / "nothing.png")
    for source in (folder, folder / "cat"):
        with pytest.raises(DataError, match=r"7\.png is not a regular file"):
            data.load_samples(source)
    (folder / "cat" / "7.png").unlink()
    for name, target in (("loop", "loop"), ("gone", "nowhere")):
        link = folder / name
        link.symlink_to(folder / target)
        with pytest.raises(DataError, match=f"{name} lies beside class folders"):
            data.load(folder)
        link.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
def test_names_that_are_not_utf_8_are_escaped(folder, tmp_path_factory):
    odd = tmp_path_factory.mktemp("odd")
    content = (folder / "cat" / "0.png").read_bytes()
    Path(os.fsdecode(os.fsencode(odd) + b"/caf\xe9.png")).write_bytes(content)
    assert data.load_samples(odd).names == (r"caf\xe9.png",)
    bad = Path(os.fsdecode(os.fsencode(odd) + b"/caf\xe9.png"))
    bad.write_bytes(b"")
    with pytest.raises(DataError, match=r"caf\\xe9\.png is not a PNG"):
        data.load_samples(odd)
    (folder / os.fsdecode(b"caf\xe9")).mkdir()
    (folder / os.fsdecode(b"caf\xe9") / "1.png").write_bytes(content)
    with pytest.raises(DataError, match=r"the label 'caf\\udce9', which UTF-8 cannot encode"):
        data.load(folder)


@pytest.mark.skipif(os.name == "nt", reason="names of files hold no control characters here")
def test_classes_may_have_control_characters_which_errors_escape(folder):
    (folder / "cat").rename(folder / "\x1b[31mcat\n")
    assert data.load(folder).class_names == ("\x1b[31mcat\n", "dog")
    (folder / "\x1b[31mcat\n" / "9.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"\\x1b\[31mcat\\n/9\.png is not a PNG") as raised:
        data.load(folder)
    assert str(raised.value).isprintable()


@given(changes=st.data(), suffix=st.sampled_from(["png", "jpg"]))
def test_any_damage_gives_a_sentence_or_pixels(tmp_path_factory, changes, suffix):
    path = tmp_path_factory.mktemp("images") / f"a.{suffix}"
    Image.fromarray(PIXELS[0]).save(path)
    content = bytearray(path.read_bytes())
    for _ in range(changes.draw(st.integers(0, 4))):
        content[changes.draw(st.integers(0, len(content) - 1))] = changes.draw(st.integers(0, 255))
    path.write_bytes(content[: changes.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError):
        assert data.load_samples(path).X.dtype == np.uint8


def test_a_picture_takes_no_more_memory_than_its_file_holds(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS[0]).save(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"IDAT") - 4
    content[place : place + 4] = struct.pack(">I", 2**31 - 1)  # a chunk of two gigabytes
    path.write_bytes(content)
    tracemalloc.start()
    with contextlib.suppress(DataError):
        data.load_samples(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7

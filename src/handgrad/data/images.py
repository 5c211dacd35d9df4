"""Folders of PNG and JPEG images, one subfolder per class."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.dataset import Part, Parts
from handgrad.data.streams import reading
from handgrad.errors import DataError, MissingPackageError
from handgrad.quoting import quoted, without_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
MOST_PIXELS = 1 << 22
ORIENTATION = 0x0112  # the tag of EXIF
UPRIGHT = {  # how to turn a picture of each orientation upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
LYING = (5, 6, 7, 8)  # rows are stored as columns
IGNORED = {"Thumbs.db", "desktop.ini"}
SPLITS = (("train", "test"), ("training", "testing"))


def read_folder(folder: Path) -> Parts:
    """Read a folder with one subfolder per class, optionally below ``train`` and ``test``."""
    names = {path.name for path in _visible(folder) if path.is_dir()}
    for train, test in SPLITS:
        if names == {train, test}:
            train_part = _read_classes(folder / train)
            return Parts(train_part, _read_classes(folder / test, train_part.image_shape))
    return Parts(_read_classes(folder))


def has_class_folders(folder: Path) -> bool:
    """Tell whether a folder holds subfolders."""
    return any(path.is_dir() for path in _visible(folder))


def read_flat(folder: Path, image_shape: tuple[int, int] | None) -> Part:
    """Read a folder of images without labels."""
    files = _visible(folder)
    if not files:
        raise DataError(
            f"{folder} holds neither files nor subfolders; expected the four IDX files of MNIST, "
            "or images."
        )
    return read_files(files, image_shape)


def read_files(files: Sequence[Path], image_shape: tuple[int, int] | None = None) -> Part:
    """Read images without labels, all of one size.

    If a shape is given, they are scaled to it and may have any size of the same proportions.
    """
    sizes = [_size(path) for path in files]
    scaled = image_shape is not None
    image_shape = image_shape or Counter(sizes).most_common(1)[0][0]
    for path, size in zip(files, sizes, strict=True):
        _check_size(path, size, image_shape, scaled=scaled)
    X = np.empty((len(files), image_shape[0] * image_shape[1]), dtype=np.uint8)
    for row, path in zip(X, files, strict=True):
        row[:] = _pixels(path, image_shape).ravel()
    return Part(X, None, image_shape, tuple(without_surrogates(path.name) for path in files))


def _read_classes(folder: Path, image_shape: tuple[int, int] | None = None) -> Part:
    files, labels = [], []
    for class_folder in filter(Path.is_dir, _visible(folder)):
        found = _visible(class_folder)
        if not found:
            raise DataError(f"{class_folder} holds no images; expected at least one of its class.")
        files += found
        labels += [class_folder.name] * len(found)
    stray = next((path for path in _visible(folder) if not path.is_dir()), None)
    if stray is not None:
        raise DataError(f"{stray} lies beside class folders; expected every image in one of them.")
    if not files:
        raise DataError(f"{folder} holds no subfolders; expected one per class, with its images.")
    part = read_files(files)
    if image_shape not in (None, part.image_shape):
        raise DataError(
            f"{folder} holds images of {_dimensions(part.image_shape)}; "
            f"expected {_dimensions(image_shape)}, as in the training images."
        )
    return part._replace(labels=labels)


def _visible(folder: Path) -> list[Path]:
    with reading(folder):
        paths = sorted(folder.iterdir())
    return [path for path in paths if not path.name.startswith(".") and path.name not in IGNORED]


def _check_size(
    path: Path, size: tuple[int, int], image_shape: tuple[int, int], *, scaled: bool
) -> None:
    if scaled:
        fits = size[0] * image_shape[1] == size[1] * image_shape[0]
        advice = "or the same proportions: crop it"
    else:
        fits = size == image_shape
        advice = "like most of the images: scale all images to one size"
    if not fits:
        raise DataError(
            f"{path} has {_dimensions(size)}; expected {_dimensions(image_shape)}, {advice}."
        )


def _dimensions(image_shape: tuple[int, int] | None) -> str:
    rows, columns = image_shape or (0, 0)
    return f"{columns}×{rows} pixels"


def decode(content: bytes, where: str) -> npt.NDArray[np.uint8]:
    """Return the grey pixels of an image whose bytes come from ``where``."""
    with _opened_content(content, where) as image:
        return _grey(where, image, _size_of(where, image))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    _import_pillow(path)
    if not path.is_file():
        raise DataError(f"{path} is not a regular file; expected an image.")
    # From a file, Pillow would read as many bytes as the header promises.
    with reading(path):
        content = path.read_bytes()
    with _opened_content(content, path) as image:
        yield image


def _import_pillow(path: Path | str) -> None:
    try:
        import PIL.Image  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MissingPackageError(
            f"{path} can only be read with the package Pillow, which is not installed; "
            "install it: pip install 'handgrad[images]'."
        ) from error


@contextmanager
def _opened_content(content: bytes, path: Path | str) -> Iterator[Image]:
    _import_pillow(path)
    import PIL.Image

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as image:
                yield image
        except DataError:
            raise
        except PIL.UnidentifiedImageError as error:
            raise DataError(f"{path} is not a PNG or JPEG image; expected one.") from error
        except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
            raise DataError(
                f"{path} claims far too many pixels; expected at most {MOST_PIXELS:,}."
            ) from error
        except Exception as error:  # a damaged image makes Pillow raise almost anything
            raise DataError(
                f"{path} is a damaged image ({quoted(error)}); expected a whole one."
            ) from error


def _size(path: Path) -> tuple[int, int]:
    """Return the rows and columns that the header gives, before any pixel is decoded."""
    with _opened(path) as image:
        return _size_of(path, image)


def _size_of(path: Path | str, image: Image) -> tuple[int, int]:
    columns, rows = image.size
    if rows * columns > MOST_PIXELS:
        raise DataError(
            f"{path} has {_dimensions((rows, columns))}; expected at most {MOST_PIXELS:,} pixels."
        )
    return (columns, rows) if _orientation(image) in LYING else (rows, columns)


def _orientation(image: Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if it is unknown, as in a PNG."""
    if image.format == "PNG":  # Pillow would decode the whole image to find it
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # the EXIF data may be damaged
        return 1


def _check_values(path: Path | str, image: Image) -> None:
    tiles = getattr(image, "tile", ())  # what Pillow will decode, and how
    if image.mode.startswith(("I", "F")) or any(str(tile[3]).endswith(";16B") for tile in tiles):
        raise DataError(f"{path} has more than 8 bits per value; expected 8.")
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise DataError(f"{path} is animated; expected a single picture.")


def _pixels(path: Path, image_shape: tuple[int, int]) -> npt.NDArray[Any]:
    with _opened(path) as image:
        return _grey(path, image, image_shape)


def _grey(path: Path | str, image: Image, image_shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    import PIL.Image

    _check_values(path, image)
    if turn := UPRIGHT.get(_orientation(image)):
        image = image.transpose(PIL.Image.Transpose[turn])
    if image.has_transparency_data:
        paper = PIL.Image.new("RGBA", image.size, "black")
        paper.alpha_composite(image.convert("RGBA"))
        grey = paper.convert("L")
    else:
        grey = image.convert("L")
    rows, columns = image_shape
    if grey.size != (columns, rows):
        grey = grey.resize((columns, rows), PIL.Image.Resampling.LANCZOS)
    return np.asarray(grey)

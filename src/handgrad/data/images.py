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
UPRIGHT = {  # what to do with a picture of each orientation
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
LYING = (5, 6, 7, 8)  # rows are columns
ASIDE = {"Thumbs.db", "desktop.ini"}
SPLITS = (("train", "test"), ("training", "testing"))


def read_folder(folder: Path) -> Parts:
    """Read a folder with one subfolder per class, or with ``train`` and ``test`` above those."""
    names = {path.name for path in _visible(folder) if path.is_dir()}
    for train, test in SPLITS:
        if names == {train, test}:
            train_part = _read_classes(folder / train)
            return Parts(train_part, _read_classes(folder / test, train_part.image_shape))
    return Parts(_read_classes(folder))


def has_class_folders(folder: Path) -> bool:
    """Say whether a folder holds subfolders."""
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
    """Read images without labels; with a shape given, scale them to it.

    All have one size; with a shape given, any size of the same proportions.
    """
    sizes = [_size(path) for path in files]
    if image_shape is None:
        image_shape = Counter(sizes).most_common(1)[0][0]
        _check_same_size(files, sizes, image_shape)
    else:
        _check_same_proportions(files, sizes, image_shape)
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
        raise DataError(f"{stray} lies beside folders of classes; expected images within them.")
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
    return [path for path in paths if not path.name.startswith(".") and path.name not in ASIDE]


def _check_same_size(
    files: Sequence[Path], sizes: Sequence[tuple[int, int]], image_shape: tuple[int, int]
) -> None:
    for path, size in zip(files, sizes, strict=True):
        if size != image_shape:
            raise DataError(
                f"{path} has {_dimensions(size)}; expected {_dimensions(image_shape)}, "
                "as most other images: scale all to one size."
            )


def _check_same_proportions(
    files: Sequence[Path], sizes: Sequence[tuple[int, int]], image_shape: tuple[int, int]
) -> None:
    for path, (rows, columns) in zip(files, sizes, strict=True):
        if rows * image_shape[1] != columns * image_shape[0]:
            raise DataError(
                f"{path} has {_dimensions((rows, columns))}; expected {_dimensions(image_shape)}, "
                "or the same proportions: crop it."
            )


def _dimensions(image_shape: tuple[int, int] | None) -> str:
    rows, columns = image_shape or (0, 0)
    return f"{columns}×{rows} pixels"


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingPackageError(
            f"{path} is read by Pillow, which is not installed; "
            "install it: pip install 'handgrad[images]'."
        ) from error
    if not path.is_file():
        raise DataError(f"{path} is not a regular file; expected an image.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            # Read at once: Pillow asks a file for as many bytes as its header promises.
            with PIL.Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS) as image:
                yield image
        except DataError:
            raise
        except PIL.UnidentifiedImageError as error:
            raise DataError(f"{path} is not a PNG or JPEG image; expected one.") from error
        except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
            raise DataError(
                f"{path} claims far more pixels than expected, which are at most {MOST_PIXELS:,}."
            ) from error
        except Exception as error:  # a damaged image makes Pillow raise almost anything
            raise DataError(
                f"{path} is a damaged image ({quoted(error)}); expected a whole one."
            ) from error


def _size(path: Path) -> tuple[int, int]:
    """Return rows and columns from the header, before any pixel is decoded."""
    with _opened(path) as image:
        columns, rows = image.size
        if rows * columns > MOST_PIXELS:
            raise DataError(
                f"{path} has {_dimensions((rows, columns))}; "
                f"expected at most {MOST_PIXELS:,} pixels."
            )
        return (columns, rows) if _orientation(image) in LYING else (rows, columns)


def _orientation(image: Image) -> int:
    """Return how a camera was held, 1 to 8; 1 where that is not known, as in a PNG."""
    if image.format == "PNG":  # Pillow would decode it to find out
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # what a camera says of itself may be damaged
        return 1


def _check_values(path: Path, image: Image) -> None:
    tiles = getattr(image, "tile", ())  # what Pillow is going to decode, and how
    if image.mode.startswith(("I", "F")) or any(str(tile[3]).endswith(";16B") for tile in tiles):
        raise DataError(f"{path} has more than 8 bits a pixel; expected 8.")
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise DataError(f"{path} is animated; expected a single picture.")


def _pixels(path: Path, image_shape: tuple[int, int]) -> npt.NDArray[Any]:
    import PIL.Image

    with _opened(path) as image:
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

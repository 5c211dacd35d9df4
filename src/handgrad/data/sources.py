"""Picks the reader of a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.data import csv, idx, images, npz
from handgrad.data.blocks import open_blocks
from handgrad.data.blocks.kinds import is_of_rows
from handgrad.data.blocks.opening import read_samples
from handgrad.data.dataset import (
    Dataset,
    Part,
    Parts,
    Samples,
    build_dataset,
    build_samples,
    check_same_features,
    check_several_classes,
    vector_of_one,
)
from handgrad.data.named import NAMED
from handgrad.data.streams import reading
from handgrad.data.targets import USUAL_LABEL, Predicts, TargetColumns
from handgrad.errors import DataError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.data.blocks import Blocks

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
EXPECTED = (
    f"{', '.join(NAMED)}, a folder of IDX files, of images or of tables, or a file .parquet, "
    ".feather, .arrow, .csv, .csv.gz, .npz, .npy, .png or .jpg"
)


def load(
    source: str | os.PathLike[str],
    *,
    label: str | Sequence[str] = USUAL_LABEL,
    features: Sequence[str] | None = None,
    predicts: Predicts = "classes",
) -> Dataset:
    """Read labelled samples to train and to test on.

    Parameters
    ----------
    source : str or path
        ``"mnist-5k"``, ``"mnist"`` or ``"digits"``; a folder with the four IDX files of MNIST,
        gzipped or not; a folder with one subfolder of PNG or JPEG images per class; a CSV file with
        a header; an NPZ file with ``X`` and ``y`` or ``x_train``, ``y_train``, ``x_test`` and
        ``y_test``; Parquet, Arrow or Feather; a folder or a pattern of such files, or an address
        of fsspec, as for `open_blocks`.
    label : str or sequence of str
        Name of the label column of a table, or of the columns of several labels or values.
    features : sequence of str, optional
        Names of the columns to read, in this order, as for `load_samples`.
    predicts : {"classes", "labels", "values"}
        What is to be predicted: the class of a sample; several labels, each a column of 0 and 1; or
        values, each a column of numbers. Folders of images hold classes only.

    Returns
    -------
    Dataset
        Rows, integer labels, class names and image shape. Pixels stay ``uint8``. If the source
        has no test samples, ``X_test`` has no rows. Labels and values are ``float64``.

    Raises
    ------
    DataError
        If the source does not exist, is damaged, or has no labels. No part of it is returned.
    MissingPackageError
        If the source needs a package that is not installed.

    Examples
    --------
    >>> dataset = load("mnist-5k")
    >>> dataset.X_train.shape, dataset.X_train.dtype, dataset.X_test.shape
    ((4000, 784), dtype('uint8'), (1000, 784))
    """
    targets = TargetColumns.of(label, predicts)
    if str(source) not in NAMED and is_of_rows(os.fspath(source)):
        return _load_blocks(open_blocks(source, label, features=features, predicts=predicts))
    with reading(Path(source)):
        parts = _read(str(source), targets, features, needs_targets=True)
    return build_dataset(str(source), parts, targets)


def _load_blocks(blocks: Blocks) -> Dataset:
    predicts = blocks.predicts
    if predicts == "classes":
        check_several_classes(blocks.source, blocks.class_names)
    X, y = blocks.load()
    test = blocks.test_part()
    X_test, y_test = (X[:0], y[:0]) if test is None else test.load()
    check_same_features(blocks.source, X.shape[1], X_test.shape[1])
    y, y_test = vector_of_one(y, predicts), vector_of_one(y_test, predicts)
    names, image_shape = blocks.target_names, blocks.image_shape
    return Dataset(
        X, y, X_test, y_test, names, image_shape, blocks.feature_names, predicts=predicts
    )


def load_samples(
    source: str | os.PathLike[str],
    *,
    label: str | Sequence[str] = USUAL_LABEL,
    image_shape: tuple[int, int] | None = None,
    features: Sequence[str] | None = None,
    predicts: Predicts = "classes",
) -> Samples:
    r"""Read samples with or without labels: the test samples, if the source has any.

    Parameters
    ----------
    source : str or path
        As in `load`; also a file or a flat folder of images, an NPY file, an IDX file of
        images, and files without labels.
    label : str or sequence of str
        Name of the label column of a table, or of several columns; they may be missing.
    image_shape : (int, int), optional
        Rows and columns that images without labels are scaled to.
    features : sequence of str, optional
        The names of the features that a model was trained on. These columns of a CSV file are
        read, in this order, whatever their positions. All others except the labels are ignored
        and may hold anything. Sources without feature names ignore this argument.
    predicts : {"classes", "labels", "values"}
        As in `load`.

    Raises
    ------
    DataError
        If the source does not exist, is damaged, or lacks one of ``features``.
    MissingPackageError
        If the source needs a package that is not installed.

    Examples
    --------
    >>> samples = load_samples("mnist-5k")
    >>> samples.X.shape, samples.class_names[:3]
    ((1000, 784), ('0', '1', '2'))

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("id,width,length\nA7,1.5,3\n")
    >>> load_samples(path, features=("length", "width")).X
    array([[3. , 1.5]])
    """
    targets = TargetColumns.of(label, predicts)
    if str(source) not in NAMED and is_of_rows(os.fspath(source)):
        return build_samples(str(source), read_samples(source, targets, features), targets)
    with reading(Path(source)):
        part = _read_unlabelled(Path(source), image_shape) if source else None
        if part is None:
            train, test = _read(str(source), targets, features, needs_targets=False)
            part = test or train
    return build_samples(str(source), part, targets)


def _read(
    source: str, targets: TargetColumns, features: Sequence[str] | None, *, needs_targets: bool
) -> Parts:
    if source in NAMED:
        return NAMED[source]()
    if not source:
        raise DataError(f"The name of the source is empty; expected {EXPECTED}.")
    path = Path(source)
    name = path.name.lower()
    if path.is_dir():
        return _read_folder(path, targets)
    if not path.exists():
        raise DataError(f"{named(source)} does not exist; expected {EXPECTED}.")
    if name.endswith((".csv", ".csv.gz")):
        return Parts(csv.read_csv(path, targets, features, needs_targets=needs_targets))
    if name.endswith(".npz"):
        return npz.read_npz(path, targets.predicts)
    raise DataError(f"{source} is not a source of labelled samples; expected {EXPECTED}.")


def _read_folder(folder: Path, targets: TargetColumns) -> Parts:
    if idx.looks_like_idx(folder):
        return idx.read_folder(folder)
    if images.has_class_folders(folder):
        if targets.predicts != "classes":
            raise DataError(
                f"{folder} holds images in one folder per class; expected a table of "
                f"{targets.predicts}, or predicts='classes'."
            )
        return images.read_folder(folder)
    raise DataError(
        f"{folder} is a folder without the four IDX files of MNIST and without subfolders; "
        "expected those files, or one subfolder of images per class."
    )


def _read_unlabelled(path: Path, image_shape: tuple[int, int] | None) -> Part | None:
    """Read a source that never has labels; return None if the source may have labels."""
    if str(path) in NAMED:
        return None
    if path.is_dir():
        if idx.looks_like_idx(path) or images.has_class_folders(path):
            return None
        return images.read_flat(path, image_shape)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.exists():
        return images.read_files([path], image_shape)
    if path.suffix.lower() == ".npy" and path.exists():
        return npz.read_npy(path)
    if idx.is_image_file(path):
        return idx.read_images(path)
    return None

"""Loads data as users do, and sees that what comes is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzz.scratch import written
from handgrad import data

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case

NUMBERS = (("f0", "f1", "f2"), ("pixel0", "pixel1", "pixel2"))  # columns that hold some
TYPES = (np.uint8, np.float32, np.float64)


def draw_how(random: Random, name: str, *, labels: tuple[str, ...] = ("label",)) -> Case:
    """Draw what is asked of a source: its name in the folder, and the options."""
    predicts, label, features = draw_columns(random, labels)
    shape = random.choice((None, None, None, (2, 3), (4, 4), (28, 28), (1, 1)))
    return {
        "name": name,
        "labelled": random.random() < 0.5,
        "label": label,
        "predicts": predicts,
        "features": features,
        "image_shape": shape,
    }


def draw_columns(
    random: Random, labels: tuple[str, ...]
) -> tuple[str, str | list[str], list[str] | None]:
    """Draw what is predicted, the columns that hold it, and those of the features."""
    predicts = random.choice(("classes", "classes", "values", "labels"))
    if predicts == "classes":
        return predicts, random.choice(labels), None
    columns = random.choice((*NUMBERS, labels))
    names = list(dict.fromkeys(columns))
    fewest = 1 if predicts == "values" else 2
    chosen = random.sample(names, min(len(names), random.randint(fewest, 3)))
    if random.random() < 0.05:
        chosen.append(random.choice(columns))
    others = [name for name in names if name not in chosen or random.random() < 0.05]
    return predicts, chosen, random.choice((None, others, others[:1]))


def load_case(case: Case) -> None:
    """Write the files of a case, load them, and check the result."""
    source = Path(written(case["files"]), case["name"])
    options = {name: case[name] for name in ("label", "predicts", "features")}
    if case["labelled"]:
        check_dataset(data.load(source, **options))
        return
    shape = case["image_shape"] and tuple(case["image_shape"])
    check_samples(data.load_samples(source, image_shape=shape, **options))


def check_dataset(dataset: data.Dataset) -> None:
    """Check that rows, targets and names belong together."""
    _check_rows(dataset.X_train, dataset)
    _check_rows(dataset.X_test, dataset)
    assert dataset.X_train.shape[1] == dataset.X_test.shape[1]
    for X, y in (dataset.train, (dataset.X_test, dataset.y_test)):
        check_targets(y, len(X), dataset.class_names, dataset.predicts)
    assert dataset.predicts != "classes" or len(np.unique(dataset.y_train)) > 1
    _check_names(dataset.class_names)


def check_samples(samples: data.Samples) -> None:
    """Check the same where targets may be missing."""
    _check_rows(samples.X, samples)
    assert len(samples.X)
    assert len(samples.names) == len(samples.X)
    if samples.y is None:
        assert not samples.class_names
    else:
        check_targets(samples.y, len(samples.X), samples.class_names, samples.predicts)
        classes = len(np.unique(samples.y))
        assert samples.predicts != "classes" or classes == len(samples.class_names)
    _check_names(samples.class_names)


def _check_rows(X: np.ndarray, source: data.Dataset | data.Samples) -> None:
    assert X.ndim == 2
    assert X.shape[1] > 0
    assert X.dtype in TYPES
    assert X.dtype.isnative
    assert X.dtype == np.uint8 or np.isfinite(X).all(), "rows that are not finite"
    if source.image_shape is not None:
        assert np.prod(source.image_shape) == X.shape[1]
    if source.feature_names is not None:
        assert len(source.feature_names) == X.shape[1]
        assert len(set(source.feature_names)) == X.shape[1]


def check_targets(y: np.ndarray, m: int, class_names: tuple[str, ...], predicts: str) -> None:
    """Check that targets are classes, labels or values of so many rows."""
    if predicts == "classes":
        _check_classes(y, m, class_names)
        return
    outputs = len(class_names)
    is_vector = predicts == "values" and y.ndim == 1
    assert y.shape == ((m,) if is_vector else (m, outputs))
    assert y.dtype == np.float64
    assert np.isfinite(y).all(), "values that are not finite"
    assert outputs >= (1 if predicts == "values" else 2)
    assert predicts == "values" or np.isin(y, (0, 1)).all(), "labels other than 0 and 1"


def _check_classes(y: np.ndarray, m: int, class_names: tuple[str, ...]) -> None:
    assert y.shape == (m,)
    assert y.dtype.kind == "i"
    assert not m or (y.min() >= 0 and y.max() < len(class_names)), "labels out of range"


def _check_names(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)
    assert all(isinstance(name, str) and name.strip() for name in names), "a class without a name"

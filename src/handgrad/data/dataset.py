"""Data sets and samples: rows, their targets, and the names of classes, labels or values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from handgrad.data.classes import (
    HELD_OUT,
    class_numbers,
    encode_labels,
    every_fifth,
)
from handgrad.data.fingerprint import fingerprint_of, without_held_out
from handgrad.data.targets import (
    CLASSES,
    Predicts,
    TargetColumns,
    as_matrix,
    column_order,
    groups_of,
)
from handgrad.errors import DataError
from handgrad.quoting import quoted

Rows: TypeAlias = npt.NDArray[Any]
Targets: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples to train and to test on.

    Parameters
    ----------
    X_train : array of shape (m, D)
        Samples as rows: ``uint8`` if they are pixels, otherwise ``float32`` or ``float64``.
    y_train : array of shape (m,) or (m, K)
        Integer labels, each the index of a name in ``class_names``. Several labels per sample are a
        ``float64`` matrix of 0 and 1, values a ``float64`` vector, or a matrix of several.
    X_test, y_test : arrays
        The same for the test samples; without rows if the source has no test samples.
    class_names : tuple of str
        In the order of the labels: numbers sorted by size, texts alphabetically. Of several labels
        and of values the names of their columns.
    image_shape : (int, int) or None
        Rows and columns of a sample that is a picture.
    feature_names : tuple of str, optional
        The names of the D features, if the source has names: the header of a CSV file without
        its label column, in the order of the columns of X, including pixels.
    held_out : array of bool, optional
        Marks the rows of the source that `with_held_out_test` made the test rows.
    predicts : {"classes", "labels", "values"}
        What y holds.
    """

    X_train: Rows
    y_train: Targets
    X_test: Rows
    y_test: Targets
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    feature_names: tuple[str, ...] | None = None
    held_out: npt.NDArray[np.bool_] | None = None
    predicts: Predicts = "classes"

    @property
    def target_names(self) -> tuple[str, ...]:
        """The name of each class, label or value, as in ``class_names``."""
        return self.class_names

    @property
    def outputs(self) -> int:
        """How many classes, labels or values there are."""
        return len(self.class_names)

    @property
    def train(self) -> tuple[Rows, Targets]:
        """The rows and the targets to train on."""
        return self.X_train, self.y_train

    @property
    def test(self) -> tuple[Rows, Targets] | None:
        """The rows and the targets to test on; None if there are none."""
        return (self.X_test, self.y_test) if len(self.X_test) else None

    @property
    def features(self) -> int:
        """Number of features, D."""
        return int(self.X_train.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the rows."""
        return self.X_train.dtype

    @property
    def window(self) -> None:
        """None: all rows lie in memory, and not only those of a window."""
        return None

    @property
    def fingerprint(self) -> str:
        """A text that tells the training rows and targets apart by their content."""
        X: Any
        X, y = self.X_train, self.y_train
        if self.held_out is not None:
            X = _Whole(self.held_out, X, self.X_test)
            y = _Whole(self.held_out, y, self.y_test)[: len(self.held_out)]
        fingerprint = fingerprint_of(X, y, self.class_names, self.predicts)
        return fingerprint if self.held_out is None else without_held_out(fingerprint, HELD_OUT)

    @property
    def shown(self) -> dict[str, tuple[Rows, Targets]]:
        """Both parts, to look at."""
        return {"train": self.train, "test": (self.X_test, self.y_test)}

    @property
    def to_show(self) -> tuple[Rows, Targets]:
        """The test samples and their targets, or the training samples if there are none."""
        return self.test or self.train

    def with_held_out_test(self) -> Dataset:
        """Move every fifth sample of each class, in the order of the source, to the test set.

        Without classes, every fifth of all samples is moved.

        Examples
        --------
        >>> X, y = np.arange(10.0)[:, None], np.array([0, 1] * 5)
        >>> whole = Dataset(X, y, X[:0], y[:0], ("a", "b"), None)
        >>> whole.with_held_out_test().X_test[:, 0].tolist()
        [8.0, 9.0]
        """
        held_out = every_fifth(groups_of(self.y_train, self.predicts))
        return replace(
            self,
            X_train=self.X_train[~held_out],
            y_train=self.y_train[~held_out],
            X_test=self.X_train[held_out],
            y_test=self.y_train[held_out],
            held_out=held_out,
        )

    def with_test(self, samples: Samples) -> Dataset:
        """Return the data with other test samples; `match_labels` finds their targets."""
        return replace(self, X_test=samples.X, y_test=match_labels(samples, self.class_names))

    def with_classes(self, class_names: Sequence[str], source: str) -> Dataset:
        """Return the data with a model's classes; an unknown class raises a DataError.

        The columns of labels or values take the order that they have in the model.

        Examples
        --------
        >>> X, y = np.ones((2, 1)), np.array([0, 1])
        >>> dataset = Dataset(X, y, X[:0], y[:0], ("cat", "dog"), None)
        >>> dataset.with_classes(("bird", "cat", "dog"), "pets.csv").y_train
        array([1, 2])
        """
        y_train, y_test = (
            _as_known(source, y, self.class_names, class_names, self.predicts)
            for y in (self.y_train, self.y_test)
        )
        return replace(self, y_train=y_train, y_test=y_test, class_names=tuple(class_names))

    def with_numbers(self) -> Dataset:
        """Return the data with bytes as float32 numbers, for a network that takes no pixels."""
        if self.X_train.dtype != np.uint8:
            return self
        X_train, X_test = (X.astype(np.float32) for X in (self.X_train, self.X_test))
        return replace(self, X_train=X_train, X_test=X_test)


class _Whole:
    """Rows of a source of which some were held out, in the order of the source."""

    def __init__(self, held_out: npt.NDArray[np.bool_], kept: Rows, tested: Rows) -> None:
        self._held_out, self._kept, self._tested = held_out, kept, tested
        self.shape, self.dtype = (len(held_out), *kept.shape[1:]), kept.dtype

    def __getitem__(self, rows: slice) -> Rows:
        marks = self._held_out[rows]
        before = int(self._held_out[: rows.start].sum()) if rows.start else 0
        found = np.empty((len(marks), *self.shape[1:]), self.dtype)
        start = (rows.start or 0) - before
        found[~marks] = self._kept[start : start + int((~marks).sum())]
        found[marks] = self._tested[before : before + int(marks.sum())]
        return found


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples to predict or to look at, with or without labels.

    Parameters
    ----------
    X : array of shape (m, D)
        As in `Dataset`.
    y : array of shape (m,) or (m, K), or None
        As in `Dataset`.
    class_names : tuple of str
        The classes that occur, or the names of the columns of labels or values; empty without y.
    image_shape : (int, int) or None
    names : sequence of str
        A name for each sample: the name of its file, or its number, counted from 0.
    source : str
        The source of the samples, as the user names it.
    feature_names : tuple of str, optional
        As in `Dataset`.
    predicts : {"classes", "labels", "values"}
        What y holds, or would hold.
    """

    X: Rows
    y: Targets | None
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    names: Sequence[str]
    source: str
    feature_names: tuple[str, ...] | None = None
    predicts: Predicts = "classes"


class Numbered(Sequence[str]):
    """The names of samples without names of their own: their numbers, counted from 0.

    Each name is made when it is needed, because 16 million names take a gigabyte.

    Examples
    --------
    >>> list(Numbered(3)), Numbered(3)[-1]
    (['0', '1', '2'], '2')
    """

    def __init__(self, count: int) -> None:
        self._numbers = range(count)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        chosen = self._numbers[index]
        return str(chosen) if isinstance(chosen, int) else [str(number) for number in chosen]


class Part(NamedTuple):
    """What a reader returns for the training or the test samples of a source."""

    X: Rows  # (m,D)
    labels: Sequence[object] | Targets | None  # classes as they are written, or a matrix (m, K)
    image_shape: tuple[int, int] | None = None
    names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    target_names: tuple[str, ...] | None = None


class Parts(NamedTuple):
    """What a reader returns for a source."""

    train: Part
    test: Part | None = None


def build_dataset(source: str, parts: Parts, targets: TargetColumns = CLASSES) -> Dataset:
    """Make a data set from what a reader found, or raise an error that says what is missing."""
    train = parts.train
    test = parts.test or Part(train.X[:0], [], train.image_shape)
    for part in (train, test):
        check_part(source, part)
    if train.labels is None or test.labels is None:
        raise DataError(f"{source} has no {targets.noun}s; expected one per sample to train on.")
    if not len(train.X):
        raise DataError(f"{source} holds no samples; expected at least {targets.fewest}.")
    check_same_features(source, train.X.shape[1], test.X.shape[1])
    names, (y_train, y_test) = _encoded(source, targets, train, test)
    if targets.predicts == "classes":
        check_several_classes(source, [names[k] for k in np.unique(y_train)])
    shape, feature_names = train.image_shape, train.feature_names
    return Dataset(
        *(train.X, y_train, test.X, y_test, names, shape, feature_names), predicts=targets.predicts
    )


def _encoded(
    source: str, targets: TargetColumns, *parts: Part
) -> tuple[tuple[str, ...], list[Targets]]:
    """Return the names of the targets, and those of each part as data sets hold them."""
    labels: list[Any] = [part.labels for part in parts if part.labels is not None]
    if targets.predicts == "classes":
        names, encoded = encode_labels(source, *labels)
        return names, list(encoded)
    found = [
        as_matrix(source, np.asarray(of_part), targets.predicts)
        for of_part in labels
        if len(of_part)
    ]
    outputs = found[0].shape[1]
    if any(Y.shape[1] != outputs for Y in found):
        raise DataError(
            f"{source} has {outputs} {targets.predicts} per training sample and "
            f"{found[-1].shape[1]} per test sample; expected the same number."
        )
    names = parts[0].target_names or targets.names_of(source, outputs)
    found += [np.empty((0, outputs))] * (len(labels) - len(found))
    return names, [vector_of_one(Y, targets.predicts) for Y in found]


def vector_of_one(Y: Targets, predicts: Predicts) -> Targets:
    """Return values of a single column as a vector, and all other targets as they are."""
    return Y[:, 0] if predicts == "values" and Y.shape[1] == 1 else Y


def check_several_classes(source: str, found: Sequence[str]) -> None:
    """Refuse training samples of a single class."""
    if len(found) < 2:
        raise DataError(
            f"{source} has training samples of a single class, {quoted(found[0])}; "
            "expected at least two classes."
        )


def build_samples(source: str, part: Part, targets: TargetColumns = CLASSES) -> Samples:
    """Make samples from what a reader found, or raise an error that says what is missing."""
    check_part(source, part)
    if not len(part.X):
        raise DataError(f"{source} holds no samples; expected at least one.")
    class_names: tuple[str, ...] = ()
    y = None
    if part.labels is not None:
        class_names, (y,) = _encoded(source, targets, part)
    names = part.names or Numbered(len(part.X))
    of_part = (part.image_shape, names, source, part.feature_names)
    return Samples(part.X, y, class_names, *of_part, targets.predicts)


def check_part(source: str, part: Part) -> None:
    """Refuse samples without features, with NaN or infinity, or without one label per sample."""
    if part.labels is not None:
        check_counts(source, part.X.shape, len(part.labels))
    if len(part.X) and not part.X.shape[1]:
        raise DataError(f"{source} holds samples without features; expected at least one.")
    if part.X.dtype != np.uint8:
        faulty = np.flatnonzero(~np.isfinite(part.X).all(axis=1))
        if len(faulty):
            raise DataError(
                f"{source} holds NaN or infinity in sample {faulty[0]} (counted from 0); "
                "expected finite numbers."
            )


def check_counts(source: str, shape: tuple[int, ...], labels: int) -> None:
    """Refuse a number of labels that differs from the number of samples in X of this shape."""
    m, features = shape
    if labels not in (m, features):
        raise DataError(
            f"{source} holds {m} samples and {labels} labels; expected one label per sample."
        )
    if labels != m:
        raise DataError(
            f"{source} holds samples as columns, {m} features by {features} samples; "
            "expected samples as rows: pass X.T."
        )


def check_same_features(source: str, train: int, test: int) -> None:
    """Refuse test samples that have a different number of features from the training samples."""
    if train != test:
        raise DataError(
            f"{source} has {train} features in its training samples and {test} in its test "
            "samples; expected the same number."
        )


def match_labels(samples: Samples, class_names: Sequence[str]) -> Targets:
    """Translate the labels of samples to the numbers of a model's classes, by name.

    Parameters
    ----------
    samples : Samples
    class_names : sequence of str
        The classes of the model, or the names of its labels or values.

    Returns
    -------
    array of shape (m,) or (m, K)
        Indices into ``class_names``. Labels and values in the order of the model.

    Raises
    ------
    DataError
        If the samples have no labels, or a class that the model does not know.

    Examples
    --------
    >>> samples = Samples(np.ones((2, 1)), np.array([1, 0]), ("cat", "dog"), None, ("0", "1"), "")
    >>> match_labels(samples, ("bird", "cat", "dog"))
    array([2, 1])
    """
    if samples.y is None:
        noun = TargetColumns(samples.predicts).noun
        raise DataError(f"{samples.source} has no {noun}s; expected one per sample.")
    known = samples.class_names, class_names, samples.predicts
    return _as_known(samples.source, samples.y, *known)


def _as_known(
    source: str, y: Targets, found: Sequence[str], class_names: Sequence[str], predicts: Predicts
) -> Targets:
    """Return targets by the names of a model instead of those that a source has."""
    if predicts == "classes":
        return class_numbers(source, found, class_names)[y]
    order = column_order(source, found, class_names, predicts)
    return y if y.ndim == 1 else y[:, order]

"""Data sets and samples: rows, integer labels, and the names of the classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from handgrad.data.fingerprint import fingerprint_of, without_held_out
from handgrad.errors import DataError
from handgrad.quoting import SURROGATE, listed, quoted

Rows: TypeAlias = npt.NDArray[Any]
Labels: TypeAlias = npt.NDArray[np.intp]

HELD_OUT = 5  # every fifth sample of a class is a test sample
# A number with leading zeros, such as 007, is a code and stays as it is written. No float64 has
# more than 309 digits before the point.
WHOLE_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,399})(\.0*)?", re.ASCII)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled samples to train and to test on.

    Parameters
    ----------
    X_train : array of shape (m, D)
        Samples as rows: ``uint8`` if they are pixels, otherwise ``float32`` or ``float64``.
    y_train : array of shape (m,)
        Integer labels, each the index of a name in ``class_names``.
    X_test, y_test : arrays
        The same for the test samples; without rows if the source has no test samples.
    class_names : tuple of str
        In the order of the labels: numbers sorted by size, texts alphabetically.
    image_shape : (int, int) or None
        Rows and columns of a sample that is a picture.
    feature_names : tuple of str, optional
        The names of the D features, if the source has names: the header of a CSV file without
        its label column, in the order of the columns of X, including pixels.
    held_out : array of bool, optional
        Marks the rows of the source that `with_held_out_test` made the test rows.
    """

    X_train: Rows
    y_train: Labels
    X_test: Rows
    y_test: Labels
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    feature_names: tuple[str, ...] | None = None
    held_out: npt.NDArray[np.bool_] | None = None

    @property
    def train(self) -> tuple[Rows, Labels]:
        """The rows and the labels to train on."""
        return self.X_train, self.y_train

    @property
    def test(self) -> tuple[Rows, Labels] | None:
        """The rows and the labels to test on; None if there are none."""
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
        """A text that tells the training rows and labels apart by their content."""
        if self.held_out is None:
            return fingerprint_of(self.X_train, self.y_train, self.class_names)
        whole = _Whole(self.held_out, self.X_train, self.X_test)
        y = _Whole(self.held_out, self.y_train, self.y_test)[: len(self.held_out)]
        return without_held_out(fingerprint_of(whole, y, self.class_names), HELD_OUT)

    @property
    def shown(self) -> dict[str, tuple[Rows, Labels]]:
        """Both parts, to look at."""
        return {"train": self.train, "test": (self.X_test, self.y_test)}

    @property
    def to_show(self) -> tuple[Rows, Labels]:
        """The test samples and their labels, or the training samples if there are none."""
        return self.test or self.train

    def with_held_out_test(self) -> Dataset:
        """Move every fifth sample of each class, in the order of the source, to the test set.

        Examples
        --------
        >>> X, y = np.arange(10.0)[:, None], np.array([0, 1] * 5)
        >>> whole = Dataset(X, y, X[:0], y[:0], ("a", "b"), None)
        >>> whole.with_held_out_test().X_test[:, 0].tolist()
        [8.0, 9.0]
        """
        held_out = every_fifth(self.y_train)
        return replace(
            self,
            X_train=self.X_train[~held_out],
            y_train=self.y_train[~held_out],
            X_test=self.X_train[held_out],
            y_test=self.y_train[held_out],
            held_out=held_out,
        )

    def with_test(self, samples: Samples) -> Dataset:
        """Return the data with other test samples; `match_labels` finds their classes."""
        return replace(self, X_test=samples.X, y_test=match_labels(samples, self.class_names))

    def with_classes(self, class_names: Sequence[str], source: str) -> Dataset:
        """Return the data with a model's classes; an unknown class raises a DataError.

        Examples
        --------
        >>> X, y = np.ones((2, 1)), np.array([0, 1])
        >>> dataset = Dataset(X, y, X[:0], y[:0], ("cat", "dog"), None)
        >>> dataset.with_classes(("bird", "cat", "dog"), "pets.csv").y_train
        array([1, 2])
        """
        numbers = class_numbers(source, self.class_names, class_names)
        y_train, y_test = numbers[self.y_train], numbers[self.y_test]
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
    y : array of shape (m,) or None
        Integer labels, each the index of a name in ``class_names``.
    class_names : tuple of str
        The classes that occur; empty if there are no labels.
    image_shape : (int, int) or None
    names : sequence of str
        A name for each sample: the name of its file, or its number, counted from 0.
    source : str
        The source of the samples, as the user names it.
    feature_names : tuple of str, optional
        As in `Dataset`.
    """

    X: Rows
    y: Labels | None
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    names: Sequence[str]
    source: str
    feature_names: tuple[str, ...] | None = None


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
    labels: Sequence[object] | None  # as they are written in the source
    image_shape: tuple[int, int] | None = None
    names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None


class Parts(NamedTuple):
    """What a reader returns for a source."""

    train: Part
    test: Part | None = None


def build_dataset(source: str, parts: Parts) -> Dataset:
    """Make a data set from what a reader found, or raise an error that says what is missing."""
    train = parts.train
    test = parts.test or Part(train.X[:0], [], train.image_shape)
    for part in (train, test):
        check_part(source, part)
    if train.labels is None or test.labels is None:
        raise DataError(f"{source} has no labels; expected one per sample to train on.")
    if not len(train.X):
        raise DataError(f"{source} holds no samples; expected at least one of each class.")
    check_same_features(source, train.X.shape[1], test.X.shape[1])
    class_names, (y_train, y_test) = encode_labels(source, train.labels, test.labels)
    check_several_classes(source, [class_names[k] for k in np.unique(y_train)])
    return Dataset(
        train.X, y_train, test.X, y_test, class_names, train.image_shape, train.feature_names
    )


def check_several_classes(source: str, found: Sequence[str]) -> None:
    """Refuse training samples of a single class."""
    if len(found) < 2:
        raise DataError(
            f"{source} has training samples of a single class, {quoted(found[0])}; "
            "expected at least two classes."
        )


def build_samples(source: str, part: Part) -> Samples:
    """Make samples from what a reader found, or raise an error that says what is missing."""
    check_part(source, part)
    if not len(part.X):
        raise DataError(f"{source} holds no samples; expected at least one.")
    class_names: tuple[str, ...] = ()
    y = None
    if part.labels is not None:
        class_names, (y,) = encode_labels(source, part.labels)
    names = part.names or Numbered(len(part.X))
    return Samples(part.X, y, class_names, part.image_shape, names, source, part.feature_names)


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


def encode_labels(
    source: str, *parts: Sequence[object]
) -> tuple[tuple[str, ...], tuple[Labels, ...]]:
    """Give each class of any part a number: whole numbers by size, texts alphabetically.

    If all labels are whole numbers, 1, +1 and 1.0 are the same class. If any label is something
    else, such as 01, 1e3 or cat, all labels are texts, and each spelling is its own class.
    """
    texts = [list(map(str, part)) for part in parts]
    distinct = set().union(*texts)
    check_labels(source, distinct)
    index: dict[str, int]
    if all(map(WHOLE_NUMBER.fullmatch, distinct)):
        numbers = {text: int(text.partition(".")[0]) for text in distinct}
        ordered = {number: k for k, number in enumerate(sorted(set(numbers.values())))}
        index = {text: ordered[number] for text, number in numbers.items()}
        names = tuple(map(str, ordered))
    else:
        names = tuple(sorted(distinct))
        index = {name: k for k, name in enumerate(names)}
    return names, tuple(np.array([index[t] for t in part], dtype=np.intp) for part in texts)


def check_labels(source: str, distinct: set[str]) -> None:
    """Refuse empty labels, and labels that cannot be written."""
    if "" in distinct:
        raise DataError(f"{source} has an empty label; expected a number or a name.")
    broken = next(filter(SURROGATE.search, distinct), None)
    if broken is not None:
        raise DataError(
            f"{source} has the label {quoted(broken)}, which UTF-8 cannot encode; rename it."
        )


def match_labels(samples: Samples, class_names: Sequence[str]) -> Labels:
    """Translate the labels of samples to the numbers of a model's classes, by name.

    Parameters
    ----------
    samples : Samples
    class_names : sequence of str
        The classes of the model.

    Returns
    -------
    array of shape (m,)
        Indices into ``class_names``.

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
        raise DataError(f"{samples.source} has no labels; expected one per sample.")
    labels: Labels = class_numbers(samples.source, samples.class_names, class_names)[samples.y]
    return labels


def class_numbers(
    source: str, found: Sequence[str], class_names: Sequence[str], whose: str = "the network"
) -> Labels:
    """Return the number that a model gives each class of a source, by its name."""
    known = _by_name(class_names)
    numbers = [known.get(name, known.get(_spelled(name), -1)) for name in found]
    if -1 in numbers:
        raise DataError(
            f"{source} has samples of the class {quoted(found[numbers.index(-1)])}, which "
            f"{whose} does not know; expected one of {listed(class_names)}."
        )
    return np.array(numbers, dtype=np.intp)


def _by_name(class_names: Sequence[str]) -> dict[str, int]:
    """Return the number of each class by its name, and by the usual spelling of its name."""
    spelled = [_spelled(name) for name in class_names]
    counts = Counter(spelled)
    once = {name: k for k, name in enumerate(spelled) if counts[name] == 1}
    if list(class_names) == ["False", "True"]:  # arrays and tables may hold them as 0 and 1
        once |= {"0": 0, "1": 1}
    return once | {name: k for k, name in reversed(list(enumerate(class_names)))}


def _spelled(name: str) -> str:
    """Return a name without surrounding blanks, and a whole number in its usual spelling."""
    name = name.strip()
    return str(int(name.partition(".")[0])) if WHOLE_NUMBER.fullmatch(name) else name


def every_fifth(y: Labels) -> npt.NDArray[np.bool_]:
    """Mark the fifth, tenth, … sample of each class, in the order of the samples."""
    order = np.argsort(y, kind="stable")
    by_class = y[order]
    ranks = np.arange(len(y)) - np.searchsorted(by_class, by_class)
    held_out = np.zeros(len(y), dtype=bool)
    held_out[order[ranks % HELD_OUT == HELD_OUT - 1]] = True
    return held_out

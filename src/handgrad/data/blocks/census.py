"""The first pass over the targets: the classes, their rows in each leaf, and a digest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

import numpy as np

from handgrad.data.classes import WHOLE_NUMBER, check_labels
from handgrad.data.fingerprint import LabelDigest, NumberDigest
from handgrad.data.targets import OR_MATRIX, OR_VALUES
from handgrad.errors import DataError
from handgrad.quoting import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from handgrad.data.classes import Labels
    from handgrad.data.targets import Matrix, Predicts

LEAF_ROWS = 8192
MOST_CLASSES = 1 << 16
TEXT, NUMBER = "texts", "numbers"


class SharedLabels(NamedTuple):
    """Labels as numbers of distinct values: a label that occurs often is one Python object."""

    values: list[Any]  # distinct: bool, int, float or str
    codes: npt.NDArray[np.int64]  # (m,): indices into values


FoundTargets: TypeAlias = Union[SharedLabels, "Matrix"]
"""The targets of some rows, as a table gives them: classes, or a matrix of labels or values."""


@dataclass(frozen=True, eq=False)
class Census:
    """What the first pass finds."""

    classes: npt.NDArray[Any]  # (K,): sorted; of labels and values none
    counts: npt.NDArray[np.int64]  # (n, K): rows of each class in each leaf; else (n, 1): all rows
    digest: str
    numbers: dict[Any, int]  # the number of the class of each value

    def numbers_of(self, labels: SharedLabels) -> Labels:
        """(m,): the number of each row's class; a new label raises a KeyError."""
        numbers = np.array([self.numbers[value] for value in labels.values], np.intp)
        return numbers[labels.codes]


def shared_labels(where: str, labels: npt.NDArray[Any]) -> SharedLabels:
    """Share the labels of an array; ``where`` names their source in errors."""
    if labels.ndim != 1:
        raise DataError(
            f"{where} holds labels of shape {shown(labels.shape)}; expected (samples,), "
            f"one label per row, never one-hot{OR_MATRIX}."
        )
    if labels.dtype.kind not in "buifUSO":
        raise DataError(
            f"{where} holds labels of type {labels.dtype}; expected whole numbers or texts."
        )
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{where} holds the label {quoted(str(error.object))}, which is not UTF-8; "
                "expected texts."
            ) from error
    if labels.dtype.kind == "O":
        found: dict[Any, int] = {}
        places = [found.setdefault(value, len(found)) for value in labels.tolist()]
        return SharedLabels(list(found), np.array(places, np.int64))
    values, codes = np.unique(labels, return_inverse=True)
    return SharedLabels(values.tolist(), codes.astype(np.int64))


def take_census(
    tables: Iterable[tuple[str, Iterable[Any]]],
    leaf_rows: int,
    predicts: Predicts,
    *,
    written: bool = False,
) -> Census:
    """Pass over the targets of tables, each with its name."""
    if predicts == "classes":
        return count_labels(tables, leaf_rows, written=written)
    digest, rows = NumberDigest(), 0
    for _, parts in tables:
        for Y in parts:
            digest.add(Y)
            rows += len(Y)
    starts = np.arange(0, rows, leaf_rows)
    counts = np.minimum(rows - starts, leaf_rows)[:, None]
    return Census(np.zeros(0, np.intp), counts, digest.text(predicts), {})


def count_labels(
    tables: Iterable[tuple[str, Iterable[SharedLabels]]],
    leaf_rows: int,
    *,
    written: bool = False,
) -> Census:
    """Count the labels of tables, each with its name.

    If labels are ``written``, as in CSV, texts that are all whole numbers are numbers.
    """
    tally = _Tally(leaf_rows)
    for name, parts in tables:
        start = 0
        for labels in parts:
            tally.add(name, labels, start)
            start += len(labels.codes)
    return tally.census(written=written)


class _Tally:
    def __init__(self, leaf_rows: int) -> None:
        self.leaf_rows = leaf_rows
        self.places: dict[Any, int] = {}  # of values, in the order in which they are found
        self.kinds: dict[str, str] = {}  # texts or numbers, and the table that first has them
        self.leaves: list[npt.NDArray[np.int64]] = []  # counts by place
        self.rows_of_last = leaf_rows
        self.all_bool = True  # True and 1 are the same key of a dictionary
        self.digest = LabelDigest()
        self.spelled = _SpelledNumbers()

    def add(self, name: str, labels: SharedLabels, start: int) -> None:
        """Count labels of a table, the first of which is the label of its row ``start``."""
        first = np.full(len(labels.values), len(labels.codes))
        np.minimum.at(first, labels.codes, np.arange(len(labels.codes)))
        places = np.full(len(labels.values), -1)
        for k in np.argsort(first, kind="stable"):  # so that places do not depend on the parts
            if first[k] < len(labels.codes):
                places[k] = self._place(name, labels.values[k], start + int(first[k]))
        codes = places[labels.codes]
        self.digest.add(codes)
        self.spelled.add(self.places, codes)
        self._count(codes)

    def _place(self, name: str, value: Any, row: int) -> int:
        self.all_bool = self.all_bool and isinstance(value, bool)
        place = self.places.get(value)
        if place is None:
            value = _checked(name, value, row)
            self._check_kind(name, value)
            place = self.places.setdefault(value, len(self.places))
            if place >= MOST_CLASSES:
                raise DataError(
                    f"{name} holds more than {MOST_CLASSES:,} different labels; expected classes: "
                    f"name the column of the classes{OR_VALUES}."
                )
        return place

    def _check_kind(self, name: str, value: Any) -> None:
        kind = TEXT if isinstance(value, str) else NUMBER
        self.kinds.setdefault(kind, name)
        if len(self.kinds) > 1:
            raise DataError(
                f"{self.kinds[NUMBER]} holds labels that are numbers and {self.kinds[TEXT]} labels "
                "that are texts; expected labels of one kind."
            )

    def _count(self, codes: npt.NDArray[np.int64]) -> None:
        while len(codes):
            if self.rows_of_last == self.leaf_rows:
                self.leaves.append(np.zeros(0, np.int64))
                self.rows_of_last = 0
            part = codes[: self.leaf_rows - self.rows_of_last]
            codes = codes[len(part) :]
            self.rows_of_last += len(part)
            counts = np.bincount(part, minlength=len(self.leaves[-1]))
            counts[: len(self.leaves[-1])] += self.leaves[-1]
            self.leaves[-1] = counts

    def census(self, *, written: bool) -> Census:
        values = list(self.places)
        classes, numbers = self._sorted_classes(values, written=written)
        counts = np.zeros((len(self.leaves), len(classes)), np.int64)
        for row, leaf in zip(counts, self.leaves, strict=True):
            np.add.at(row, numbers[: len(leaf)], leaf)
        if written and self.spelled.are_all:
            digest = self.spelled.text
        else:
            digest = self.digest.text([str(classes[number]) for number in numbers])
        table = dict(zip(values, numbers.tolist(), strict=True))
        return Census(classes, counts, digest, table)

    def _sorted_classes(
        self, values: list[Any], *, written: bool
    ) -> tuple[npt.NDArray[Any], Labels]:
        keys = values
        if written and self.spelled.are_all:
            keys = list(map(_whole_number, values))
        elif NUMBER in self.kinds:
            keys = [value if self.all_bool else int(value) for value in values]
        ordered = sorted(set(keys))
        number = {key: k for k, key in enumerate(ordered)}
        numbers = np.array([number[key] for key in keys], np.intp)
        return _class_array(ordered), numbers


class _SpelledNumbers:
    """Labels that are texts of whole numbers: 1 and 1.0 are one class, unless others are texts."""

    def __init__(self) -> None:
        self.are_all = True
        self._digest = LabelDigest()
        self._places: dict[int, int] = {}  # of numbers, in the order in which they are found
        self._of_values: list[int] = []  # for the place of a value that of its number

    def add(self, values: Mapping[Any, int], codes: npt.NDArray[np.int64]) -> None:
        """Add the labels of consecutive rows, as places of the values so far."""
        for value in islice(values, len(self._of_values), None):
            self.are_all = self.are_all and _is_whole_number(value)
            if not self.are_all:
                return
            place = self._places.setdefault(_whole_number(value), len(self._places))
            self._of_values.append(place)
        if self.are_all:
            self._digest.add(np.array(self._of_values, np.int64)[codes])

    @property
    def text(self) -> str:
        """The digest of all labels as numbers."""
        return self._digest.text(list(map(str, self._places)))


def _is_whole_number(value: Any) -> bool:
    """Tell whether a label is the text of a whole number."""
    return isinstance(value, str) and WHOLE_NUMBER.fullmatch(value) is not None


def _whole_number(text: str) -> int:
    return int(text.partition(".")[0])


def _class_array(classes: list[Any]) -> npt.NDArray[Any]:
    if not classes:
        return np.zeros(0, np.int64)
    # An array of texts drops zeros at their ends.
    cut = any(isinstance(value, str) and value.endswith("\0") for value in classes)
    return np.array(classes, dtype=object if cut else None)


def _checked(name: str, value: Any, row: int) -> bool | int | str:
    """Return a label as a class: a float that is a whole number becomes one."""
    if isinstance(value, str):
        check_labels(name, {value})
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):  # None, NaN, infinity, any other object
        whole = None
    if whole is None or whole != value or not -(1 << 63) <= whole < 1 << 63:
        found = "a missing label" if value is None else f"the label {quoted(str(value))}"
        raise DataError(
            f"{name} holds {found} in row {row} (counted from 0); expected whole numbers of "
            f"64 bits or texts{OR_VALUES if isinstance(value, float) else ''}."
        )
    return whole

"""The targets in data: the columns that hold them, and labels and values as matrices.

Labels and values are matrices of numbers, one row per sample and one column per label or value. A
label is 1 where a sample has it, and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.quoting import listed, quoted, shown

Predicts: TypeAlias = Literal["classes", "labels", "values"]
Matrix: TypeAlias = npt.NDArray[np.float64]

PREDICTS: tuple[Predicts, ...] = get_args(Predicts)
USUAL_LABEL = "label"  # the column of the targets in tables
FINITE, MARKS = "a finite number", "1 where a sample has the label, otherwise 0"
# How sentences go on if what they refuse as classes may be something else.
OR_MATRIX = "; if a sample has several labels or values, pass predicts='labels' or 'values'"
OR_VALUES = "; if they are values to predict, pass predicts='values' (--regression)"


class TargetColumns(NamedTuple):
    """What is to be predicted, and the columns of a table that hold it."""

    predicts: Predicts = "classes"
    names: tuple[str, ...] = (USUAL_LABEL,)

    @classmethod
    def of(cls, label: str | Sequence[str], predicts: Predicts = "classes") -> TargetColumns:
        """Return the columns that a caller names.

        Raises
        ------
        DataError
            If several columns are named for classes, one is named twice, or none is named.

        Examples
        --------
        >>> TargetColumns.of(["height", "weight"], "values").names
        ('height', 'weight')
        """
        if predicts not in PREDICTS:
            raise DataError(
                f"predicts is {shown(predicts)}; expected one of {', '.join(PREDICTS)}."
            )
        names = (label,) if isinstance(label, str) else label
        is_known = isinstance(names, Sequence) and all(isinstance(name, str) for name in names)
        if not is_known or not names:
            raise DataError(f"label is {shown(label)}; expected the name of a column, or several.")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"label names the column {quoted(twice)} twice; expected it once.")
        if predicts == "classes" and len(names) > 1:
            raise DataError(
                f"label names {len(names)} columns ({listed(names)}), but classes lie in one; "
                "expected one name, or predicts='labels' or 'values'."
            )
        return cls(predicts, tuple(names))

    @property
    def noun(self) -> str:
        """What a sample has one of, or several: "label" or "value"."""
        return "value" if self.predicts == "values" else "label"

    @property
    def fewest(self) -> str:
        """How many samples a source must hold at least."""
        return "one of each class" if self.predicts == "classes" else "one"

    @property
    def expected(self) -> str:
        """What a cell of labels or values must hold."""
        return MARKS if self.predicts == "labels" else FINITE

    def fault_in(self, Y: npt.NDArray[Any]) -> tuple[int, int] | None:
        """Return the place of the first label that is not 0 or 1, or value that is not finite."""
        is_sound = (Y == 0) | (Y == 1) if self.predicts == "labels" else np.isfinite(Y)
        if is_sound.all():
            return None
        row, column = np.argwhere(~is_sound)[0].tolist()
        return row, column

    def check_number(self, outputs: int, where: str) -> None:
        """Refuse a single column of labels: one label that is there or not is two classes."""
        if self.predicts == "labels" and outputs < 2:
            raise DataError(
                f"{where} gives one column of labels; expected several: to predict whether a "
                "sample has one label, pass predicts='classes'."
            )

    def names_of(self, where: str, outputs: int) -> tuple[str, ...]:
        """Return the names of labels or values that come without names.

        They are the names that the caller gave, or numbers.

        Examples
        --------
        >>> TargetColumns("values", ("height", "weight")).names_of("rows.npz", 2)
        ('height', 'weight')
        >>> TargetColumns("values").names_of("rows.npz", 2)
        ('0', '1')
        """
        self.check_number(outputs, where)
        if self.names == (USUAL_LABEL,):
            return tuple(map(str, range(outputs)))
        if len(self.names) != outputs:
            raise DataError(
                f"{where} holds {outputs} {self.predicts} per sample; expected "
                f"{len(self.names)}, as label names them."
            )
        return self.names


CLASSES = TargetColumns()


def as_matrix(where: str, y: Any, predicts: Predicts) -> Matrix:
    """Return labels or values in memory as a matrix (m, K), after a check of every number.

    They may also be a sparse array of SciPy.

    Examples
    --------
    >>> as_matrix("arrays", [1, 2.5], "values")
    array([[1. ],
           [2.5]])
    """
    given = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim != 2 or not given.shape[1]:
        raise DataError(
            f"{where} holds {predicts} of shape {shown(np.shape(given))}; expected one row per "
            f"sample, and one column per {predicts[:-1]}."
        )
    targets = TargetColumns(predicts)
    targets.check_number(given.shape[1], where)
    numbers = _numbers(where, given, predicts)
    check_numbers(where, numbers, targets)
    return numbers


def names_in_frame(y: Any) -> tuple[str, ...]:
    """Return the names of a data frame's columns, or of a series; none of anything else."""
    columns = getattr(y, "columns", None)
    if columns is None:
        name = getattr(y, "name", None)
        columns = [] if name is None else [name]
    return tuple(map(str, columns))


def check_numbers(
    where: str,
    Y: npt.NDArray[Any],
    targets: TargetColumns,
    start: int = 0,
    names: Sequence[str] | None = None,
) -> None:
    """Refuse values that are not finite, and labels other than 0 and 1.

    The first row of Y is row ``start`` of ``where``. The columns have names, or are counted.
    """
    fault = targets.fault_in(Y)
    if fault is None:
        return
    row, column = fault
    which = f"column {quoted(names[column])}" if names else f"column {column} of y"
    raise DataError(
        f"{where} holds {Y[row, column]:g} in row {start + row} (counted from 0) of its {which}; "
        f"expected {targets.expected}."
    )


def _numbers(where: str, given: npt.NDArray[Any], predicts: Predicts) -> Matrix:
    is_number = given.dtype.kind in "buif"
    if given.dtype.kind == "O":  # as data frames hold numbers of several types
        is_number = not any(isinstance(value, str | bytes) for value in given.ravel().tolist())
    try:
        if is_number:
            with np.errstate(over="ignore"):  # to infinity, which is refused
                numbers: Matrix = np.ascontiguousarray(given, dtype=np.float64)
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{where} holds {predicts} of type {given.dtype}; expected numbers.")


def groups_of(y: npt.NDArray[Any], predicts: Predicts) -> npt.NDArray[Any]:
    """Return the group of each row, of which every n-th row is held out: the class, if it has one.

    Examples
    --------
    >>> groups_of(np.array([2, 0]), "classes"), groups_of(np.array([0.5, 3.0]), "values")
    (array([2, 0]), array([0, 0]))
    """
    return y if predicts == "classes" else np.zeros(len(y), np.intp)


def column_order(
    source: str,
    found: Sequence[str],
    wanted: Sequence[str],
    predicts: Predicts,
    whose: str = "the network",
) -> list[int]:
    """Return which column of a source is each label or value of a network, by its name.

    Columns whose names are mere numbers, on either side, are taken in their order.

    Examples
    --------
    >>> column_order("rows.csv", ["height", "weight"], ["weight", "height"], "values")
    [1, 0]
    """
    if len(found) != len(wanted):
        raise DataError(
            f"{source} has {len(found)} {predicts} per sample; expected {len(wanted)}, as {whose} "
            "has."
        )
    if set(found) == set(wanted):
        return [list(found).index(name) for name in wanted]
    numbers = [str(column) for column in range(len(found))]
    if numbers in (list(found), list(wanted)):
        return list(range(len(found)))
    raise DataError(
        f"{source} has the {predicts} {listed(found)}; expected {listed(wanted)}, as {whose} has: "
        "name their columns with --label."
    )

"""Labels as the numbers of classes, and classes by their names."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.quoting import SURROGATE, listed, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

Labels: TypeAlias = npt.NDArray[np.intp]

HELD_OUT = 5  # every fifth sample of a class, or of all, is a test sample
# A number with leading zeros, such as 007, is a code and stays as it is written. No float64 has
# more than 309 digits before the point.
WHOLE_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,399})(\.0*)?", re.ASCII)


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

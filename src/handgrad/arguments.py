"""What a single number among the arguments of a call may be, and how errors quote it."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from handgrad.errors import HandgradError

LONGEST = 60  # characters that an error quotes


def whole_number(
    name: str, value: Any, least: int, most: int | None, error: type[HandgradError]
) -> int:
    """Return a whole number, or raise the error where it is none or out of range.

    Parameters
    ----------
    name : str
        What the sentence calls it.
    value : object
        Python's or NumPy's whole numbers pass; True and False do not.
    least, most : int
        The range; None for no end.
    error : type of HandgradError

    Examples
    --------
    >>> from handgrad.errors import EngineError
    >>> whole_number("threads", np.int64(2), 1, None, EngineError)
    2
    """
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        expected = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise error(f"{name} is {shown(value)}; expected a whole number {expected}.")
    return number


def real_number(value: Any) -> float:
    """Return a number as a float; NaN where it is none, or too large for one.

    Examples
    --------
    >>> real_number(np.float32(0.5)), real_number("0.5")
    (0.5, nan)
    """
    if isinstance(value, str | bytes | bytearray | complex | np.complexfloating):
        return math.nan
    try:
        return float(value) if np.ndim(value) == 0 else math.nan
    except (TypeError, ValueError, OverflowError):
        return math.nan


def shown(value: object) -> str:
    """Return what an error quotes: at most some 60 characters, all of which print.

    Examples
    --------
    >>> shown("a"), shown(10**100)
    ("'a'", '100000000000000000000000000000000000000000000000000000000000…')
    """
    if isinstance(value, np.generic):
        value = value.item()
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = f"{type(value).__name__} of too many digits"
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "".join(sign if sign.isprintable() else " " for sign in cut)

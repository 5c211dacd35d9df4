"""What a single number among the arguments of a call may be."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.quoting import shown

if TYPE_CHECKING:
    from handgrad.errors import HandgradError


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

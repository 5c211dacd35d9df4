"""Checks of single numbers among the arguments of a call."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.errors import HandgradError


def whole_number(
    name: str, value: Any, least: int, most: int | None, error: type[HandgradError]
) -> int:
    """Return a whole number; raise the error if the value is not one, or is out of range.

    True and False are not numbers. If ``most`` is None, the range has no upper end.

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


def check_choice(name: str, value: Any, choices: Sequence[str], error: type[HandgradError]) -> None:
    """Raise the error unless a value is one of these texts.

    Examples
    --------
    >>> from handgrad.errors import EngineError
    >>> check_choice("output", "softmax", ("softmax", "logistic"), EngineError)
    """
    if not isinstance(value, str) or value not in choices:
        raise error(f"{name} is {shown(value)}; expected one of {', '.join(choices)}.")


def real_number(value: Any) -> float:
    """Return a number as a float; NaN if the value is not a number, or too large for a float.

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

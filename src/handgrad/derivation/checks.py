"""Checks every formula against a value that is computed in a different way, and says the outcome.

`checks_of_notes` compares the formulas of the notes, and `checks_of_layers` those of any depth.
docs/derivation.md explains the methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handgrad.derivation import checks_of_layers, checks_of_notes
from handgrad.derivation.comparisons import (
    Comparison,
    FormulaCheck,
    relative_error,
    until_an_error,
)
from handgrad.derivation.formulas import (
    ACTIVATION_FORMULAS,
    ALL_FORMULAS,
    FORMULAS,
    LAYER_FORMULAS,
    OUTPUT_FORMULAS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["Comparison", "FormulaCheck", "check_formulas", "relative_error"]


def check_formulas(
    digits: npt.NDArray[np.uint8] | None = None, labels: npt.ArrayLike | None = None
) -> list[FormulaCheck]:
    """Check every formula of `handgrad.notes` and of `handgrad.backpropagation`.

    Examples
    --------
    >>> all(check.passed for check in check_formulas())
    True
    """
    comparisons = [*_of_the_notes(digits, labels), *_of_any_depth(digits, labels)]
    return [
        FormulaCheck(name, tuple(c for c in comparisons if c.formula == name))
        for name in ALL_FORMULAS
    ]


def _of_the_notes(
    digits: npt.NDArray[np.uint8] | None, labels: npt.ArrayLike | None
) -> Iterator[Comparison]:
    cases = [checks_of_notes.random_case(*shape) for shape in checks_of_notes.SHAPES]
    if digits is not None:
        cases.append(checks_of_notes.digits_case(digits, np.asarray(labels)))
    for case in cases:
        yield from until_an_error(checks_of_notes.compare_case(case), FORMULAS)
    yield from until_an_error(checks_of_notes.compare_extremes(), FORMULAS)


def _of_any_depth(
    digits: npt.NDArray[np.uint8] | None, labels: npt.ArrayLike | None
) -> Iterator[Comparison]:
    cases = list(checks_of_layers.cases())
    if digits is not None:
        cases.append(checks_of_layers.digits_case(digits, np.asarray(labels)))
    of_a_case = LAYER_FORMULAS | OUTPUT_FORMULAS
    for case in cases:
        yield from until_an_error(checks_of_layers.compare_case(case), of_a_case)
    yield from until_an_error(checks_of_layers.compare_activations(), ACTIVATION_FORMULAS)
    yield from until_an_error(checks_of_layers.compare_extremes(), OUTPUT_FORMULAS)

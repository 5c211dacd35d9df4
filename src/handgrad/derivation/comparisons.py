"""Compares a formula with an independent value: derivatives, sums, and how far apart they are.

docs/derivation.md explains central differences and the complex step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.derivation.formulas import ALL_FORMULAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from handgrad.derivation.textbook import Array

EXACT = 0.0
SAME_SUM = 1e-12  # the same terms, added in a different order
COMPLEX_STEP = 1e-10  # exact except for rounding
CENTRAL_DIFFERENCE = 1e-6  # rounding error of the cost over the step, about 1e-16 / 1e-5 / 1e-2

STEP = float(np.cbrt(np.finfo(np.float64).eps))  # balances truncation and rounding errors
KINK_MARGIN = 1e-3  # differences must not cross the kink of a ReLU
SMALLEST_SCALE = 1e-2  # errors are relative to the largest entry, or to this if all are smaller
MOST_ENTRIES = 200  # of a matrix, at which derivatives are compared


@dataclass(frozen=True)
class Comparison:
    """One formula compared with one oracle."""

    formula: str
    method: str
    error: float
    """The largest difference, relative to the largest entry of both."""
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN never is."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class FormulaCheck:
    """All comparisons of one formula."""

    formula: str
    comparisons: tuple[Comparison, ...]

    @property
    def statement(self) -> str:
        """The formula as text."""
        return ALL_FORMULAS[self.formula].statement

    @property
    def error(self) -> float:
        """The largest relative error."""
        return float(np.max([comparison.error for comparison in self.comparisons]))

    @property
    def passed(self) -> bool:
        """Whether there are comparisons, and all of them passed."""
        return bool(self.comparisons) and all(c.passed for c in self.comparisons)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of all comparisons, each once."""
        return tuple(dict.fromkeys(c.method for c in self.comparisons))

    @property
    def failed_methods(self) -> tuple[str, ...]:
        """The methods that found a difference."""
        return tuple(dict.fromkeys(c.method for c in self.comparisons if not c.passed))

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values for JSON, which has no infinite numbers."""
        return {
            "formula": self.formula,
            "error": self.error if np.isfinite(self.error) else None,
            "passed": self.passed,
            "methods": self.methods,
            "failed_methods": self.failed_methods,
        }


def until_an_error(
    comparisons: Iterator[Comparison], formulas: Iterable[str]
) -> Iterator[Comparison]:
    """Pass comparisons on; after an error, such as shapes that do not fit, fail the rest."""
    compared = set()
    try:
        for comparison in comparisons:
            compared.add(comparison.formula)
            yield comparison
    except (ValueError, TypeError, IndexError) as error:
        for formula in formulas:
            if formula not in compared:
                yield Comparison(formula, f"stopped: {error}", float("inf"), EXACT)


def compare(formula: str, method: str, found: Any, expected: Any, tolerance: float) -> Comparison:
    """Compare a value with that of an oracle."""
    return Comparison(formula, method, relative_error(found, expected), tolerance)


def relative_error(found: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the largest difference, relative to the largest entry of both (at least 0.01).

    Arrays of different shapes are infinitely far apart.

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 4.0])
    0.5
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return float("inf")
    scale = max(np.abs(found).max(), np.abs(expected).max(), SMALLEST_SCALE)
    return float(np.abs(found - expected).max() / scale)


def columns(vectors: Iterable[Array]) -> Array:
    """Put vectors side by side."""
    return np.stack(list(vectors), axis=1)


def some_entries(at: Array) -> Array:
    """Return flat indices of entries to check: all of them, or a fixed random choice of many."""
    if at.size <= MOST_ENTRIES:
        return np.arange(at.size)
    return np.random.default_rng(0).choice(at.size, MOST_ENTRIES, replace=False)


def central_differences(function: Callable[[Array], float], at: Array, entries: Array) -> Array:
    """Differentiate a function of a matrix with respect to some of its entries."""

    def slope(entry: int) -> float:
        above, below = at.copy(), at.copy()
        above.flat[entry] += STEP
        below.flat[entry] -= STEP
        return (function(above) - function(below)) / (2 * STEP)

    return np.array([slope(entry) for entry in entries])


def complex_step(function: Callable[[Array], Any], at: Array, entries: Array) -> Array:
    """Differentiate a function that takes complex numbers, without an error but rounding."""
    tiny = 1e-200  # nothing is subtracted, so no step is too small

    def slope(entry: int) -> float:
        beside = at.astype(np.complex128)
        beside.flat[entry] += tiny * 1j
        return float(function(beside).imag) / tiny

    return np.array([slope(entry) for entry in entries])

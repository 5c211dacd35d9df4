"""Compares the losses of our perceptrons with scikit-learn's in random configurations.

    python -m estimator.agreement                      # 2,000 configurations: minutes
    python -m estimator.agreement --only 17 --only 21  # the losses of two of them

Run it in the folder `tests`, or as `.ci/agreement`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn import neural_network

import handgrad
from estimator.configurations import ITERATIONS, Configuration, configuration
from estimator.disagreement import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIGURATIONS = 2000
TOLERANCES = {"float64": 1e-6, "float32": 1e-3}
REGRESSION = ("values", "counts")


class Comparison(NamedTuple):
    """The losses of one configuration, and how far they differ."""

    configuration: Configuration
    ours: np.ndarray
    theirs: np.ndarray

    @property
    def is_finite(self) -> bool:
        """Whether scikit-learn's losses are finite; otherwise there is nothing to agree with."""
        return len(self.theirs) > 0 and bool(np.isfinite(self.theirs).all())

    @property
    def tolerance(self) -> float:
        """The relative difference that the type of the rows allows."""
        return TOLERANCES[self.configuration.dtype]

    @property
    def difference(self) -> float:
        """The largest relative difference; infinite if one run is longer than the other."""
        if self.ours.shape != self.theirs.shape or not np.isfinite(self.ours).all():
            return np.inf
        scale = np.maximum(np.abs(self.theirs), np.finfo(np.float64).tiny)
        return float(np.max(np.abs(self.ours - self.theirs) / scale))

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return not self.is_finite or self.difference <= self.tolerance

    @property
    def reason(self) -> str:
        """Why losses cannot agree with scikit-learn's, or "" if they should."""
        return reason(self.configuration, self.theirs, self.tolerance, losses_of_scikit_learn)


def compare(given: Configuration) -> Comparison:
    """Train both in a configuration."""
    ours = getattr(handgrad, class_name(given))
    return Comparison(given, losses(ours, given), losses_of_scikit_learn(given))


def losses_of_scikit_learn(given: Configuration) -> np.ndarray:
    """Return the losses of scikit-learn's perceptron; see `losses`."""
    return losses(getattr(neural_network, class_name(given)), given)


def class_name(given: Configuration) -> str:
    """Return the name that the classes of both have."""
    return "MLPRegressor" if given.task in REGRESSION else "MLPClassifier"


def losses(kind: Any, given: Configuration) -> np.ndarray:
    """Return the losses of all iterations, for lbfgs the last one; none if the run fails."""
    model = kind(**given.options)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            _train(model, given)
        # Weights that are not finite, or all 0 in a batch; scikit-learn 1.8 cannot hold out texts.
        except (ValueError, ZeroDivisionError, TypeError):
            return np.empty(0)
    return np.array([model.loss_] if given.solver == "lbfgs" else model.loss_curve_, np.float64)


def _train(model: Any, given: Configuration) -> None:
    X, y, weights = given.samples
    if given.calls == "partial_fit":
        classes = {} if given.task in REGRESSION else {"classes": _classes(given)}
        for _ in range(ITERATIONS):
            model.partial_fit(X, y, weights, **classes)
        return
    if given.calls == "warm start":
        model.set_params(warm_start=True, max_iter=2).fit(X, y, weights)
        model.set_params(max_iter=ITERATIONS - 2)
    model.fit(X, y, weights)


def _classes(given: Configuration) -> np.ndarray:
    y = given.samples.y
    return np.arange(y.shape[1]) if given.task == "labels" else np.unique(y)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare as many configurations as asked for; 1 if some disagree without a reason."""
    asked = _parser().parse_args(arguments)
    compared = [compare(configuration(number)) for number in asked.only or range(asked.number)]
    if asked.only:
        for one in compared:
            print(f"{one.configuration}\n  ours   {one.ours}\n  theirs {one.theirs}")
        return 0
    return report(compared)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=CONFIGURATIONS, help="how many to compare")
    parser.add_argument("--only", type=int, action="append", help="show the losses of this one")
    return parser


def report(compared: Sequence[Comparison]) -> int:
    """Print what agrees, by solver and type, and each configuration that disagrees."""
    counts: Counter[tuple[str, str]] = Counter()
    largest: defaultdict[tuple[str, str], float] = defaultdict(float)
    finite = [one for one in compared if one.is_finite]
    agreed = [one for one in finite if one.agrees]
    for one in agreed:
        row = one.configuration.solver, one.configuration.dtype
        counts[row] += 1
        largest[row] = max(largest[row], one.difference)
    print(f"{'solver':8} {'rows':8} {'agree':>8}   largest difference")
    for row in sorted(counts):
        print(f"{row[0]:8} {row[1]:8} {counts[row]:8}   {largest[row]:.1e}")
    print(f"{len(compared)} configurations: scikit-learn stays finite in {len(finite)}, ", end="")
    print(f"of which {len(agreed)} agree.")
    unexplained = [_unexplained(one) for one in finite if not one.agrees]
    return int(any(unexplained))


def _unexplained(one: Comparison) -> bool:
    """Print a disagreement and its reason; tell whether there is none."""
    why = one.reason
    print(f"difference {one.difference:.1e} in {one.configuration}")
    print(f"    {why or 'no reason is known'}")
    return not why


if __name__ == "__main__":
    sys.exit(main())

"""Why losses may differ from scikit-learn's although both are right."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from sklearn.neural_network import _multilayer_perceptron

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estimator.configurations import Configuration

LOG_LOSSES = ("log_loss", "binary_log_loss")


def reason(
    given: Configuration,
    theirs: np.ndarray,
    tolerance: float,
    train: Callable[[Configuration], np.ndarray],
) -> str:
    """Return why losses cannot agree with scikit-learn's, or "" if they should.

    ``train`` returns the losses of scikit-learn in a configuration.
    """
    with _clipped_losses() as clipped:
        train(given)
    if clipped:
        return f"scikit-learn clips probabilities in {len(clipped)} of its losses"
    moved = max(_moved(theirs, train(changed)) for changed in _with_other_last_digits(given))
    if moved > tolerance:
        return f"the last digit of X moves scikit-learn's losses by {moved:.1e}"
    return ""


@contextmanager
def _clipped_losses() -> Iterator[list[float]]:
    """Gather the probabilities of the truth that are so small that scikit-learn clips them.

    Our cost is that of the logits, which is exact. L-BFGS compares costs to find its next step.
    """
    clipped: list[float] = []

    def watched(loss: Callable[..., Any]) -> Callable[..., Any]:
        def watching(y: Any, probabilities: Any, sample_weight: Any = None) -> Any:
            of_others = 1 if loss.__name__ == "log_loss" else 1 - probabilities
            smallest = float(np.min(np.where(y, probabilities, of_others)))
            if smallest < np.finfo(probabilities.dtype).eps:
                clipped.append(smallest)
            return loss(y, probabilities, sample_weight)

        return watching

    functions = _multilayer_perceptron.LOSS_FUNCTIONS
    with patch.dict(functions, {name: watched(functions[name]) for name in LOG_LOSSES}):
        yield clipped


def _with_other_last_digits(given: Configuration) -> Iterator[Configuration]:
    X = given.samples.X
    for digits in range(1, 9):
        factor = X.dtype.type(1 + digits * np.finfo(X.dtype).eps)
        yield given._replace(samples=given.samples._replace(X=X * factor))


def _moved(losses: np.ndarray, changed: np.ndarray) -> float:
    if losses.shape != changed.shape:
        return np.inf
    return float(np.max(np.abs(changed - losses) / np.abs(losses)))

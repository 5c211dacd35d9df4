"""When a run has improved too little for too long."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Patience:
    """Counts iterations in a row that improve a figure by less than ``tol``.

    Examples
    --------
    >>> patience = Patience(tol=0.1, iterations=1)
    >>> [patience.spent(cost) for cost in (1.0, 0.99, 0.98)]
    [False, False, True]
    """

    tol: float = 1e-4
    """The least improvement that counts."""
    iterations: float = 10
    """How many iterations without an improvement are allowed; may be infinite."""
    best: float = field(default=np.inf, init=False)
    """The lowest figure so far."""
    waited: int = field(default=0, init=False)
    """Iterations since the last improvement."""

    def spent(self, figure: float) -> bool:
        """Take a figure that should fall; tell whether it has not fallen for too long."""
        self.waited = self.waited + 1 if not figure <= self.best - self.tol else 0
        self.best = min(self.best, figure)
        return self.waited > self.iterations

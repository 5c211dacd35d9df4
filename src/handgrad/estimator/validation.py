"""Samples that judge the network of each iteration: held out, or the user's own."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.metrics import get_scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.engines import Engine, Session
    from handgrad.estimator.samples import Samples
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.network import Network


def scorer_of(scoring: Any) -> Any:
    """Return the scorer that the parameter names, or None; an unknown name raises a ValueError.

    Examples
    --------
    >>> scorer_of("loss") is scorer_of(None) is None
    True
    """
    return None if scoring in (None, "loss") else get_scorer(scoring)


class Judgement(NamedTuple):
    """How a network does on samples that it was not trained on."""

    score: float
    """Accuracy, R², or what a scorer returns."""
    loss: float
    """The mean loss, without the penalty of large weights."""


class Validation:
    """Judges networks on some samples.

    Parameters
    ----------
    samples : Samples
    kind : TargetKind
    engine : Engine
    scoring : str, callable or None
        As the estimators take it.
    fitted : callable
        Returns an estimator that predicts with a network, for scorers.
    """

    def __init__(
        self,
        samples: Samples,
        kind: TargetKind,
        engine: Engine,
        scoring: Any,
        fitted: Callable[[Network], Any],
    ) -> None:
        self._samples, self._kind, self._engine = samples, kind, engine
        self._scorer = scorer_of(scoring)
        self._fitted = fitted
        if self._scorer is not None:
            self._in_memory = samples.in_memory()

    def judge(self, network: Network) -> Judgement:
        """Return score and loss of a network."""
        return Judgement(self._score(network), self._loss(network))

    def _score(self, network: Network) -> float:
        if self._scorer is None:
            return self._samples.score(network, self._engine)
        X, y, weights = self._in_memory
        weighted = {} if weights is None else {"sample_weight": weights}
        return float(self._scorer(self._fitted(network), X, y, **weighted))

    def _loss(self, network: Network) -> float:
        """Return the mean loss; it is infinite if a class is unknown to the network."""
        return np.inf if self._samples.has_unknown else self._session.cost(network)

    @cached_property
    def _session(self) -> Session:
        return self._samples.session(self._engine, self._kind.objective(alpha=0))

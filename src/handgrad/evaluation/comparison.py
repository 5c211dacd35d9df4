"""Compares the predictions of a network with targets, for rows in memory or in blocks."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from handgrad.data import Blocks
from handgrad.engines.blocks import check_no_labels
from handgrad.engines.leaves import Problem
from handgrad.evaluation.classes import ClassEvaluation
from handgrad.evaluation.labels import LabelEvaluation
from handgrad.evaluation.predictions import predicted_outputs
from handgrad.evaluation.values import ValueEvaluation
from handgrad.objective import Objective

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.network import Network
    from handgrad.reading import Predicts

Evaluation: TypeAlias = ClassEvaluation | LabelEvaluation | ValueEvaluation

KINDS: dict[Predicts, type[Evaluation]] = {
    "classes": ClassEvaluation,
    "labels": LabelEvaluation,
    "values": ValueEvaluation,
}


def evaluate(
    network: Network, X: npt.ArrayLike | Blocks, y: npt.ArrayLike | None, *, engine: Engine
) -> Any:
    """Compare a network's predictions (O4) with the targets.

    Parameters
    ----------
    network : Network
    X : array of shape (m, D), or Blocks
        Only a few leaves of blocks are in memory at a time.
    y : array of shape (m,) or (m, K)
        As `handgrad.Network.targets` takes them; None with blocks, which hold their own.
    engine : Engine

    Returns
    -------
    ClassEvaluation, LabelEvaluation or ValueEvaluation
        Depending on whether the network predicts classes, several labels or values.

    Raises
    ------
    ShapeError
        If X or y does not fit the network.
    DataError
        If the network's numbers overflow on some samples; see `predicted_outputs`.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad import Network, get_engine
    >>> network = Network(W1=np.eye(2), b1=np.zeros((2, 1)), W2=np.eye(2), b2=np.zeros((2, 1)))
    >>> result = evaluate(network, [[3.0, 1.0], [2.0, 1.0]], [0, 1], engine=get_engine())
    >>> result.accuracy, result.confusion.tolist()
    (0.5, [[1, 0], [1, 0]])
    >>> line = Network([[1.0]], [[0.0]], [[2.0]], [[1.0]], output="identity")
    >>> result = evaluate(line, [[1.0], [2.0]], [3.0, 6.0], engine=get_engine("reference"))
    >>> result.mean_squared_error, round(result.r2, 3)
    (0.5, 0.778)
    """
    kind = KINDS[network.predicts]
    if not isinstance(X, Blocks):
        of_all = _compare(network, engine, X, y)
        return kind.of(of_all.cost, [of_all.tally])
    check_no_labels(y)
    Problem(X, Objective(network.output)).check(network)
    leaves = list(engine.map_leaves(partial(_compare, network), X))
    losses = math.fsum(leaf.cost * leaf.samples for leaf in leaves)
    cost = losses / sum(leaf.samples for leaf in leaves)
    return kind.of(cost, [leaf.tally for leaf in leaves])


class _Compared(NamedTuple):
    """The mean loss of some rows, and what the evaluation counts on them."""

    samples: int
    cost: float
    tally: Any


def _compare(network: Network, engine: Engine, X: Any, y: Any) -> _Compared:
    cost = engine.session(X, y, Objective(network.output)).cost(network)
    outputs = predicted_outputs(network, X, engine=engine)
    return _Compared(len(outputs), cost, KINDS[network.predicts].tally(outputs, y))

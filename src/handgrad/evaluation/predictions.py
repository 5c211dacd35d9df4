"""Predictions of a network for rows in memory or in blocks; an overflow raises an error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data import Blocks
from handgrad.errors import DataError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from handgrad.engines import Engine
    from handgrad.network import Labels, Matrix, Network
    from handgrad.targets import Targets


def predicted_outputs(network: Network, X: npt.ArrayLike | Blocks, *, engine: Engine) -> Matrix:
    """Return the outputs as shape (m, columns): probabilities, or predicted values.

    Raises
    ------
    DataError
        If some of them are not finite. If the logits of a sample overflow, no probability is the
        largest, and nothing is predicted.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network([[1.0]], [[0.0]], [[2.0]], [[1.0]], output="identity")
    >>> predicted_outputs(network, [[3.0], [-1.0]], engine=get_engine("reference"))
    array([[7.],
           [1.]])
    """
    if isinstance(X, Blocks):
        leaves = engine.map_leaves(partial(_outputs_of_leaf, network), X)
        return np.concatenate(list(leaves))
    outputs = engine.outputs(network, X)
    lost = len(outputs) - int(np.isfinite(outputs).all(axis=1).sum())
    if lost:
        raise DataError(
            f"The network's numbers overflow {network.dtype} on {lost:,} of "
            f"{len(outputs):,} samples, so that it predicts nothing there; expected smaller "
            "weights or features: scale the features to about 1, and train with a lower learning "
            "rate."
        )
    return outputs


def predicted_probabilities(
    network: Network, X: npt.ArrayLike | Blocks, *, engine: Engine
) -> Matrix:
    """Return the probabilities as shape (m, classes); see `predicted_outputs`."""
    if network.predicts == "values":
        raise ShapeError(
            f"{network!r} predicts values; expected a network that predicts probabilities: call "
            "predicted_outputs()."
        )
    return predicted_outputs(network, X, engine=engine)


def predicted_classes(
    network: Network, blocks: Blocks, *, engine: Engine
) -> Generator[tuple[Labels, Labels]]:
    """Yield the classes of each leaf, and the predicted classes of its rows (O4)."""
    return engine.map_leaves(partial(_classes_of_leaf, network), blocks)


def _outputs_of_leaf(network: Network, engine: Engine, X: Any, _: Targets) -> Matrix:
    return predicted_outputs(network, X, engine=engine)


def _classes_of_leaf(network: Network, engine: Engine, X: Any, y: Labels) -> tuple[Labels, Labels]:
    return y, predicted_probabilities(network, X, engine=engine).argmax(axis=1)

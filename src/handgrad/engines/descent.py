"""Full-batch descent for engines that take one pass per step in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad import backpropagation
from handgrad.engines import inputs
from handgrad.engines.protocol import Measurement, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from handgrad.network import Network


def descend(
    measure: Callable[[Network], Measurement],
    network: Network,
    learning_rate: float,
    iterations: int,
    on_progress: Callable[[Progress], bool | None] | None,
) -> tuple[Network, npt.NDArray[np.float64]]:
    """Take steps (U1) along measured gradients; ``on_progress`` is called before each one."""
    costs, accuracies = inputs.room_for(iterations)
    for step in range(iterations):
        costs[step], gradient, accuracies[step] = measure(network)
        if on_progress is not None:
            measured = slice(step + 1)
            if on_progress(Progress(network, costs[measured], accuracies[measured])):
                return network, costs[:step]
        network = backpropagation.descend(network, gradient, learning_rate)
    return network, costs

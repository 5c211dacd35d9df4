"""What training minimises: the loss that belongs to an output, and a penalty of large weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from handgrad.arguments import check_choice, real_number
from handgrad.backpropagation import Gradient
from handgrad.errors import EngineError, ShapeError
from handgrad.network import OUTPUTS, Output
from handgrad.quoting import shown

if TYPE_CHECKING:
    from handgrad.network import Network

Loss: TypeAlias = Literal["log_loss", "squared_error", "poisson"]
ValueLoss: TypeAlias = Literal["squared_error", "poisson"]

OUTPUT_OF_VALUES: dict[Loss, Output] = {"squared_error": "identity", "poisson": "exp"}
LOSS_OF: dict[Output, Loss] = {
    "softmax": "log_loss",
    "logistic": "log_loss",
    **{output: loss for loss, output in OUTPUT_OF_VALUES.items()},
}


@dataclass(frozen=True)
class Objective:
    """The cost of a network on rows: the mean loss + α Σ W² / 2 Σ w.

    The output decides the loss of a sample (O2; C1 is its mean for softmax). Row i counts
    w_i / Σ w. Without row weights each w_i is 1, and Σ w is m. Σ W² goes over all weights of the
    network; biases are not penalised.

    Parameters
    ----------
    output : {"softmax", "logistic", "identity", "exp"}
        The output of the networks to be trained.
    alpha : float
        α, 0 or more.
    averages_outputs : bool
        Whether reported costs divide the squared error by K, the number of values per sample, as
        scikit-learn does. The gradient is that of the sum in both cases.

    Raises
    ------
    EngineError
        If the output is unknown, or alpha is out of range.

    Examples
    --------
    >>> Objective("identity", alpha=1e-4).loss
    'squared_error'
    """

    output: Output = "softmax"
    alpha: float = 0.0
    averages_outputs: bool = False

    def __post_init__(self) -> None:
        check_choice("output", self.output, OUTPUTS, EngineError)
        if not 0 <= real_number(self.alpha) < np.inf:
            raise EngineError(f"alpha is {shown(self.alpha)}; expected a number of 0 or more.")

    @property
    def loss(self) -> Loss:
        """The loss that belongs to the output."""
        return LOSS_OF[self.output]

    def share_of_loss(self, network: Network) -> float:
        """Return the factor of the mean loss in reported costs: 1, or 1 / K."""
        is_averaged = self.averages_outputs and self.loss == "squared_error"
        return 1 / network.K if is_averaged else 1.0

    def check_output(self, network: Network) -> None:
        """Raise a ShapeError unless a network has the objective's output."""
        if network.output != self.output:
            raise ShapeError(
                f"The output of the network is {network.output}; expected {self.output}, as in the "
                "objective."
            )

    def decay(self, total: float) -> float:
        """Return α / Σ w, by which the penalty's gradient multiplies the weights.

        ``total`` is Σ w; it is 0 if a batch has no weight, which then has no penalty either.
        """
        return float(self.alpha) / total if total else 0.0

    def check_decay(self, total: float, dtype: np.dtype[Any]) -> None:
        """Raise an EngineError if the network's type cannot hold α / Σ w."""
        if self.alpha and not self.decay(total) <= float(np.finfo(dtype).max):
            raise EngineError(
                f"alpha is {shown(self.alpha)} over weights that add up to {total:g}, "
                f"beyond {dtype}'s range; expected a smaller alpha or larger weights."
            )

    def penalty(self, network: Network, total: float) -> float:
        """Return α Σ W² / 2 Σ w.

        Examples
        --------
        >>> from handgrad import Network
        >>> network = Network([[2.0]], [[1.0]], [[3.0]], [[1.0]])
        >>> Objective(alpha=2.0).penalty(network, total=1)
        13.0
        """
        if not self.alpha:
            return 0.0
        squares = sum(float(np.sum(layer.W**2, dtype=np.float64)) for layer in network.layers)
        return self.decay(total) / 2 * squares

    def penalised(self, gradient: Gradient, network: Network, total: float) -> Gradient:
        """Add the penalty's gradient, α W / Σ w, to that of the mean loss.

        Examples
        --------
        >>> from handgrad import Network
        >>> network = Network([[2.0]], [[1.0]], [[3.0]], [[1.0]])
        >>> zero = Gradient(0 * array for array in network.parameters)
        >>> Objective(alpha=1.0).penalised(zero, network, total=1).dW2
        array([[3.]])
        """
        decay = network.dtype.type(self.decay(total))
        dW = (dW + decay * layer.W for dW, layer in zip(gradient[::2], network.layers, strict=True))
        pairs = zip(dW, gradient[1::2], strict=True)
        return Gradient(array for pair in pairs for array in pair)

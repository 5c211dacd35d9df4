"""What training minimises: the loss of the network's output, and a penalty of large weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from handgrad.arguments import check_choice, real_number
from handgrad.errors import EngineError
from handgrad.network import OUTPUTS, Output
from handgrad.quoting import shown

if TYPE_CHECKING:
    from handgrad.network import Network
    from handgrad.notes import Gradient

Loss: TypeAlias = Literal["log_loss"]

LOSSES: tuple[Loss, ...] = get_args(Loss)


@dataclass(frozen=True)
class Objective:
    """The cost of a network on rows: C1 + α Σ W² / 2 Σ w.

    C1 is the mean loss, in which row i counts w_i / Σ w. Without row weights each w_i is 1, and
    Σ w is m. Σ W² goes over all weights of the network; biases are not penalised.

    Parameters
    ----------
    output : {"softmax", "logistic"}
        The output of the networks to be trained.
    loss : {"log_loss"}
        The loss of one sample: minus the logarithm of the probability of its class.
    alpha : float
        α, 0 or more.

    Raises
    ------
    EngineError
        If the output or the loss is unknown, or alpha is out of range.

    Examples
    --------
    >>> Objective(alpha=1e-4)
    Objective(output='softmax', loss='log_loss', alpha=0.0001)
    """

    output: Output = "softmax"
    loss: Loss = "log_loss"
    alpha: float = 0.0

    def __post_init__(self) -> None:
        check_choice("output", self.output, OUTPUTS, EngineError)
        check_choice("loss", self.loss, LOSSES, EngineError)
        if not 0 <= real_number(self.alpha) < np.inf:
            raise EngineError(f"alpha is {shown(self.alpha)}; expected a number of 0 or more.")

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
        squares = sum(float(np.sum(layer.W**2, dtype=np.float64)) for layer in network.layers)
        return self.decay(total) / 2 * squares

    def penalised(self, gradient: Gradient, network: Network, total: float) -> Gradient:
        """Add the penalty's gradient, α W / Σ w, to that of C1.

        Examples
        --------
        >>> from handgrad import Network, notes
        >>> network = Network([[2.0]], [[1.0]], [[3.0]], [[1.0]])
        >>> zero = notes.Gradient(*(0 * array for array in network.parameters))
        >>> Objective(alpha=1.0).penalised(zero, network, total=1).dW2
        array([[3.]])
        """
        decay = network.dtype.type(self.decay(total))
        dW1 = gradient.dW1 + decay * network.W1
        dW2 = gradient.dW2 + decay * network.W2
        return gradient._replace(dW1=dW1, dW2=dW2)

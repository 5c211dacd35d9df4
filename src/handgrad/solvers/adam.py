"""Adam (Kingma & Ba, 2015, arXiv:1412.6980)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.engines import Adam
from handgrad.solvers.sgd import sgd

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.data import Blocks
    from handgrad.engines import Engine
    from handgrad.network import Network
    from handgrad.solvers.driver import Result


def adam(
    engine: Engine,
    network: Network,
    X: npt.ArrayLike | Blocks,
    y: npt.ArrayLike | None,
    **options: Any,
) -> Result:
    """Train in batches by adam; the options are those of `sgd`, where the rule is an `Adam`.

    Examples
    --------
    >>> from handgrad import Network, get_engine
    >>> network = Network.initial(features=2, hidden=3, classes=2, seed=0)
    >>> result = adam(get_engine(), network, [[0.0, 1.0], [1.0, 0.0]], [0, 1], epochs=9)
    >>> bool(result.costs[-1] < result.costs[0])
    True
    """
    return sgd(engine, network, X, y, **({"rule": Adam()} | options))

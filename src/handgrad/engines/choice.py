"""Picks an engine by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from handgrad.engines.protocol import Engine

ENGINE_NAMES = ("auto", "reference")


def get_engine(name: str = "auto", *, threads: int | None = None) -> Engine:
    """Return the engine of that name.

    Parameters
    ----------
    name : {"auto", "reference"}
        "auto" takes the fastest engine of this installation.
    threads : int, optional
        How many threads an engine with threads of its own may use. The reference engine has
        none: NumPy's matrix products decide for themselves.

    Returns
    -------
    Engine

    Raises
    ------
    EngineError
        If there is no such engine here, or threads is below 1.

    Examples
    --------
    >>> get_engine("reference").name
    'reference'
    """
    if name not in ENGINE_NAMES:
        raise EngineError(
            f"There is no engine {name!r} in this installation; "
            f"expected one of {', '.join(ENGINE_NAMES)}."
        )
    if threads is not None and threads < 1:
        raise EngineError(f"threads is {threads}; expected at least 1.")
    return ReferenceEngine()

"""Picks an engine by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.engines.reference import ReferenceEngine
from handgrad.engines.threads import check_threads
from handgrad.errors import EngineError

try:
    from handgrad.engines.native import NativeEngine
except ImportError as error:
    WHY_NOT_NATIVE = str(error)
else:
    WHY_NOT_NATIVE = ""

if TYPE_CHECKING:
    from handgrad.engines.protocol import Engine

ENGINE_NAMES = ("auto", "native", "reference", "dask")


def available_engines() -> list[str]:
    """Name the engines of this installation, the fastest first.

    Examples
    --------
    >>> available_engines()[-1]
    'reference'
    """
    return ["reference"] if WHY_NOT_NATIVE else ["native", "reference"]


def get_engine(name: str = "auto", *, threads: int | None = None) -> Engine:
    """Return the engine of that name.

    Parameters
    ----------
    name : {"auto", "native", "reference", "dask"}
        "auto" takes the native engine if this installation has it, otherwise the reference. "dask"
        computes on a cluster: that of the current Dask client, or a new one of local processes.
    threads : int, optional
        How many threads the native engine may use; by default one per processor. Results do not
        depend on it. The reference engine ignores it: NumPy chooses the threads of its products.
        The Dask engine starts so many processes if it has to start a cluster.

    Raises
    ------
    EngineError
        If there is no such engine here, or threads is below 1.
    MissingPackageError
        If the Dask engine is wanted, and Dask is not installed.

    Examples
    --------
    >>> get_engine("reference").name
    'reference'
    """
    if name not in ENGINE_NAMES:
        raise EngineError(
            f"There is no engine {name!r}; expected one of {', '.join(ENGINE_NAMES)}."
        )
    check_threads(threads)
    if name == "dask":
        return _dask_engine(threads)
    if name == "native" and WHY_NOT_NATIVE:
        raise EngineError(
            f"This installation has no native engine ({WHY_NOT_NATIVE}); install handgrad again "
            "where there is a C++17 compiler, or take the reference engine."
        )
    if name == "reference" or WHY_NOT_NATIVE:
        return ReferenceEngine()
    return NativeEngine(threads)


def _dask_engine(threads: int | None) -> Engine:
    from handgrad.engines.dask import DaskEngine
    from handgrad.engines.dask.cluster import check_installed

    check_installed()
    return DaskEngine(threads=threads)

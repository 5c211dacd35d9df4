"""What the workers of a cluster are, and what all of them compute with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.engines.dask.faults import WAIT_SECONDS, running_workers
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import EngineError
from handgrad.memory import memory
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from distributed import Client, Future

    from handgrad.engines.protocol import Engine


class Member(NamedTuple):
    """A worker that can take part."""

    threads: int
    memory: int
    """The bytes that Dask lets it use."""
    instruction_sets: tuple[str, ...]
    """From the narrowest to the widest that it may use; none without a native engine."""


class Kernels(NamedTuple):
    """What every worker computes with, so that all give the same bits."""

    engine: str
    """native, or reference if a worker has no other."""
    instruction_set: str

    def with_threads(self, threads: int) -> Engine:
        """Return the engine; on a machine that lacks it, raise an EngineError."""
        if self.engine == "reference":
            from handgrad.engines.reference import ReferenceEngine

            return ReferenceEngine()
        from handgrad.engines import _native
        from handgrad.engines.native import NativeEngine

        if self.instruction_set not in _native.instruction_sets():
            raise EngineError(
                f"This run uses the instruction set {self.instruction_set}, which a new worker "
                "lacks; expected workers like those at the start."
            )
        engine = NativeEngine(threads)
        engine.instruction_set = self.instruction_set
        return engine


def inspect(client: Client, addresses: Iterable[str]) -> dict[str, Member]:
    """Ask workers what they are; those that die meanwhile are left out.

    Raises
    ------
    EngineError
        If a worker has no handgrad, or another version.
    """
    asked = {
        address: client.submit(_inspection(), workers=[address], pure=False)
        for address in addresses
    }
    reports = {address: _answer(client, address, future) for address, future in asked.items()}
    return {
        address: member(address, report)
        for address, report in reports.items()
        if report is not None
    }


def _answer(client: Client, address: str, future: Future) -> dict[str, Any] | Exception | None:
    """Return what a worker reports, or an error; None if it is gone."""
    while address in running_workers(client):
        try:
            report: dict[str, Any] = future.result(timeout=WAIT_SECONDS)
        except TimeoutError:
            continue
        except Exception as error:
            return error
        return report
    return None


def member(address: str, report: Any) -> Member:
    """Return what a worker reported, or raise an EngineError if it cannot take part."""
    if isinstance(report, Exception):
        raise EngineError(
            f"The worker {address} does not answer ({named(report)}); expected one that runs."
        )
    ours = _version()
    if report["version"] is None:
        raise EngineError(
            f"The worker {address} has no handgrad ({named(report['reason'])}); expected version "
            f"{ours}: install it there."
        )
    if report["version"] != ours:
        raise EngineError(
            f"The worker {address} has handgrad {named(report['version'])}, and this process has "
            f"{ours}; expected the same version: install it there."
        )
    sets = tuple(report["instruction_sets"])
    return Member(report["threads"], report["memory"] or memory(), sets)


def shared_kernels(members: Mapping[str, Member]) -> Kernels:
    """Return the widest instruction set that all workers have; without one, the reference.

    Examples
    --------
    >>> one = Member(1, 10**9, ("baseline", "avx2"))
    >>> other = Member(1, 10**9, ("baseline", "avx2", "avx512"))
    >>> shared_kernels({"a": one, "b": other})
    Kernels(engine='native', instruction_set='avx2')
    """
    first, *others = (member.instruction_sets for member in members.values())
    shared = [name for name in first if all(name in sets for sets in others)]
    if shared:
        return Kernels("native", shared[-1])
    return Kernels("reference", ReferenceEngine().instruction_set)


def check_kernels(members: Mapping[str, Member], kernels: Kernels) -> None:
    """Raise an EngineError if a worker cannot compute with these kernels."""
    for address, member in members.items():
        sets = member.instruction_sets
        if kernels.engine == "native" and kernels.instruction_set not in sets:
            raise EngineError(
                f"The worker {address} lacks the instruction set {kernels.instruction_set} of this "
                "run; expected workers like those at the start."
            )


def _version() -> str:
    return str(import_module("handgrad").__version__)


def _inspection() -> Callable[..., dict[str, Any]]:
    """Return a function that Dask sends as code, because a worker may have no handgrad."""

    def inspect_worker() -> dict[str, Any]:
        from importlib import import_module

        from distributed import get_worker

        dask_worker = get_worker()
        found: dict[str, Any] = {
            "threads": dask_worker.state.nthreads,
            "memory": dask_worker.memory_manager.memory_limit,
            "version": None,
            "instruction_sets": (),
        }
        try:
            from handgrad.engines import available_engines, get_engine
        except ImportError as error:
            return found | {"reason": str(error)}
        if "native" in available_engines():
            from handgrad.engines import _native

            sets, chosen = _native.instruction_sets(), get_engine("native").instruction_set
            found["instruction_sets"] = sets[: sets.index(chosen) + 1]
        return found | {"version": import_module("handgrad").__version__}

    return inspect_worker

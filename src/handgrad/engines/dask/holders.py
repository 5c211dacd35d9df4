"""The workers of a run, each with the leaves that it holds."""

from __future__ import annotations

import warnings
from time import monotonic
from typing import TYPE_CHECKING, Any

from handgrad.engines.dask import faults, on_workers
from handgrad.engines.dask.cluster import large_messages
from handgrad.engines.dask.recipes import recipe_for
from handgrad.engines.dask.shares import count, numbers, plan
from handgrad.engines.dask.workers import check_kernels, inspect
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from distributed import Client, Future

    from handgrad.engines.dask.leaf_tasks import LeafTasks
    from handgrad.engines.dask.on_workers import Measured
    from handgrad.engines.dask.shares import Share
    from handgrad.engines.dask.workers import Kernels, Member
    from handgrad.engines.leaves import Problem
    from handgrad.engines.sums import Node, Sum
    from handgrad.network import Network

LOOK_SECONDS = 1.0  # between two looks for workers that came or went
# Dask delays a message that follows another one by up to 10 ms, and the release of a result is one.
PASSES_KEPT = 20
MOST_KEPT = 2**17  # bytes of a network


class Holders:
    """Holds the leaves of a problem on the workers of a cluster, and follows these as they change.

    Parameters
    ----------
    client : Client
    kernels : Kernels
    problem : Problem
    tasks : LeafTasks or None
        Where the rows come from if the workers cannot read the source.
    """

    def __init__(
        self, client: Client, kernels: Kernels, problem: Problem, tasks: LeafTasks | None
    ) -> None:
        self._client, self._kernels, self._problem, self._tasks = client, kernels, problem, tasks
        self._members: dict[str, Member] = {}
        self._unfit: set[str] = set()
        self._shares: dict[str, Share] = {}
        self._held: dict[str, Future] = {}
        self._done: list[Future] = []
        self._next_look = 0.0

    def measure(self, network: Network, *, gradient: bool) -> dict[Node, Sum]:
        """Pass over all leaves; return the nodes of the tree that the workers added up."""
        from distributed.scheduler import KilledWorker

        for attempt in range(1, faults.ATTEMPTS + 1):
            self._follow()
            homes, futures = list(self._held), self._submit(network, gradient=gradient)
            try:
                measured = faults.results(self._client, futures, homes)
            except (KilledWorker, faults.NobodyLeftError) as error:
                if attempt == faults.ATTEMPTS:
                    raise faults.worn_out() from error
                self._drop(set(self._held))
            else:
                break
        self._drop_replaced(dict(zip(homes, measured, strict=True)))
        return {node: total for one in measured for node, total in one.sums.items()}

    def _submit(self, network: Network, *, gradient: bool) -> list[Future]:
        """Begin a pass over all shares, each where it is held."""
        kept = PASSES_KEPT * len(self._held) if _size(network) <= MOST_KEPT else 0
        if len(self._done) >= kept:
            self._done = []
        with large_messages():
            futures: list[Future] = self._client.map(  # in one message
                on_workers.measure,
                list(self._held.values()),
                network=network,
                gradient=gradient,
                pure=False,
            )
        self._done += futures
        return futures

    @property
    def leaves(self) -> dict[str, int]:
        """The number of leaves that each worker holds, by its address."""
        return {home: count(share) for home, share in self._shares.items()}

    def _follow(self) -> None:
        """Share the leaves anew if workers came or went."""
        if monotonic() < self._next_look:
            return
        members = self._fit_members()
        if set(members) != set(self._members) or len(self._held) < len(self._shares):
            self._share(members)
        self._next_look = monotonic() + LOOK_SECONDS

    def _fit_members(self) -> dict[str, Member]:
        """Return the workers that can take part; wait for one if there is none."""
        members: dict[str, Member] = {}
        while not members:
            there = faults.some_workers(self._client)
            members = {home: self._members[home] for home in there if home in self._members}
            for home in sorted(set(there) - set(members) - self._unfit):
                members |= self._inspected(home)
        return members

    def _inspected(self, home: str) -> dict[str, Member]:
        """Return a new worker if it can take part; the first one must."""
        try:
            members = inspect(self._client, [home])
            check_kernels(members, self._kernels)
        except EngineError as error:
            if not self._members:
                raise
            self._unfit.add(home)
            warnings.warn(f"{error} The run continues without it.", stacklevel=2)
            return {}
        return members

    def _share(self, members: dict[str, Member]) -> None:
        """Share the leaves among these workers; each keeps what it can keep."""
        threads = {home: member.threads for home, member in members.items()}
        before = {home: self._shares[home] for home in self._held}
        shares = plan(len(self._problem.blocks), threads, before)
        self._held = {
            home: self._held[home]
            if share == before.get(home)
            else self._hold(home, share, members)
            for home, share in shares.items()
        }
        self._shares, self._members = shares, members

    def _hold(self, home: str, share: Share, members: Mapping[str, Member]) -> Future:
        """Let a worker hold a share; it keeps the leaves of the share that it holds already."""
        tasks, earlier = self._tasks, self._held.get(home)
        recipe = recipe_for(
            home, members[home], share, self._problem, self._kernels, sent=tasks is not None
        )
        missing = list(numbers(share))
        if earlier is not None:
            missing = sorted(set(missing) - set(numbers(self._shares[home])))
        rows = [] if tasks is None else tasks.futures(missing, **_at(home))
        leaves = missing if rows else []
        if earlier is None:
            return self._client.submit(
                on_workers.hold, recipe, leaves, *rows, pure=False, **_at(home)
            )
        return self._client.submit(
            on_workers.move, earlier, recipe, leaves, *rows, pure=False, **_at(home)
        )

    def _drop(self, homes: set[str]) -> None:
        """Forget shares, and look at the workers before the next pass."""
        self._next_look = 0.0
        self._held = {home: share for home, share in self._held.items() if home not in homes}

    def _drop_replaced(self, measured: Mapping[str, Measured]) -> None:
        """Forget shares that another worker measured because their own one has died."""
        elsewhere = {home for home, one in measured.items() if one.worker != home}
        if elsewhere:
            self._drop(elsewhere)


def _size(network: Network) -> int:
    return sum(array.nbytes for array in network.parameters)


def _at(home: str) -> dict[str, Any]:
    """Tell Dask where a task should run; if that worker is gone, it may run elsewhere."""
    return {"workers": [home], "allow_other_workers": True}

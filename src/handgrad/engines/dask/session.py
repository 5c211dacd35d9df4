"""Training over blocks on a cluster: each worker passes over the leaves that it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.engines.blocks import BlockSession
from handgrad.engines.dask.faults import cluster_errors
from handgrad.engines.dask.holders import Holders
from handgrad.engines.dask.leaf_tasks import KeptTasks, sendable
from handgrad.engines.dask.windows import WindowTasks
from handgrad.engines.sums import Sum, root, sum_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from distributed import Client

    from handgrad.engines.dask.workers import Kernels
    from handgrad.engines.leaves import Problem
    from handgrad.engines.protocol import Engine
    from handgrad.engines.windows import BatchSettings, BatchState, Taken, Window
    from handgrad.network import Network


class DaskSession(BlockSession):
    """Blocks of rows on the workers of a cluster; see `handgrad.engines.Session`.

    Passes over all rows give the bits of a `BlockSession` in one process, and so do batches,
    however many workers there are and whichever of them die.
    """

    def __init__(
        self,
        engine: Engine,
        client: Client,
        kernels: Kernels,
        problem: Problem,
    ) -> None:
        super().__init__(engine, problem.blocks, problem.objective, problem.weights)
        self._problem, self._client = problem, client
        blocks, tasks = sendable(self._client, problem.blocks)
        problem = replace(problem, blocks=blocks)
        self._holders = Holders(self._client, kernels, problem, tasks)
        self._windows = WindowTasks(self._client, kernels, problem, tasks and KeptTasks(tasks))

    @property
    def workers(self) -> dict[str, int]:
        """The leaves of each worker in the newest pass, by the worker's address."""
        return self._holders.leaves

    def _total(self, network: Network, *, gradient: bool) -> Sum:
        """Add up the tree from the nodes that the workers added up."""
        leaves = len(self._problem.blocks)
        with cluster_errors(self._client):
            known = self._holders.measure(network, gradient=gradient)
        return sum_of(root(leaves), leaves, known.get)

    def _take(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        """Take the batches of one window after another, each on a worker."""
        with cluster_errors(self._client):
            yield from self._windows.take(windows, settings, state, learning_rate)

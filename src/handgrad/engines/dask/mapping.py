"""A function of each leaf, computed by the workers of a cluster."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handgrad.engines.dask import faults, on_workers
from handgrad.engines.dask.leaf_tasks import sendable
from handgrad.engines.leaves import Source
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from distributed import Client, Future

    from handgrad.data import Blocks
    from handgrad.engines.dask.leaf_tasks import LeafTasks
    from handgrad.engines.dask.workers import Kernels
    from handgrad.engines.protocol import Engine
    from handgrad.network import Labels

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class LeafMap(Generic[T]):
    """Calls a function with an engine, the rows of a leaf and their labels: one task per leaf."""

    client: Client
    kernels: Kernels
    function: Callable[[Engine, Any, Labels], T]
    source: Source
    tasks: LeafTasks | None
    """Where the rows come from if the workers cannot read the source."""
    at_once: int
    """How many leaves may be on their way."""

    @classmethod
    def over(
        cls,
        client: Client,
        kernels: Kernels,
        function: Callable[[Engine, Any, Labels], T],
        blocks: Blocks,
        at_once: int,
    ) -> LeafMap[T]:
        """Return the tasks for blocks, whose rows go out leaf by leaf if workers cannot read."""
        blocks, tasks = sendable(client, blocks)
        return cls(client, kernels, function, Source(blocks, Objective()), tasks, at_once)

    def results(self) -> Generator[T]:
        """Yield the results in the order of the leaves; a worker that dies changes none."""
        return faults.retried(self._results, len(self.source.blocks))

    def _results(self, start: int) -> Generator[T]:
        coming: deque[Future] = deque()
        for leaf in range(start, len(self.source.blocks)):
            coming.append(self._submit(leaf))
            if len(coming) == self.at_once:
                yield faults.results(self.client, [coming.popleft()])[0]
        while coming:
            yield faults.results(self.client, [coming.popleft()])[0]

    def _submit(self, leaf: int) -> Future:
        rows = [] if self.tasks is None else self.tasks.futures([leaf])
        return self.client.submit(
            on_workers.apply, self.kernels, self.function, self.source, leaf, *rows, pure=False
        )

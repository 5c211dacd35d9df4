"""A function of each leaf, computed by the workers of a cluster."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from handgrad.engines.dask import faults, on_workers
from handgrad.engines.dask.leaf_tasks import sendable
from handgrad.engines.leaves import Problem
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from distributed import Client, Future

    from handgrad.data import Blocks
    from handgrad.engines.dask.workers import Kernels
    from handgrad.engines.protocol import Engine
    from handgrad.targets import Targets

T = TypeVar("T")


def map_leaves(
    client: Client,
    kernels: Kernels,
    function: Callable[[Engine, Any, Targets], T],
    blocks: Blocks,
    at_once: int,
) -> Generator[T]:
    """Call a function of an engine, the rows of a leaf and their targets: one task per leaf.

    Yield the results in the order of the leaves; a worker that dies changes none. At most
    ``at_once`` leaves are under way at the same time.
    """
    blocks, tasks = sendable(client, blocks)
    problem = Problem(blocks, Objective())

    def submit(leaf: int) -> Future:
        rows = [] if tasks is None else tasks.futures([leaf])
        return client.submit(on_workers.apply, kernels, function, problem, leaf, *rows, pure=False)

    def results(start: int) -> Generator[T]:
        coming: deque[Future] = deque()
        for leaf in range(start, len(blocks)):
            coming.append(submit(leaf))
            if len(coming) == at_once:
                yield faults.results(client, [coming.popleft()])[0]
        while coming:
            yield faults.results(client, [coming.popleft()])[0]

    return faults.retried(results, len(blocks))

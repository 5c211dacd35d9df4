"""Batches on a cluster: one task per window of leaves, one after another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handgrad.engines.dask import faults, held
from handgrad.engines.dask.cluster import large_messages
from handgrad.engines.dask.recipes import only_weights_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from distributed import Client, Future

    from handgrad.engines.dask.held import Kernels
    from handgrad.engines.dask.leaf_tasks import LeafTasks
    from handgrad.engines.leaves import Source
    from handgrad.engines.windows import BatchSettings, BatchState, Taken, Window

WINDOWS_AT_ONCE = 2  # one is trained on while the next one is read
ATTEMPTS = 5  # Dask itself gives a task four workers in each


@dataclass(frozen=True, eq=False)
class WindowTasks:
    """Takes the batches of windows on a cluster.

    Each step needs the one before, so steps run one after another, wherever they run; more workers
    only read ahead. What a window leads to goes from task to task without a detour.
    """

    client: Client
    kernels: Kernels
    source: Source
    tasks: LeafTasks | None

    def take(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        """Yield the results of one window after another; see `handgrad.engines.windows`."""
        from distributed.scheduler import KilledWorker

        done = attempt = 0
        while done < len(windows):
            try:
                for taken in self._results(windows[done:], settings, state, learning_rate):
                    state, done, attempt = taken.state, done + 1, 0
                    yield taken
            except KilledWorker as error:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise faults.worn_out() from error

    def _results(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        coming: deque[Future] = deque()
        before: BatchState | Future = state
        for window in windows:
            rows = self._read(window.leaves)
            with large_messages():
                before = self.client.submit(
                    held.take,
                    self.kernels,
                    settings,
                    before,
                    window,
                    rows,
                    learning_rate,
                    pure=False,
                )
            coming.append(before)
            if len(coming) == WINDOWS_AT_ONCE:
                yield faults.results(self.client, [coming.popleft()])[0]
        while coming:
            yield faults.results(self.client, [coming.popleft()])[0]

    def _read(self, leaves: Sequence[int]) -> Future:
        rows = [] if self.tasks is None else self.tasks.futures(leaves)
        source = only_weights_of(self.source, leaves)
        return self.client.submit(held.read_rows, source, leaves, *rows, pure=False)

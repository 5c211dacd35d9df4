"""Batches on a cluster: one task per window of leaves, one after another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handgrad.engines.dask import faults, on_workers
from handgrad.engines.dask.cluster import large_messages
from handgrad.engines.dask.recipes import only_weights_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from distributed import Client, Future

    from handgrad.engines.dask.leaf_tasks import LeafTasks
    from handgrad.engines.dask.workers import Kernels
    from handgrad.engines.leaves import Problem
    from handgrad.engines.windows import BatchSettings, BatchState, Taken, Window

WINDOWS_AT_ONCE = 2  # one is trained on while the next one is read


@dataclass(frozen=True, eq=False)
class WindowTasks:
    """Takes the batches of windows on a cluster.

    Each step needs the one before, so steps run one after another, wherever they run; more workers
    only read ahead.
    """

    client: Client
    kernels: Kernels
    problem: Problem
    tasks: LeafTasks | None

    def take(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        """Yield the results of one window after another; see `handgrad.engines.windows`."""

        def results(done: int) -> Generator[Taken]:
            return self._results(windows[done:], settings, state, learning_rate)

        for taken in faults.retried(results, len(windows)):
            state = taken.state
            yield taken

    def _results(
        self,
        windows: Sequence[Window],
        settings: BatchSettings,
        state: BatchState,
        learning_rate: float,
    ) -> Generator[Taken]:
        # The state comes back after each window, so that a lost window is all that is done again.
        reading = deque(self._read(window.leaves) for window in windows[:WINDOWS_AT_ONCE])
        for number, window in enumerate(windows, start=WINDOWS_AT_ONCE):
            with large_messages():
                future = self.client.submit(
                    on_workers.take,
                    self.kernels,
                    settings,
                    state,
                    window,
                    reading.popleft(),
                    learning_rate,
                    pure=False,
                )
            if number < len(windows):
                reading.append(self._read(windows[number].leaves))
            taken: Taken = faults.results(self.client, [future])[0]
            state = taken.state
            yield taken

    def _read(self, leaves: Sequence[int]) -> Future:
        rows = [] if self.tasks is None else self.tasks.futures(leaves)
        problem = only_weights_of(self.problem, leaves)
        return self.client.submit(on_workers.read_rows, problem, leaves, *rows, pure=False)

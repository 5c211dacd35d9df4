"""Full-batch steps over rows of a folder of Parquet files, which lie in memory or are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handgrad import Network, data
from handgrad.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Places:
    """Where the rows lie, and the clusters that may train on them, by their workers."""

    folder: str
    cache: str | None = None
    clusters: dict[int, str] | None = None

    def blocks(self, *, cached: bool = False, kept: bool = False) -> Any:
        """Open the rows; ``kept``: all of them stay in memory, packed."""
        blocks = data.open_blocks(self.folder, cache=self.cache if cached else None)
        return replace(blocks, window=len(blocks)) if kept else blocks


def steps(
    session: Any, task: Any, reset: Callable[[], object] = lambda: None
) -> tuple[Callable[[], object], Callable[[], float]]:
    """Take steps on a session; the figure is the last cost."""
    network = Network(*task.parameters)

    def run() -> float:
        settings = {"learning_rate": task.learning_rate, "iterations": task.steps}
        return float(session.descend(network, **settings)[1][-1])

    return reset, run


def block_steps(engine: Any, blocks: Any, task: Any, **more: Any) -> Any:
    """Take steps on blocks."""
    return steps(engine.session(blocks, None, Objective()), task, **more)

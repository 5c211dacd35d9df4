"""How the rows of leaves come to the workers, where these cannot read them by themselves."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.engines.dask.cluster import large_messages
from handgrad.engines.dask.collections import Collection, chunks_of
from handgrad.engines.dask.on_workers import GivenLeaf, GivenRows
from handgrad.engines.dask.targets import as_targets
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from distributed import Client, Future

    from handgrad.data import Blocks

MOST_PICKLED = 2**20  # bytes of blocks that lie in files
MOST_SENT = 2**30  # bytes of rows that go out through the scheduler, which keeps them


class LeafTasks(Protocol):
    """Computes the rows of leaves on the cluster."""

    def futures(self, leaves: Sequence[int], **where: Any) -> list[Future]:
        """Return tasks whose results are a `GivenLeaf` each; ``where`` is for Dask."""


def sendable(client: Client, blocks: Blocks) -> tuple[Blocks, LeafTasks | None]:
    """Return blocks that can be pickled, and what gives workers the rows that they cannot read.

    If workers can read the rows by themselves, there are no such tasks.

    Raises
    ------
    EngineError
        If the rows lie in memory and are too many to be sent.
    """
    if isinstance(blocks.reader, Collection):
        return _without_rows(blocks), CollectionTasks(client, blocks.reader)
    if _pickled_size(blocks) <= MOST_PICKLED:
        return blocks, None
    size = blocks.rows * blocks.bytes_per_row
    if size > MOST_SENT:
        raise EngineError(
            f"The rows of {blocks.source} take {size / 1e9:.3g} GB of this process's memory, too "
            "much to be sent to workers; expected files that they can read: write Parquet, and "
            "open it by handgrad.data.open_blocks."
        )
    return _without_rows(blocks), SentTasks(client, blocks)


def _without_rows(blocks: Blocks) -> Blocks:
    return replace(blocks, reader=GivenRows({}), test=None, whole=None)


def _pickled_size(blocks: Blocks) -> float:
    """Return how many bytes a pickle of blocks has, or infinity if there is none."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = pickle.dumps(blocks, protocol=5, buffer_callback=buffers.append)
    except (TypeError, AttributeError, pickle.PicklingError):
        return np.inf
    return len(pickled) + sum(buffer.raw().nbytes for buffer in buffers)


@dataclass(frozen=True, eq=False)
class SentTasks:
    """Sends rows that lie in this process's memory, or that only this process can read."""

    client: Client
    blocks: Blocks

    def futures(self, leaves: Sequence[int], **where: Any) -> list[Future]:
        """Return one task per leaf; see `LeafTasks`."""
        read = (self.blocks.read(leaf) for leaf in leaves)
        with large_messages():
            return [self.client.submit(GivenLeaf, X, y, pure=False, **where) for X, y in read]


@dataclass(frozen=True, eq=False)
class CollectionTasks:
    """Lets the cluster compute the leaves of a Dask collection."""

    client: Client
    collection: Collection

    def futures(self, leaves: Sequence[int], **where: Any) -> list[Future]:
        """Return one task per leaf; see `LeafTasks`."""
        from dask import delayed

        if not len(leaves):
            return []
        rows, targets = chunks_of(self.collection.rows), chunks_of(self.collection.targets)
        classes = self.collection.classes
        tasks = [delayed(_given_leaf)(rows[leaf], targets[leaf], classes) for leaf in leaves]
        futures: list[Future] = self.client.compute(tasks, **where)
        return futures


@dataclass(frozen=True, eq=False)
class KeptTasks:
    """Keeps the rows of leaves on the cluster, for runs that come back to them."""

    tasks: LeafTasks
    known: dict[int, Future] = field(default_factory=dict)

    def futures(self, leaves: Sequence[int], **where: Any) -> list[Future]:
        """Return one task per leaf; see `LeafTasks`."""
        new = [
            leaf for leaf in leaves if leaf not in self.known or self.known[leaf].status == "error"
        ]
        self.known.update(zip(new, self.tasks.futures(new, **where), strict=True))
        return [self.known[leaf] for leaf in leaves]


def _given_leaf(
    X: npt.NDArray[Any], found: npt.NDArray[Any], classes: npt.NDArray[Any] | None
) -> GivenLeaf:
    return GivenLeaf(np.ascontiguousarray(X), as_targets(found, classes))

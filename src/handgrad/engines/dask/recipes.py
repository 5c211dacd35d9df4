"""What is sent to a worker so that it can hold its share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from handgrad.engines.dask.on_workers import Recipe
from handgrad.engines.dask.shares import count, cover, numbers
from handgrad.engines.weights import BlockWeights
from handgrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from handgrad.engines.dask.shares import Share
    from handgrad.engines.dask.workers import Kernels, Member
    from handgrad.engines.leaves import Problem

SHARE_OF_MEMORY = 0.4  # of what Dask grants a worker; it moves results to disk from 60 % on


def recipe_for(
    address: str, member: Member, share: Share, problem: Problem, kernels: Kernels, *, sent: bool
) -> Recipe:
    """Return what a worker needs to hold a share, and how much of it stays in its memory.

    ``sent`` says whether the rows are sent to it, and take room beside the packed ones.
    """
    blocks, leaves = problem.blocks, count(share)
    leaf = min(blocks.leaf_rows, blocks.rows) * blocks.bytes_per_row
    given = leaves if sent else 0
    room = SHARE_OF_MEMORY * member.memory / leaf - given
    if room < 0:
        raise EngineError(
            f"The worker {address} may use {member.memory / 1e9:.3g} GB, and its share of the rows "
            f"takes {leaves * leaf / 1e9:.3g} GB; expected more workers or more memory, or files "
            "that the workers can read again: write Parquet, and open it by "
            "handgrad.data.open_blocks."
        )
    held = min(leaves, int(room))
    nodes = tuple(cover(share, len(blocks)))
    own = only_weights_of(problem, numbers(share))
    return Recipe(own, kernels, share, nodes, address, held, (held + given) * leaf)


@dataclass(frozen=True, eq=False)
class _WeightsOfLeaves(BlockWeights):
    """The weights of the rows of some leaves."""

    of_leaves: Mapping[int, npt.NDArray[np.float64]] = field(default_factory=dict)
    """By the first row of each leaf."""

    def at(self, start: int, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return BlockWeights(self.of_leaves[start], self.of_classes).at(0, y)


def only_weights_of(problem: Problem, leaves: Iterable[int]) -> Problem:
    """Return a problem that has the weights of these leaves, but not those of all other rows."""
    weights = problem.weights
    if weights is None or weights.of_rows is None:
        return problem
    ends = np.cumsum(problem.blocks.sizes)
    starts = ends - problem.blocks.sizes
    of_leaves = {int(starts[leaf]): weights.of_rows[starts[leaf] : ends[leaf]] for leaf in leaves}
    return replace(problem, weights=_WeightsOfLeaves(None, weights.of_classes, of_leaves))

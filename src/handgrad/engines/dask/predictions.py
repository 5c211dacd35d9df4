"""Outputs of rows on a cluster: Dask arrays that are computed when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data import Blocks
from handgrad.engines.dask.collections import is_collection
from handgrad.rows import bytes_unless_pixels

if TYPE_CHECKING:
    from handgrad.engines.protocol import Engine
    from handgrad.network import Matrix, Network


def local_engine(threads: int | None = None) -> Engine:
    """Return the fastest engine of this process.

    `handgrad.engines.get_engine` imports this package, and so cannot be used here.
    """
    from handgrad.engines.reference import ReferenceEngine

    try:
        from handgrad.engines.native import NativeEngine
    except ImportError:
        return ReferenceEngine()
    return NativeEngine(threads)


def outputs_of(network: Network, X: Any) -> Any:
    """Return the outputs (O1): a Dask array (m, columns) for blocks and Dask collections."""
    if isinstance(X, Blocks):
        return _of_blocks(network, X)
    if is_collection(X):
        return _of_collection(network, X)
    return local_engine().outputs(network, X)


def _of_blocks(network: Network, blocks: Blocks) -> Any:
    import dask.array as da
    from dask import delayed

    of_leaf = delayed(_leaf_outputs, pure=False)
    shared = delayed(network), delayed(blocks)
    return da.concatenate(
        [
            da.from_delayed(of_leaf(*shared, leaf), (size, network.columns), dtype=network.dtype)
            for leaf, size in enumerate(blocks.sizes.tolist())
        ]
    )


def _leaf_outputs(network: Network, blocks: Blocks, leaf: int) -> Matrix:
    rows = bytes_unless_pixels(blocks.read(leaf)[0], pixels=blocks.pixels)
    return local_engine(threads=1).outputs(network, rows)


def _of_collection(network: Network, X: Any) -> Any:
    import dask.array as da

    rows = X.to_dask_array() if hasattr(X, "columns") else X
    if rows.numblocks[1] > 1:
        rows = rows.rechunk({1: -1})
    return da.map_blocks(
        _block_outputs,
        rows,
        network,
        chunks=(rows.chunks[0], (network.columns,)),
        dtype=network.dtype,
        meta=np.empty((0, network.columns), dtype=network.dtype),
    )


def _block_outputs(X: Any, network: Network) -> Matrix:
    if not len(X):
        return np.empty((0, network.columns), dtype=network.dtype)
    return local_engine(threads=1).outputs(network, X)

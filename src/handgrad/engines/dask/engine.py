"""The Dask engine: passes over rows that the workers of a cluster hold."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from handgrad.data import Blocks
from handgrad.engines.blocks import check_no_labels
from handgrad.engines.dask.cluster import connect
from handgrad.engines.dask.collections import blocks_of
from handgrad.engines.dask.faults import cluster_errors, some_workers
from handgrad.engines.dask.mapping import map_leaves
from handgrad.engines.dask.numbered import NumberedProblem, numbered_blocks
from handgrad.engines.dask.predictions import local_engine, outputs_of
from handgrad.engines.dask.session import DaskSession
from handgrad.engines.dask.workers import inspect, shared_kernels
from handgrad.engines.leaves import Problem, block_weights
from handgrad.engines.protocol import Engine
from handgrad.engines.threads import check_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import numpy.typing as npt
    from distributed import Client

    from handgrad.data import Predicts
    from handgrad.engines.dask.cluster import Connection
    from handgrad.engines.dask.workers import Kernels, Member
    from handgrad.engines.protocol import Predictor
    from handgrad.engines.weights import BlockWeights
    from handgrad.network import Network
    from handgrad.objective import Objective
    from handgrad.targets import Targets

T = TypeVar("T")

LEAVES_PER_THREAD = 2  # one is computed while the next one is read


class DaskEngine(Engine):
    """Lets the workers of a Dask cluster compute.

    Costs, gradients and steps have the bits of one process that passes over the same blocks with
    the same instruction set: they depend neither on the number of workers, nor on their threads,
    nor on workers that die or join during a run.

    Parameters
    ----------
    address : str, optional
        The address of a scheduler, or "local" for a new cluster of processes of this machine. By
        default the current client of Dask, or a new local cluster if there is none. The engine
        closes what it opened when it is closed or no longer used.
    threads : int, optional
        The number of processes of a local cluster, each with one thread; by default one per
        processor.

    Raises
    ------
    EngineError
        Whenever the engine first needs the cluster: if there is none at the address, or if a worker
        lacks handgrad or has another version.
    MissingPackageError
        If Dask is not installed.
    """

    name = "dask"

    def __init__(self, address: str | None = None, *, threads: int | None = None) -> None:
        check_threads(threads)
        self._address, self._processes = address, threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the cluster or the connection, if the engine opened it."""
        connection: Connection | None = vars(self).pop("_connection", None)
        vars(self).pop("members", None)
        if connection is not None:
            connection.close()

    @cached_property
    def _connection(self) -> Connection:
        connection = connect(self._address, self._processes)
        connection.close_with(self)
        return connection

    @property
    def client(self) -> Client:
        """The client of the cluster."""
        return self._connection.client

    @cached_property
    def members(self) -> dict[str, Member]:
        """The workers, by address, when they were first needed."""
        while not (members := inspect(self.client, some_workers(self.client))):
            pass  # all of them died before they could answer
        return members

    @property
    def kernels(self) -> Kernels:
        """What all workers compute with."""
        return shared_kernels(self.members)

    @property
    def instruction_set(self) -> str:  # type: ignore[override]
        """The widest vector instructions that all workers share, and that they use."""
        return self.kernels.instruction_set

    @property
    def threads(self) -> int:  # type: ignore[override]
        """The threads of all workers."""
        return sum(member.threads for member in self.members.values())

    def blocks(
        self,
        X: Any,
        y: Any = None,
        *,
        label: str | Sequence[str] | None = None,
        predicts: Predicts = "classes",
    ) -> Blocks:
        """Return a Dask array or data frame as blocks; a first pass goes over the targets.

        Parameters
        ----------
        X : dask.array of shape (m, D), or dask.dataframe
        y : dask.array, dask Series, dask.dataframe or array of shape (m,) or (m, K), optional
        label : str or sequence of str, optional
            The name of the label column of a data frame, or of several columns; needed without y.
        predicts : {"classes", "labels", "values"}
            As in `handgrad.data.open_blocks`.
        """
        return blocks_of(self.client, X, y, label=label, predicts=predicts)

    def session(
        self,
        rows: Any,
        targets: Any,
        objective: Objective,
        weights: npt.ArrayLike | BlockWeights | None = None,
    ) -> DaskSession:
        """Let the workers hold rows; see `handgrad.engines.Engine`.

        ``rows`` may also be a Dask array, and ``targets`` a Dask array of what
        `handgrad.Network.targets` takes.
        """
        if isinstance(rows, Blocks):
            check_no_labels(targets)
            problem = Problem(rows, objective, block_weights(weights, rows.rows))
        else:
            blocks = numbered_blocks(self.client, rows, targets, objective.output)
            problem = NumberedProblem(blocks, objective, block_weights(weights, blocks.rows))
        return DaskSession(self, self.client, self.kernels, problem)

    def map_leaves(
        self, function: Callable[[Engine, Any, Targets], T], blocks: Blocks
    ) -> Generator[T]:
        """Let the workers call a function of each leaf; see `handgrad.engines.Engine`."""
        at_once = LEAVES_PER_THREAD * self.threads
        with cluster_errors(self.client):
            yield from map_leaves(self.client, self.kernels, function, blocks, at_once)

    def outputs(self, network: Network, X: Any) -> Any:
        """Compute the outputs (O1), as shape (m, columns); see `handgrad.engines.Engine`.

        For blocks and Dask collections it is a Dask array, which is computed when it is used. Rows
        that lie in memory are predicted in this process.
        """
        return outputs_of(network, X)

    def predictor(self, network: Network) -> Predictor:
        """Make the network ready to predict single samples, in this process."""
        return local_engine().predictor(network)

"""The connection to a cluster: the current client, an address, or a cluster of one's own."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import weakref
from contextlib import contextmanager
from multiprocessing import resource_tracker
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.engines.threads import processors
from handgrad.errors import EngineError, MissingPackageError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, LocalCluster

LOCAL = "local"
CLOSING = "handgrad closes its cluster"
CONNECT_SECONDS = 10
UNUSED_PORT = "127.0.0.1:0"  # even without a dashboard, Dask wants a port for its figures


class Connection(NamedTuple):
    """A client of a cluster, and what has to be closed after its use."""

    client: Client
    ours: tuple[Any, ...] = ()
    """What was opened for this connection, in the order in which it is closed."""

    def close(self) -> None:
        """Close what was opened for this connection."""
        for thing in self.ours:
            thing.close()

    def close_with(self, owner: object) -> None:
        """Close the connection when its owner is gone, or when the program ends."""
        if self.ours:
            weakref.finalize(owner, close_in_a_thread, self)


def connect(address: str | None, threads: int | None = None) -> Connection:
    """Connect to a cluster.

    Parameters
    ----------
    address : str or None
        The address of a scheduler; "local" for a new cluster of processes of this machine; None for
        the current client of Dask, or a new local cluster if there is none.
    threads : int, optional
        The number of processes of a new cluster, each with one thread; by default one per
        processor.

    Raises
    ------
    EngineError
        If no scheduler answers at the address, if the current client is asynchronous, or if this
        process can start no others.
    MissingPackageError
        If Dask is not installed.
    """
    check_installed()
    if address is None:
        client = _current_client()
        if client is not None:
            return Connection(client)
    if address in (None, LOCAL):
        return _local(threads)
    return _remote(str(address))


@contextmanager
def large_messages() -> Iterator[None]:
    """Send networks and rows without Dask's advice to load them otherwise."""
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        yield


def check_installed() -> None:
    """Raise a MissingPackageError unless Dask and distributed are installed."""
    try:
        import dask.array  # noqa: F401
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"The Dask engine needs a package that is missing ({error}): "
            "pip install 'handgrad[dask]'."
        ) from error


def _current_client() -> Client | None:
    from distributed import Client

    try:
        client = Client.current()
    except ValueError:
        return None
    if client.asynchronous:
        raise EngineError(
            "The current client of Dask is asynchronous; expected one that waits for its results: "
            "Client(asynchronous=False)."
        )
    return client


def _local(threads: int | None) -> Connection:
    from distributed import Client, LocalCluster

    try:
        with _deaf_to_ctrl_c():
            cluster: LocalCluster = LocalCluster(
                n_workers=threads or processors(),
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": UNUSED_PORT},
                silence_logs=logging.CRITICAL,  # its workers end with it, and need not complain
            )
    except RuntimeError as error:
        raise EngineError(
            "Dask cannot start worker processes from this one. In a script, the program belongs "
            "under `if __name__ == '__main__':`, because each worker imports it; in a task of "
            "Dask, it belongs under `with distributed.worker_client():`."
        ) from error
    return Connection(client := Client(cluster, set_as_default=False), (client, cluster))


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let threads that start here, and all processes that they start, never see Ctrl-C.

    A terminal sends Ctrl-C to the workers, too: they would die while this process still has to
    finish its step with them. It is delivered to this thread at the end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would let the signal through where it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _remote(address: str) -> Connection:
    from distributed import Client

    try:
        _check_address(address)
        client = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"No Dask scheduler answers at {named(address) or 'an empty address'} "
            f"({_first_line(error)}); "
            "expected an address like tcp://10.0.0.1:8786."
        ) from error
    return Connection(client, (client,))


def _check_address(address: str) -> None:
    """Raise an error unless something listens there; a client that fails is slow to close."""
    from distributed.comm import get_address_host_port, parse_address

    host, port = get_address_host_port(address)
    if parse_address(address)[0] in ("tcp", "tls"):
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()


def _first_line(error: BaseException) -> str:
    return named((str(error) or type(error).__name__).splitlines()[0])


def close_in_a_thread(connection: Connection) -> None:
    """Close a connection; Dask's own thread, which may collect garbage, must not wait for it."""
    thread = Thread(target=connection.close, name=CLOSING, daemon=False)
    thread.start()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        thread.join()

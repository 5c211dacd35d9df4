"""What can go wrong between this process and a cluster, in sentences."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from handgrad.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from distributed import Client, Future

WAIT_SECONDS = 1.0  # after so long, a run that waits looks whether there are workers
WITHOUT_WORKERS_SECONDS = 60.0  # how long a run waits for workers before it gives up


@contextmanager
def cluster_errors(client: Client) -> Iterator[None]:
    """Raise a TrainingError if the scheduler is lost, or if the client was closed."""
    from concurrent.futures import CancelledError

    from distributed.client import ClosedClientError
    from distributed.comm import CommClosedError

    address = client.scheduler.address if client.scheduler else "an unknown address"
    try:
        yield
    except (CancelledError, ClosedClientError, CommClosedError) as error:
        raise TrainingError(
            f"The connection to the Dask scheduler at {address} was lost "
            f"({type(error).__name__}); start the cluster again, and continue from the last "
            "checkpoint."
        ) from error


class Patience:
    """How long a run has been without workers."""

    def __init__(self) -> None:
        self._since: float | None = None

    def check(self, client: Client) -> dict[str, Any]:
        """Return the running workers; raise a TrainingError if there were none for too long."""
        workers = running_workers(client)
        if workers:
            self._since = None
            return workers
        if self._since is None:
            self._since = monotonic()
        if monotonic() - self._since > WITHOUT_WORKERS_SECONDS:
            raise TrainingError(
                f"The Dask cluster at {client.scheduler.address} has had no workers for "
                f"{WITHOUT_WORKERS_SECONDS:g} seconds; start workers, and continue from the last "
                "checkpoint."
            )
        return workers


def some_workers(client: Client) -> dict[str, Any]:
    """Return the running workers; wait for one if there is none."""
    patience = Patience()
    while not (workers := patience.check(client)):
        sleep(WAIT_SECONDS / 10)
    return workers


def running_workers(client: Client) -> dict[str, Any]:
    """Return what the scheduler knows of the workers that are there, by address."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    there = ("running", "paused")
    return {address: info for address, info in workers.items() if info["status"] in there}


class NobodyLeftError(Exception):
    """All workers that tasks were meant for are gone."""


def results(client: Client, futures: Sequence[Future], homes: Collection[str] = ()) -> list[Any]:
    """Wait for tasks and return their results, or raise the error of one of them.

    Tasks that may run elsewhere than at their ``homes`` still do not run on workers that come after
    all others are gone (Dask 2026.8). Then a NobodyLeftError is raised.
    """
    patience = Patience()
    for future in futures:
        while not is_done(future):
            workers = patience.check(client)
            if homes and workers and not set(homes) & set(workers):
                raise NobodyLeftError
    return list(client.gather(list(futures)))


def is_done(future: Future) -> bool:
    """Wait for a task, but not for long; a task that was cancelled raises a CancelledError."""
    try:
        future.exception(timeout=WAIT_SECONDS)
    except TimeoutError:
        return False
    return True


def worn_out() -> TrainingError:
    """Return the error of a step at which workers die again and again."""
    return TrainingError(
        "Workers died again and again at the same step, mostly for lack of memory; expected "
        "workers with more memory, or more of them: continue from the last checkpoint."
    )

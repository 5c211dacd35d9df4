"""Waits for the tasks of a cluster, and says in sentences what went wrong there."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from handgrad.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence

    from distributed import Client, Future

T = TypeVar("T")

ATTEMPTS = 5  # Dask itself gives a task four workers in each
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


class NobodyLeftError(Exception):
    """All workers that tasks were meant for are gone."""


class WorkerWatch:
    """Watches how long a run has been without workers."""

    def __init__(self) -> None:
        self._since: float | None = None

    def check(self, client: Client, homes: Collection[str] = ()) -> dict[str, Any]:
        """Return the running workers; raise a TrainingError if there were none for too long.

        If there are workers, but none of the ``homes``, raise a NobodyLeftError.
        """
        workers = running_workers(client)
        if workers:
            self._since = None
            if homes and not set(homes) & set(workers):
                raise NobodyLeftError
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
    watch = WorkerWatch()
    while not (workers := watch.check(client)):
        sleep(WAIT_SECONDS / 10)
    return workers


def running_workers(client: Client) -> dict[str, Any]:
    """Return what the scheduler knows of the workers that are there, by address."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    there = ("running", "paused")
    return {address: info for address, info in workers.items() if info["status"] in there}


def results(client: Client, futures: Sequence[Future], homes: Collection[str] = ()) -> list[Any]:
    """Wait for tasks and return their results, or raise the error of one of them.

    If all workers that the tasks were meant for (``homes``) are gone, Dask 2026.8 does not run them
    on new workers, although it may. Then a NobodyLeftError is raised.
    """
    watch, seconds = WorkerWatch(), WAIT_SECONDS
    while True:
        for future in futures:
            while not is_done(future):
                watch.check(client, homes)
        try:
            return _fetched(client, futures, seconds)
        except TimeoutError:  # a result was lost on its way, or is large
            watch.check(client, homes)
            seconds *= 2


def is_done(future: Future) -> bool:
    """Wait for a task, but not for long; a task that was cancelled raises a CancelledError."""
    try:
        future.exception(timeout=WAIT_SECONDS)
    except TimeoutError:
        return False
    return True


def retried(results: Callable[[int], Iterator[T]], count: int) -> Generator[T]:
    """Yield so many results; if workers die, begin again at the first one that is missing.

    ``results`` yields the results from a number on.
    """
    from distributed.scheduler import KilledWorker

    done = attempt = 0
    while done < count:
        try:
            for result in results(done):
                done, attempt = done + 1, 0
                yield result
        except KilledWorker as error:
            attempt += 1
            if attempt == ATTEMPTS:
                raise worn_out() from error


def _fetched(client: Client, futures: Sequence[Future], seconds: float) -> list[Any]:
    """Return results, or raise a TimeoutError: without a limit, Dask waits for lost ones."""
    fetch = partial(client.gather, list(futures), asynchronous=True)
    return list(client.sync(fetch, callback_timeout=seconds))


def worn_out() -> TrainingError:
    """Return the error of a step at which workers die again and again."""
    return TrainingError(
        "Workers died again and again at the same step, probably because memory ran out; expected "
        "workers with more memory, or more of them: continue from the last checkpoint."
    )

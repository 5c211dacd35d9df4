"""Hands the newest snapshot of a run to all who watch it, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

from handgrad.glassbox.payload import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from handgrad.glassbox.live.run import LiveRun, Snapshot, Status
    from handgrad.network import Network

MOST_A_SECOND = 20  # snapshots
MOST_BYTES_A_SECOND = 6_000_000  # to all viewers together: what it costs is taken from the run
HEARTBEAT = 15.0  # seconds of silence, after which a comment finds out who has gone


class Broadcast:
    """Writes a snapshot down once, however many watch, and not at all where nobody does.

    A viewer that is slow misses snapshots, but never has more than one on its way. All methods
    but `changed` and `wait_for_viewer` belong to the thread of the event loop.

    Parameters
    ----------
    run : LiveRun
    """

    def __init__(self, run: LiveRun) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._new = asyncio.Event()  # the run has something to show
        self._written = asyncio.Event()  # a snapshot was written down; each has an event of its own
        self._shown: tuple[Snapshot, Status] | None = None
        self._text = b""
        self._version = 0
        self._viewers = 0
        self._somebody = threading.Event()
        self._closed = False
        run.observe(self.changed)

    def changed(self) -> None:
        """Take note, in any thread, that the run has something new to show."""
        if self._viewers and not self._closed:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._new.set)

    def wait_for_viewer(self, seconds: float) -> bool:
        """Wait, in any thread, until somebody watches; return whether anybody does."""
        return self._somebody.wait(seconds)

    async def follow(self) -> None:
        """Write snapshots down as the run goes on, until the task is cancelled."""
        while True:
            await self._new.wait()
            self._new.clear()
            self._write()
            await asyncio.sleep(pause(self._viewers, len(self._text)))

    async def events(self) -> AsyncIterator[bytes]:
        """Yield events to one viewer: what there is, and then whatever is new when it is due."""
        self._viewers += 1
        self._somebody.set()
        seen = 0
        try:
            self._write()
            while True:
                if seen != self._version:
                    seen = self._version
                    yield self._text
                    continue
                if self._closed:
                    return
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._written.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._viewers -= 1

    def close(self) -> None:
        """Show all viewers what came last, and let them go."""
        self._write()
        self._closed = True
        self._written.set()

    def _write(self) -> None:
        shown = self._run.snapshot(), self._run.state()
        if shown == self._shown:
            return
        self._shown = shown
        self._text = progress_event(shown[0]) + state_event(shown[1], part_sizes(self._run))
        self._version += 1
        self._written.set()
        self._written = asyncio.Event()


def pause(viewers: int, size: int) -> float:
    """Return the seconds between two snapshots of so many bytes, sent to so many viewers.

    Examples
    --------
    >>> pause(viewers=1, size=50_000), pause(viewers=60, size=50_000)
    (0.05, 0.5)
    """
    return max(1 / MOST_A_SECOND, viewers * size / MOST_BYTES_A_SECOND)


def part_sizes(run: LiveRun) -> dict[str, int]:
    """Count the samples that the page can ask for."""
    return {"train": len(run.dataset.X_train), "test": len(run.dataset.X_test)}


def progress_event(snapshot: Snapshot) -> bytes:
    """Write a network and its learning curve as an event."""
    model = json.dumps(encoded_network(snapshot.network))
    data = f'{{"iteration":{snapshot.iteration},"costs":{snapshot.curve},"model":{model}}}'
    return f"event: progress\ndata: {data}\n\n".encode()


def state_event(state: Status, sizes: dict[str, int]) -> bytes:
    """Write what a run is doing as an event."""
    data = json.dumps(
        {
            "running": state.running,
            "iteration": state.iteration,
            "iterations": state.iterations,
            "learningRate": state.learning_rate,
            "part_sizes": sizes,
            "error": state.error,
        }
    )
    return f"event: state\ndata: {data}\n\n".encode()


def encoded_network(network: Network) -> dict[str, Any]:
    """Return shapes and parameters as the page reads them."""
    W1, b1, W2, b2 = map(encode, network.parameters)
    return {
        "features": network.D,
        "hidden": network.H,
        "classes": network.K,
        "dtype": network.dtype.name,
        "W1": W1,
        "b1": b1,
        "W2": W2,
        "b2": b2,
    }

"""Sends the newest snapshot of a run to all viewers, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING

from handgrad.glassbox.payload import encode_network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from handgrad.glassbox.live.replay import Snapshot
    from handgrad.glassbox.live.run import LiveRun, Status

MOST_PER_SECOND = 20  # snapshots
MOST_BYTES_PER_SECOND = 6_000_000  # to all viewers together: sending slows the run down
HEARTBEAT = 15.0  # seconds of silence; then a comment shows which viewers are still there


class Broadcast:
    """Encodes each snapshot once for all viewers, and not at all if there are no viewers.

    A slow viewer misses snapshots, but at most one is on its way to it. Call `changed` and
    `wait_for_viewer` from any thread, all other methods only in the thread of the event loop.
    Tests replace ``sleep``, which waits between two snapshots.
    """

    def __init__(
        self, run: LiveRun, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._run, self._sleep = run, sleep
        self._loop = asyncio.get_running_loop()
        self._new = asyncio.Event()  # set when the run has something new
        self._encoded = asyncio.Event()  # set when a snapshot is encoded; one event per snapshot
        self._shown: tuple[Snapshot, Status] | None = None
        self._text = b""
        self._version = 0
        self._viewers = 0
        self._somebody = threading.Event()
        self._closed = False
        run.observe(self.changed)

    def changed(self) -> None:
        """Note that the run has something new to show; from any thread."""
        if self._viewers and not self._closed:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._new.set)

    def wait_for_viewer(self, seconds: float) -> bool:
        """Wait until somebody watches; return whether somebody does; from any thread."""
        return self._somebody.wait(seconds)

    async def follow(self) -> None:
        """Encode snapshots while the run continues, until the task is cancelled."""
        while True:
            await self._new.wait()
            self._new.clear()
            self._encode()
            await self._sleep(pause(self._viewers, len(self._text)))

    async def events(self) -> AsyncIterator[bytes]:
        """Yield events to one viewer: the newest snapshot, then each new one when it is due."""
        self._viewers += 1
        self._somebody.set()
        seen = 0
        try:
            self._encode()
            while True:
                if seen != self._version:
                    seen = self._version
                    yield self._text
                    continue
                if self._closed:
                    return
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._encoded.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._viewers -= 1

    def close(self) -> None:
        """Show the last snapshot to all viewers and end their events."""
        self._encode()
        self._closed = True
        self._encoded.set()

    def _encode(self) -> None:
        shown = self._run.snapshot(), self._run.state()
        if shown == self._shown:
            return
        self._shown = shown
        self._text = progress_event(shown[0]) + state_event(shown[1], part_sizes(self._run))
        self._version += 1
        self._encoded.set()
        self._encoded = asyncio.Event()


def pause(viewers: int, size: int) -> float:
    """Return the seconds between two snapshots of ``size`` bytes for this number of viewers.

    Examples
    --------
    >>> pause(viewers=1, size=50_000), pause(viewers=60, size=50_000)
    (0.05, 0.5)
    """
    return max(1 / MOST_PER_SECOND, viewers * size / MOST_BYTES_PER_SECOND)


def part_sizes(run: LiveRun) -> dict[str, int]:
    """Count the samples that the page can request."""
    return {part: len(y) for part, (_, y) in run.dataset.shown.items()}


def progress_event(snapshot: Snapshot) -> bytes:
    """Encode a network and its learning curve as an event."""
    model = json.dumps(encode_network(snapshot.network))
    data = f'{{"iteration":{snapshot.iteration},"costs":{snapshot.curve},"model":{model}}}'
    return f"event: progress\ndata: {data}\n\n".encode()


def state_event(state: Status, sizes: dict[str, int]) -> bytes:
    """Encode the state of a run as an event."""
    data = json.dumps(
        {
            "running": state.running,
            "iteration": state.iteration,
            "iterations": state.iterations,
            "unit": state.unit,
            "learningRate": state.learning_rate,
            "part_sizes": sizes,
            "error": state.error,
        }
    )
    return f"event: state\ndata: {data}\n\n".encode()

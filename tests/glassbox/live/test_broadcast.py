from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from handgrad import Network
from handgrad.data import Dataset
from handgrad.glassbox.live import broadcast as module
from handgrad.glassbox.live.broadcast import Broadcast, pause
from handgrad.glassbox.live.replay import Snapshot
from handgrad.glassbox.live.run import Status

NETWORK = Network.initial(features=2, hidden=2, classes=2)


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self):
        self.pauses = []
        self._begun, self._over = asyncio.Event(), asyncio.Event()

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self._begun.set()
        await self._over.wait()
        self._over.clear()

    async def end_pause(self):
        """Wait until somebody sleeps, and wake them up."""
        await self._begun.wait()
        self._begun.clear()
        self._over.set()


async def idle():
    """Wait until the event loop has run what is due."""
    loop = asyncio.get_running_loop()
    for _ in range(10):
        due = loop.create_future()
        loop.call_soon(due.set_result, None)
        await due


class Run:
    """A run that goes where the test sends it."""

    def __init__(self):
        X, y = np.ones((4, 2)), np.array([0, 1, 0, 1])
        self.dataset = Dataset(X, y, X[:2], y[:2], ("a", "b"), None)
        self.iteration = 0
        self.observers = []

    def observe(self, observer):
        self.observers.append(observer)

    def snapshot(self):
        return Snapshot(NETWORK, self.iteration, "[]")

    def state(self):
        return Status(True, self.iteration, 100, 0.1, None)

    def go_to(self, iteration):
        self.iteration = iteration
        for observer in self.observers:
            observer()


@pytest.fixture
def written(monkeypatch):
    """The snapshots that were written down, by their iterations."""
    iterations = []

    def write(snapshot):
        iterations.append(snapshot.iteration)
        return real(snapshot)

    real = module.progress_event
    monkeypatch.setattr(module, "progress_event", write)
    return iterations


def iteration_of(event):
    progress = next(line for line in event.decode().splitlines() if line.startswith("data: "))
    return json.loads(progress.removeprefix("data: "))["iteration"]


@contextmanager
def following(broadcast):
    task = asyncio.create_task(broadcast.follow())
    try:
        yield
    finally:
        task.cancel()


def test_a_viewer_who_comes_late_sees_the_newest_snapshot_and_none_before():
    async def play():
        run: Any = Run()
        clock = Clock()
        broadcast = Broadcast(run, sleep=clock.sleep)
        with following(broadcast):
            events = broadcast.events()
            assert iteration_of(await anext(events)) == 0
            for iteration in range(1, 50):  # the viewer is busy; snapshots go by
                run.go_to(iteration)
                await clock.end_pause()
            assert iteration_of(await anext(events)) == 49

    asyncio.run(play())


def test_between_two_snapshots_it_pauses_however_fast_the_run_is(written):
    async def play():
        run: Any = Run()
        clock = Clock()
        broadcast = Broadcast(run, sleep=clock.sleep)
        with following(broadcast):
            events = broadcast.events()
            await anext(events)
            run.go_to(1)
            await idle()
            for iteration in range(2, 50):
                run.go_to(iteration)
                await idle()
            assert written == [0, 1]
            await clock.end_pause()
            await idle()
            assert written == [0, 1, 49]
        assert len(clock.pauses) == 2
        assert min(clock.pauses) >= 1 / 20

    asyncio.run(play())


def test_a_snapshot_is_written_once_for_all_who_watch(written):
    async def play():
        run: Any = Run()
        broadcast = Broadcast(run)
        with following(broadcast):
            viewers = [broadcast.events() for _ in range(20)]
            first = [await anext(viewer) for viewer in viewers]
            run.go_to(7)
            second = await asyncio.gather(*map(anext, viewers))
        assert {iteration_of(event) for event in first} == {0}
        assert {iteration_of(event) for event in second} == {7}

    asyncio.run(play())
    assert written == [0, 7]


def test_nothing_is_written_if_nobody_watches(written):
    async def play():
        run: Any = Run()
        broadcast = Broadcast(run)
        with following(broadcast):
            run.go_to(5)
            await idle()
            events = broadcast.events()
            await anext(events)
            assert isinstance(events, AsyncGenerator)
            await events.aclose()
            run.go_to(6)
            await idle()

    asyncio.run(play())
    assert written == [5]


def test_viewers_see_what_came_last_before_they_are_let_go():
    async def play():
        run: Any = Run()
        broadcast = Broadcast(run)
        events = broadcast.events()
        await anext(events)
        run.go_to(9)
        broadcast.close()
        assert [iteration_of(event) async for event in events] == [9]
        run.go_to(10)  # nobody is there to be told

    asyncio.run(play())


def test_a_silent_run_shows_that_the_line_is_alive(monkeypatch):
    monkeypatch.setattr(module, "HEARTBEAT", 0.001)

    async def play():
        run: Any = Run()
        events = Broadcast(run).events()
        await anext(events)
        assert (await anext(events)).startswith(b":")

    asyncio.run(play())


@pytest.mark.parametrize(("viewers", "size"), [(1, 100), (1, 10**6), (20, 50_000), (1000, 500)])
def test_the_pace_is_at_most_20_a_second_and_bounded_in_bytes(viewers, size):
    per_second = 1 / pause(viewers, size)
    assert per_second <= 20
    assert per_second * viewers * size <= module.MOST_BYTES_PER_SECOND * 1.001

from __future__ import annotations

import pytest

from handgrad import Network
from handgrad.glassbox.live.replay import (
    BETWEEN_PICTURES,
    MOST_BYTES,
    SHOWN_IN,
    TOO_SHORT,
    Replay,
    Snapshot,
)

NETWORK = Network.initial(features=1, hidden=1, classes=2)


class Clock:
    """Time that passes when steps are taken or waited for."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def played(planned, seconds_per_step, first=0, picture_bytes=1):
    """Compute and replay a run; return when each picture was shown, and the time at the end."""
    clock = Clock()
    shown: list[tuple[float, Snapshot]] = []
    replay = Replay(first, planned, picture_bytes=picture_bytes, clock=clock)
    taken = 0
    while taken < planned:
        steps = replay.steps_to_next_picture(taken)
        assert 1 <= steps <= planned - taken
        clock.now += steps * seconds_per_step
        taken += steps
        picture = Snapshot(NETWORK, first + taken, "")
        shown.append((clock.now - 100, replay.record(picture) if replay.records else picture))
    computed = len(shown)
    for picture in replay.pictures_left():
        clock.now += replay.seconds_until(picture)
        shown.append((clock.now - 100, picture))
    return shown, computed


@pytest.mark.parametrize("planned", [200, 500, 2000])
@pytest.mark.parametrize("first", [0, 1000])
def test_a_short_run_is_shown_in_some_seconds_and_slowly_at_first(planned, first):
    shown, _ = played(planned, 0.0005, first)
    seconds = shown[-1][0]
    assert seconds == pytest.approx(SHOWN_IN)
    assert len({picture for _, picture in shown}) > 60
    half = max(picture.iteration for when, picture in shown if when < seconds / 2)
    assert half - first < planned * 0.35
    iterations = [picture.iteration for _, picture in shown]
    assert iterations == sorted(iterations)
    assert iterations[-1] == first + planned


@pytest.mark.parametrize(("planned", "seconds_per_step"), [(500, 0.009), (20_000, 0.0005), (9, 1)])
def test_a_long_run_is_shown_as_it_is(planned, seconds_per_step):
    shown, computed = played(planned, seconds_per_step)
    assert len(shown) == computed
    assert shown[-1][0] == pytest.approx(planned * seconds_per_step)
    live = [(when, picture) for when, picture in shown if when > TOO_SHORT]
    for when, picture in live:
        assert picture.iteration == pytest.approx(when / seconds_per_step, abs=1)


def test_a_run_of_large_networks_is_shown_as_it_is():
    shown, computed = played(100, 0.001, picture_bytes=MOST_BYTES)
    assert len(shown) == computed
    assert shown[-1][0] == pytest.approx(0.1)


@pytest.mark.parametrize("planned", [1, 2, 3, 79, 80, 81])
def test_a_run_of_few_steps_shows_them_all(planned):
    shown, _ = played(planned, 0.0001)
    assert shown[-1][1] == Snapshot(NETWORK, planned, "")


def test_an_engine_that_reports_every_step_leaves_no_more_pictures():
    clock, planned = Clock(), 20_000
    replay = Replay(0, planned, picture_bytes=1, clock=clock)
    for iteration in range(planned + 1):
        replay.record(Snapshot(NETWORK, iteration, ""))
    pictures = list(replay.pictures_left())
    assert 60 < len(pictures) <= SHOWN_IN / BETWEEN_PICTURES
    assert pictures[-1].iteration == planned

"""A run as its viewers see and steer it, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from glassbox.live.serving import (
    PATIENCE,
    Viewer,
    client,
    decoded,
    serving,
    token,
)
from handgrad import Network, get_engine, notes
from handgrad.data import Dataset


def test_a_viewer_sees_the_network_that_the_run_has_reached(live, dataset):
    run, server, asking = live
    viewer = Viewer(server)
    first = viewer.wait(lambda name, _: name == "progress")
    assert (first["iteration"], first["costs"]) == (0, [])
    assert asking.post("start").status_code == 200
    running = viewer.wait(lambda name, sent: name == "state" and sent["running"])
    assert running["part_sizes"] == {"train": 60, "test": 30}
    seen = viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 50)
    expected, costs = get_engine("auto").descend(
        Network.initial(features=6, hidden=4, classes=3, seed=1),
        dataset.X_train,
        dataset.y_train,
        learning_rate=0.1,
        iterations=seen["iteration"],
    )
    np.testing.assert_array_equal(decoded(seen["model"]).W1, expected.W1)
    *points, (last, cost, accuracy) = seen["costs"]
    assert last == seen["iteration"]
    assert cost == pytest.approx(notes.cost(expected, dataset.X_train, dataset.y_train), rel=1e-4)
    right = notes.predict(expected, dataset.X_train) == dataset.y_train
    assert accuracy == pytest.approx(right.mean(), rel=1e-4)
    for iteration, shown, _ in points:
        assert shown == pytest.approx(costs[iteration], rel=1e-5)

    assert asking.post("stop").status_code == 200
    run.close()
    reached = run.state().iteration
    final = viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] == reached)
    np.testing.assert_array_equal(decoded(final["model"]).W1, run.snapshot().network.W1)


def test_there_are_at_most_20_snapshots_a_second_however_fast_the_run_is(dataset):
    endless = 10**7  # steps: a million may be over before there were 60 snapshots
    with serving(dataset, iterations=endless) as (_, server), client(server) as asking:
        begin = time.monotonic()
        viewer = Viewer(server)
        viewer.wait(lambda name, _: name == "progress")
        asking.post("start")
        viewer.wait(lambda name, _: name == "progress" and len(viewer.events) >= 60)
        snapshots = viewer.sent("progress")  # before the clock is read, and before the last one
        seconds = time.monotonic() - begin
        asking.post("stop")
    assert len(snapshots) <= 20 * seconds + 2
    steps = [sent["iteration"] for sent in snapshots]
    assert steps == sorted(steps)
    assert steps[-1] > 20 * len(steps)  # the run took many steps between two snapshots


def test_a_viewer_that_reads_nothing_holds_nobody_up(live):
    run, server, asking = live
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sleepy:
        sleepy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        target = f"/{token(server)}/events"
        sleepy.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        viewer = Viewer(server)
        asking.post("start")
        viewer.wait(lambda name, _: name == "progress" and len(viewer.sent("progress")) > 12)
        asking.post("stop")
        assert run.state().iteration > 0


def test_the_learning_rate_changes_while_the_run_continues_and_no_step_is_lost(live):
    run, server, asking = live
    viewer = Viewer(server)
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 0)
    assert asking.post("learning-rate", json={"learningRate": 0.7}).status_code == 200
    told = viewer.wait(lambda name, sent: name == "state" and sent["learningRate"] == 0.7)
    assert told["running"]
    viewer.wait(
        lambda name, sent: name == "progress" and sent["iteration"] > told["iteration"] + 100
    )
    asking.post("stop")
    viewer.wait(lambda name, sent: name == "state" and not sent["running"] and sent["iteration"])
    steps = [point[0] for point in viewer.sent("progress")[-1]["costs"]]
    assert all(b > a for a, b in pairwise(steps))
    before = run.state().iteration
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > before)


def test_a_run_goes_back_to_its_beginning_only_while_it_stands_still(live):
    run, server, asking = live
    viewer = Viewer(server)
    initial = run.snapshot().network
    asking.post("start")
    viewer.wait(lambda name, sent: name == "progress" and sent["iteration"] > 0)
    refused = asking.post("reset")
    assert refused.status_code == 400
    assert "stop it" in refused.json()["error"]
    run.close()
    assert asking.post("reset").status_code == 200
    assert run.snapshot().network is initial
    assert (run.state().iteration, run.snapshot().curve) == (0, "[]")


def test_the_page_is_told_that_a_run_diverges(dataset):
    wide = Dataset(
        dataset.X_train * 1e30,
        dataset.y_train,
        dataset.X_test * 1e30,
        dataset.y_test,
        dataset.class_names,
        dataset.image_shape,
    )
    with serving(wide) as (_, server), client(server) as asking:
        viewer = Viewer(server)
        asking.post("learning-rate", json={"learningRate": 1e30})
        asking.post("start")
        state = viewer.wait(lambda name, sent: name == "state" and sent["error"])
        assert "lower the learning rate" in state["error"]


def test_closing_ends_viewers_and_frees_the_port(dataset):
    with serving(dataset) as (run, server):
        viewer = Viewer(server)
        viewer.wait(lambda name, _: name == "progress")
        run.start()
    assert viewer.wait_for_the_end()
    assert not run.state().running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_nothing_is_written_down_if_nobody_looks(live, monkeypatch):
    run, _, asking = live
    written = []
    monkeypatch.setattr(
        "handgrad.glassbox.live.broadcast.progress_event", lambda snapshot: written.append(snapshot)
    )
    far = threading.Event()
    run.observe(lambda: far.set() if run.state().iteration >= 1000 else None)
    asking.post("start")
    assert far.wait(PATIENCE)
    asking.post("stop")
    assert written == []

"""Which cluster an engine uses."""

from __future__ import annotations

import gc
import os
import signal
import threading
from typing import Any

import pytest

from handgrad import get_engine
from handgrad.engines.dask import DaskEngine, cluster
from handgrad.errors import EngineError, MissingPackageError
from handgrad.objective import Objective


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_a_client_a_local_cluster_lives_as_long_as_the_engine(blocks, network):
    engine: Any = get_engine("dask", threads=1)
    session = engine.session(blocks, None, Objective())
    assert engine.threads == 1
    pids = list(engine.client.run(os.getpid).values())
    assert session.cost(network) > 0
    del engine
    assert all(map(_is_alive, pids))  # the session still needs the cluster
    del session
    gc.collect()
    assert not any(map(_is_alive, pids))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows")
def test_ctrl_c_in_a_terminal_leaves_the_workers_alone(blocks, network):
    with DaskEngine("local", threads=1) as engine:
        session = engine.session(blocks, None, Objective())
        cost = session.cost(network)
        (pid,) = engine.client.run(os.getpid).values()
        os.kill(pid, signal.SIGINT)  # a terminal sends it to all processes
        assert session.cost(network) == cost
        assert list(engine.client.run(os.getpid).values()) == [pid]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_task_that_cannot_start_workers_is_told_what_to_do(client):
    def connect_there():
        from handgrad.engines.dask.cluster import connect

        connect(None, 1)

    task = client.submit(connect_there, pure=False)
    with pytest.raises(EngineError, match=r"in a task of Dask, .* distributed\.worker_client"):
        task.result()


def test_the_current_client_is_used_and_stays_open(client, blocks, network):
    with client.as_current(), DaskEngine() as engine:
        assert engine.session(blocks, None, Objective()).cost(network) > 0
        assert engine.client is client
    assert client.status == "running"


def test_an_engine_that_was_closed_opens_again(cluster, blocks, network):
    with DaskEngine(cluster.scheduler_address) as engine:
        client = engine.client
        engine.close()
        assert client.status == "closed"
        assert engine.session(blocks, None, Objective()).cost(network) > 0


def test_an_asynchronous_client_is_refused(monkeypatch, client):
    monkeypatch.setattr(type(client), "asynchronous", True)
    with client.as_current(), pytest.raises(EngineError, match="asynchronous"):
        DaskEngine().client  # noqa: B018


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'handgrad\[dask\]'"):
        get_engine("dask")


def test_a_cluster_whose_own_thread_collects_garbage_is_closed():
    connection = cluster.connect("local", 1)
    pids = list(connection.client.run(os.getpid).values())
    connection.client.sync(_close_there, connection)
    for thread in threading.enumerate():
        if thread.name == cluster.CLOSING:
            thread.join()
    assert not any(map(_is_alive, pids))


async def _close_there(connection):
    cluster.close_in_a_thread(connection)

"""Workers that die, join or cannot take part; blocks that cannot be read; a lost scheduler."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from faults.killed_workers import kill_one
from handgrad import solvers
from handgrad.engines import Sgd
from handgrad.engines.dask import DaskEngine, faults, workers
from handgrad.engines.dask.cluster import UNUSED_PORT
from handgrad.errors import DataError, EngineError, TrainingError
from handgrad.objective import Objective


def _bits(network):
    return [array.tobytes() for array in network.parameters]


@pytest.mark.usefixtures("at_once")
def test_a_killed_worker_changes_no_bit(engine, one_process, cluster, in_files, network):
    def kill_twice(iteration):
        if iteration.iteration in (3, 6):
            kill_one(cluster, Random(0))

    options: Any = {"learning_rate": 0.1, "iterations": 10}
    run = solvers.gd(engine, network, in_files, None, on_iteration=kill_twice, **options)
    whole = solvers.gd(one_process, network, in_files, None, **options)
    assert _bits(run.network) == _bits(whole.network)
    assert run.costs.tolist() == whole.costs.tolist()


@pytest.mark.usefixtures("at_once")
def test_a_killed_worker_changes_no_bit_of_rows_from_memory(
    engine, one_process, cluster, client, blocks, network, monkeypatch
):
    monkeypatch.setattr("handgrad.engines.dask.leaf_tasks.MOST_PICKLED", 20_000)
    session = engine.session(blocks, None, Objective())
    expected = one_process.session(blocks, None, Objective()).cost(network)
    assert session.cost(network) == expected
    kill_one(cluster, Random(0))
    assert session.cost(network) == expected
    client.wait_for_workers(2)
    assert session.cost(network) == expected


def test_a_killed_worker_changes_no_bit_of_batches(engine, one_process, cluster, in_files, network):
    def kill(iteration):
        if iteration.iteration == 2:
            kill_one(cluster, Random(0))

    options: Any = {"rule": Sgd(0.1, momentum=0.9), "batch_size": 30, "epochs": 4}
    run = solvers.sgd(engine, network, in_files, None, on_iteration=kill, **options)
    whole = solvers.sgd(one_process, network, in_files, None, **options)
    assert _bits(run.network) == _bits(whole.network)


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_joins_gets_a_share(engine, one_process, cluster, client, in_files, network):
    homes = []

    def join(iteration):
        homes.append(set(session.workers))
        if iteration.iteration == 2:
            cluster.scale(3)
            client.wait_for_workers(3)
        if iteration.iteration == 5:
            cluster.scale(2)

    session = engine.session(in_files, None, Objective())
    driver = solvers.Driver(8, 0.1, on_iteration=join)
    try:
        run = driver.run(solvers.full_batch_steps, session, network)
    finally:
        cluster.scale(2)
    whole = solvers.gd(one_process, network, in_files, None, learning_rate=0.1, iterations=8)
    assert _bits(run.network) == _bits(whole.network)
    assert [len(homes[0]), len(homes[3])] == [2, 3]


@pytest.mark.parametrize(
    ("solver", "settings"),
    [(solvers.gd, {"iterations": 5}), (solvers.sgd, {"epochs": 5, "batch_size": 50})],
)
def test_a_block_that_is_damaged_in_mid_run_is_one_sentence(
    engine, in_files, network, monkeypatch, solver, settings
):
    monkeypatch.setattr("handgrad.engines.dask.recipes.SHARE_OF_MEMORY", 1e-7)

    def damage(iteration):
        if iteration.iteration == 2:
            Path(in_files.source).write_bytes(b"nothing")

    with pytest.raises(DataError, match=r"rows\.npz changed while it was in use"):
        solver(engine, network, in_files, None, on_iteration=damage, **settings)


def test_workers_that_die_at_every_attempt_are_one_sentence(engine, blocks, network, monkeypatch):
    from distributed.scheduler import KilledWorker

    def die(_, futures, *homes):
        raise KilledWorker(futures[0].key, homes, 3)

    monkeypatch.setattr(faults, "results", die)
    session = engine.session(blocks, None, Objective())
    with pytest.raises(TrainingError, match="died again and again"):
        session.cost(network)
    with pytest.raises(TrainingError, match="died again and again"):
        session.batches(network, rule=Sgd(), batch_size=10).epoch()


def test_a_step_that_killed_its_workers_is_submitted_again(
    engine, one_process, blocks, network, monkeypatch
):
    from distributed.scheduler import KilledWorker

    whole, deaths = faults.results, [1, 2]

    def die_twice(client, futures, homes=()):
        found = whole(client, futures, homes)
        if deaths:
            raise KilledWorker(futures[0].key, None, deaths.pop())
        return found

    monkeypatch.setattr(faults, "results", die_twice)
    session = engine.session(blocks, None, Objective())
    assert session.cost(network) == one_process.session(blocks, None, Objective()).cost(network)
    deaths.append(1)
    expected = one_process.session(blocks, None, Objective())
    costs = [
        each.batches(network, rule=Sgd(), batch_size=10).epoch().tolist()
        for each in (session, expected)
    ]
    assert costs[0] == costs[1]


def test_workers_without_handgrad_or_with_another_version_are_named():
    sound = {"threads": 1, "memory": 10, "version": "0", "instruction_sets": ()}
    with pytest.raises(EngineError, match=r"^The worker tcp://a:1 has handgrad 0, and this"):
        workers.member("tcp://a:1", sound)
    with pytest.raises(EngineError, match=r"^The worker tcp://a:1 has no handgrad \(nothing"):
        workers.member("tcp://a:1", sound | {"version": None, "reason": "nothing there"})
    with pytest.raises(EngineError, match=r"^The worker tcp://a:1 does not answer"):
        workers.member("tcp://a:1", OSError("gone"))


def test_all_workers_take_what_they_share():
    members = {
        "a": workers.Member(1, 1, ("baseline", "avx2")),
        "b": workers.Member(1, 1, ("baseline",)),
    }
    assert workers.shared_kernels(members) == ("native", "baseline")
    members["c"] = workers.Member(1, 1, ())
    assert workers.shared_kernels(members).engine == "reference"


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_joins_with_another_version_is_left_out(
    engine, cluster, client, in_files, network, monkeypatch
):
    session = engine.session(in_files, None, Objective())
    expected = session.cost(network)
    monkeypatch.setattr(workers, "_version", lambda: "another")
    cluster.scale(3)
    client.wait_for_workers(3)
    try:
        with pytest.warns(UserWarning, match="The run continues without it"):
            assert session.cost(network) == expected
        assert session.cost(network) == expected
        assert len(session.workers) == 2
    finally:
        cluster.scale(2)


def test_no_workers_for_long_is_one_sentence(blocks, monkeypatch):
    monkeypatch.setattr(faults, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(faults, "WITHOUT_WORKERS_SECONDS", 0.05)
    from distributed import Client, LocalCluster

    port = {"dashboard_address": UNUSED_PORT}
    with (
        LocalCluster(n_workers=0, dashboard_address=None, scheduler_kwargs=port) as cluster,
        Client(cluster, set_as_default=False),
        DaskEngine(cluster.scheduler_address) as engine,
        pytest.raises(TrainingError, match="has had no workers for"),
    ):
        engine.session(blocks, None, Objective())


@contextmanager
def _program(name, *arguments):
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_lost_scheduler_is_one_sentence(tmp_path, in_files, network):
    file = tmp_path / "scheduler.json"
    where = "--scheduler-file", str(file)
    with (
        _program("scheduler", "--port", "0", "--no-dashboard", *where) as scheduler,
        _program("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", *where),
        DaskEngine(_address(file)) as engine,
    ):

        def kill(iteration):
            if iteration.iteration == 2:
                scheduler.kill()

        with pytest.raises(TrainingError, match=r"^The connection to the Dask scheduler at tcp"):
            solvers.gd(engine, network, in_files, None, iterations=10_000, on_iteration=kill)


def _address(file):
    from distributed import Client

    while not file.exists():
        pass
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(1)
        return client.scheduler.address


def test_an_address_where_nobody_answers_is_one_sentence(blocks):
    for address in ("tcp://127.0.0.1:1", "nonsense", "foo://x"):
        with pytest.raises(EngineError, match=r"^No Dask scheduler answers at "):
            DaskEngine(address).session(blocks, None, Objective())

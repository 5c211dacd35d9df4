"""The Dask engine on a cluster of two processes, and small problems for it."""

from __future__ import annotations

import numpy as np
import pytest

from faults.killed_workers import restore
from handgrad import Network
from handgrad.data import Blocks, open_blocks
from handgrad.engines.dask import DaskEngine, holders
from handgrad.engines.native import NativeEngine
from row_files import write_npz

distributed = pytest.importorskip("distributed")

M, D, CLASSES = 1000, 12, 3


@pytest.fixture(scope="session")
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture
def engine(cluster, client):
    """An engine on two workers, however the test before left them."""
    restore(cluster, client)
    with DaskEngine(cluster.scheduler_address) as engine:
        yield engine


@pytest.fixture
def one_process(engine):
    """The engine of one process that computes with the same kernels."""
    native = NativeEngine(1)
    native.instruction_set = engine.instruction_set
    return native


@pytest.fixture
def at_once(monkeypatch):
    """Look at the workers before each pass."""
    monkeypatch.setattr(holders, "LOOK_SECONDS", 0.0)


@pytest.fixture(scope="session")
def rows():
    random = np.random.default_rng(5)
    X = random.integers(0, 256, (M, D)).astype(np.uint8)
    return X, random.integers(0, CLASSES, M)


@pytest.fixture(scope="session")
def blocks(rows):
    return Blocks.of(*rows, leaf_rows=64)


@pytest.fixture
def in_files(rows, tmp_path):
    """The same blocks, which the workers read by themselves."""
    X, y = rows
    return open_blocks(write_npz(tmp_path / "rows.npz", X=X, y=y), leaf_rows=64)


@pytest.fixture
def network():
    return Network.initial(features=D, hidden=5, classes=CLASSES, seed=3)


def same_bits(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

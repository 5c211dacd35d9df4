"""Jobs that are stopped and resumed: what continues, what is refused, and failures of writes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handgrad import data
from handgrad.data import BlockDataset
from handgrad.engines import available_engines
from handgrad.errors import CheckpointError, HandgradError, TrainingError, WriteError
from handgrad.files.checkpoint import load_checkpoint, save_checkpoint
from handgrad.jobs.checkpoints import checkpoints_of, prepare_resumed
from handgrad.jobs.streaming import Streaming
from handgrad.jobs.training import TrainingFiles, prepare_training
from handgrad.solvers import SOLVERS

SETTINGS: dict[str, dict[str, Any]] = {
    "gd": {"iterations": 30},
    "sgd": {"epochs": 30, "momentum": 0.9, "batch_size": 20, "seed": 3},
    "adam": {"epochs": 30, "batch_size": 20, "hidden": 7, "alpha": 0.1},
    "lbfgs": {"iterations": 30, "tol": 0.0, "initial": "uniform", "dtype": "float64"},
}


def job_of(flowers, solver, **options):
    return prepare_training(
        str(flowers), label="species", solver=solver, **(SETTINGS[solver] | options)
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


def stopped(flowers, solver, path, *, after=10, **options):
    """Run a job that is stopped after some iterations, with a checkpoint at the end."""
    job = job_of(flowers, solver, **options)
    checkpoints = checkpoints_of(job, path, every="1h", tell=pytest.fail)
    return job.run(lambda progress: len(progress.costs) >= after, checkpoints)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_resumed_job_is_the_job_that_never_stopped(flowers, solver, path):
    run = stopped(flowers, solver, path, engine="reference")
    assert run.stopped
    job = prepare_resumed(path, engine="reference")
    expected_job = job_of(flowers, solver, engine="reference")
    assert job.training == expected_job.training
    assert job.fingerprint == expected_job.fingerprint
    found, expected = job.report(job.run()), expected_job.report(expected_job.run())
    taken = found.figures["resumed_at"]
    assert taken == run.iterations < 30
    assert found.figures["iterations"] == len(found.history.costs) == 30
    assert (np.diff(found.history.seconds) >= 0).all()
    assert found.run.seconds >= run.state.history.seconds[-1]
    np.testing.assert_array_equal(found.history.costs[:taken], expected.history.costs[:taken])
    if solver == "lbfgs":
        assert "no higher cost" in str(job.remark)
        assert found.history.costs[-1] <= run.state.history.costs[-1]
        return
    assert job.remark is None
    np.testing.assert_array_equal(found.history.costs, expected.history.costs)
    for one, other in zip(found.model.parameters, expected.model.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    names = ["solver", "initial", "alpha", "seed", "source", "learning_rate", "train_cost"]
    for name in names:
        assert found.model.training[name] == expected.model.training[name]


def test_the_same_rows_continue_wherever_they_lie(flowers, path):
    stopped(flowers, "gd", path)
    moved = flowers.with_name("moved.csv")
    flowers.rename(moved)
    with pytest.raises(HandgradError, match=r"flowers\.csv"):
        prepare_resumed(path)
    assert prepare_resumed(path, str(moved)).run().iterations == 30


def test_other_rows_labels_or_held_out_rows_are_refused(flowers, path):
    stopped(flowers, "gd", path)
    table = pd.read_csv(flowers)
    others = {
        "value": table.assign(**{"petal width (cm)": table["petal width (cm)"] + 1e-6}),
        "order": table[::-1],
        "fewer": table[:-5],
        "label": table.assign(species=np.roll(table["species"], 1)),
        "names": table.replace("setosa", "sedosa"),
    }
    for name, other in others.items():
        file = flowers.with_name(f"{name}.csv")
        other.to_csv(file, index=False)
        with pytest.raises(CheckpointError, match="trained on other rows"):
            prepare_resumed(path, str(file))
    with pytest.raises(CheckpointError, match="trained on other rows"):
        prepare_resumed(path, test=str(flowers))
    with pytest.raises(CheckpointError, match="trained on other rows"):
        prepare_resumed(path, "digits")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"solver": "adam"}, "with solver 'sgd', not 'adam'"),
        ({"hidden": 11}, "with hidden 10, not 11"),
        ({"dtype": np.float64}, "with dtype 'float32', not 'float64'"),
        ({"initial": "uniform"}, "with initial 'he', not 'uniform'"),
        ({"seed": 4}, "with seed 3, not 4"),
        ({"alpha": 0.5}, "with alpha 0.0, not 0.5"),
        ({"momentum": 0.5}, "with momentum 0.9, not 0.5"),
        ({"batch_size": 10}, "with batch_size 20, not 10"),
        ({"learning_rate": 0.2}, "with learning_rate 0.1, not 0.2"),
        ({"iterations": 50}, "of sgd, which takes no iterations"),
        ({"tol": 0.5}, "of sgd, which takes no tol"),
        ({"epochs": 9}, "has taken 10 epochs; expected no fewer epochs than that, and not 9"),
    ],
)
def test_other_settings_are_refused(flowers, path, settings, words):
    stopped(flowers, "sgd", path)
    with pytest.raises(CheckpointError, match=words):
        prepare_resumed(path, **settings)


def test_the_same_settings_and_more_or_fewer_epochs_are_taken(flowers, path):
    stopped(flowers, "sgd", path)
    same = SETTINGS["sgd"] | {"solver": "sgd", "hidden": 10, "initial": "he", "dtype": np.float32}
    assert prepare_resumed(path, **same).run().iterations == 30
    assert prepare_resumed(path, epochs=40).run().iterations == 40
    assert prepare_resumed(path, epochs=10).run().iterations == 10
    with pytest.raises(TrainingError, match="expected"):
        prepare_resumed(path, epochs=10**12)


@pytest.mark.skipif(len(available_engines()) < 2, reason="there is one engine here")
def test_another_engine_continues_and_it_is_said_that_bits_may_differ(flowers, path):
    stopped(flowers, "gd", path, engine="native")
    job = prepare_resumed(path, engine="reference")
    assert "engine reference" in str(job.remark)
    assert "last bits may differ" in str(job.remark)
    assert job.run().iterations == 30


def test_a_checkpoint_of_another_instruction_set_is_told(flowers, path):
    stopped(flowers, "adam", path)
    checkpoint = load_checkpoint(path)
    by = {**checkpoint.computed_by, "instruction_set": "abacus"}
    save_checkpoint(replace(checkpoint, computed_by=by), path)
    assert "before: abacus" in str(prepare_resumed(path).remark)


def test_a_steered_rate_continues(flowers, path):
    stopped(flowers, "gd", path)
    checkpoint = load_checkpoint(path)
    steered = checkpoint.state.with_learning_rate(0.05)
    save_checkpoint(replace(checkpoint, state=steered), path)
    job = prepare_resumed(path, learning_rate=0.1)
    run = job.run()
    assert run.learning_rate == 0.05
    assert job.report(run).model.training["learning_rate"] == 0.05


def test_a_write_that_fails_is_told_once_and_the_run_goes_on(flowers, path, monkeypatch):
    job = job_of(flowers, "adam")
    told: list[str] = []
    expected = job.run()
    checkpoints = checkpoints_of(job, path, every="5", tell=told.append)
    written, fsync = [], os.fsync

    def sometimes_full(descriptor):
        written.append(descriptor)
        if 3 <= len(written) <= 6:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sometimes_full)
    run = job.run(None, checkpoints)
    np.testing.assert_array_equal(run.network.W1, expected.network.W1)
    assert len(told) == 1
    assert "No space left on device. The run continues, and the last checkpoint stays" in told[0]
    assert load_checkpoint(path).state.iterations == 30


def test_a_lack_of_memory_for_a_checkpoint_does_not_end_the_run(flowers, path, monkeypatch):
    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr("handgrad.jobs.checkpoints.save_checkpoint", no_memory)
    job = job_of(flowers, "gd")
    told: list[str] = []
    run = job.run(None, checkpoints_of(job, path, every="7", tell=told.append))
    assert run.iterations == 30
    assert len(told) == 1
    assert told[0].startswith("There is no memory for a checkpoint. The run continues")


def test_a_checkpoint_may_replace_the_one_that_is_resumed_and_nothing_else(flowers, tmp_path, path):
    path.write_bytes(b"old")
    model = tmp_path / "model"
    TrainingFiles(model, checkpoint=path).check(str(flowers), resume=path)
    for files in (
        TrainingFiles(path),
        TrainingFiles(model, history=path),
        TrainingFiles(model, history=tmp_path / "x", checkpoint=tmp_path / "x"),
        TrainingFiles(model, checkpoint=model),
        TrainingFiles(model, checkpoint=flowers),
        TrainingFiles(model, checkpoint=tmp_path / "no such folder" / "x"),
    ):
        with pytest.raises(WriteError):
            files.check(str(flowers), resume=path)
    assert path.read_bytes() == b"old"


BLOCKS = Streaming(wanted=True, window=2)


@pytest.fixture
def blocks_of_flowers(flowers, monkeypatch):
    """Flowers whose leaves hold few rows, so that windows and shuffling matter."""
    pytest.importorskip("pyarrow")
    read = data.open_blocks
    monkeypatch.setattr(
        data, "open_blocks", lambda *given, **options: read(*given, leaf_rows=20, **options)
    )
    return flowers


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
def test_a_run_in_blocks_continues_in_blocks(blocks_of_flowers, solver, path):
    whole = job_of(blocks_of_flowers, solver, streaming=BLOCKS).run()
    stopped(blocks_of_flowers, solver, path, streaming=BLOCKS)
    job = prepare_resumed(path)
    assert isinstance(job.dataset, BlockDataset)
    assert job.dataset.train_blocks.window == 2
    run = job.run()
    np.testing.assert_array_equal(run.history.costs, whole.history.costs)
    np.testing.assert_array_equal(run.network.W1, whole.network.W1)


def test_the_window_may_change_where_it_changes_no_bit(blocks_of_flowers, path):
    whole = job_of(blocks_of_flowers, "gd", streaming=BLOCKS).run()
    stopped(blocks_of_flowers, "gd", path, streaming=BLOCKS)
    job = prepare_resumed(path, streaming=Streaming(wanted=True, window=3))
    assert job.remark is None
    np.testing.assert_array_equal(job.run().network.W1, whole.network.W1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("first", [False, True])
def test_a_run_continues_between_memory_and_blocks(blocks_of_flowers, solver, first, path):
    streaming = {True: Streaming(wanted=True, window=2), False: Streaming()}
    run = stopped(blocks_of_flowers, solver, path, streaming=streaming[first])
    job = prepare_resumed(path, streaming=Streaming(wanted=True, window=3))
    if not first:
        assert load_checkpoint(path).window is None
    assert isinstance(job.dataset, BlockDataset)
    expected = {"lbfgs": "no higher cost", "gd": "last bits"}.get(solver, "another order")
    if first and solver == "gd":  # the window changes no bit
        assert job.remark is None
    else:
        assert expected in str(job.remark)
    found = job.run()
    assert found.iterations == 30
    before = run.state.history.costs
    np.testing.assert_array_equal(found.costs[: len(before)], before)


def test_a_window_of_a_checkpoint_is_checked(flowers, path):
    job = job_of(flowers, "gd")
    run = job.run()
    damaged = replace(job.checkpoint(run.state), window=-1)
    save_checkpoint(damaged, path)
    with pytest.raises(CheckpointError, match="window is -1"):
        load_checkpoint(path)


def test_a_run_in_blocks_continues_on_a_cluster_in_the_same_bits(flowers, path):
    pytest.importorskip("distributed")
    pytest.importorskip("pyarrow")
    whole = job_of(flowers, "adam", streaming=BLOCKS).run()
    stopped(flowers, "adam", path, streaming=BLOCKS)
    job = prepare_resumed(path, dask="local", threads=1)
    assert job.remark is None
    np.testing.assert_array_equal(job.run().network.W1, whole.network.W1)


def test_a_checkpoint_without_a_source_needs_one(flowers, path):
    stopped(flowers, "gd", path)
    checkpoint = load_checkpoint(path)
    save_checkpoint(replace(checkpoint, job={"label": "species", "initial": "he"}), path)
    with pytest.raises(CheckpointError, match="does not know its source"):
        prepare_resumed(path)
    assert prepare_resumed(path, str(flowers)).run().iterations == 30

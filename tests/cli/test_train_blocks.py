"""The command `train` over rows in blocks, and on a cluster."""

from __future__ import annotations

import json

import numpy as np
import pytest

from handgrad import data, load
from handgrad.jobs import streaming
from row_files import BYTES, write_parquet


@pytest.fixture
def digits(work_folder):
    """Handwritten digits as a folder of Parquet files, and their pixels."""
    whole = data.load("mnist-5k")
    (work_folder / "rows").mkdir()
    for part, (X, y) in enumerate(
        zip(np.array_split(whole.X_train, 3), np.array_split(whole.y_train, 3), strict=True)
    ):
        write_parquet(work_folder / "rows" / f"part-{part}.parquet", X, y, BYTES, 500)
    return "rows"


def weights(path):
    return [array.tobytes() for array in load(path).parameters]


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "lbfgs"])
def test_every_solver_trains_on_blocks_as_on_rows_in_memory(run_json, digits, solver):
    unit = "--epochs" if solver in ("sgd", "adam") else "--iterations"
    arguments = ["train", digits, "--solver", solver, unit, 3, "--dtype", "float64"]
    in_memory = run_json(*arguments, "--out", "memory.safetensors")
    in_blocks = run_json(*arguments, "--stream", "--out", "blocks.safetensors")
    tolerance = 0.1 if solver in ("sgd", "adam") else 1e-6  # these shuffle rows another way
    for figure in ("train_cost", "test_cost", "test_accuracy"):
        assert in_blocks[figure] == pytest.approx(in_memory[figure], rel=tolerance)
    again = run_json("evaluate", "blocks.safetensors", digits)
    assert again["samples"] == 4000


def test_neither_cache_nor_window_nor_threads_change_a_bit(run_json, digits, work_folder):
    arguments = ["train", digits, "--iterations", 3, "--stream", "--out"]
    run_json(*arguments, "one.safetensors", "--threads", 1)
    run_json(*arguments, "two.safetensors", "--cache", "decoded", "--window", 1)
    run_json(*arguments, "three.safetensors", "--cache", "decoded", "--window", 9, "--threads", 3)
    assert any((work_folder / "decoded").iterdir())
    first, *others = (weights(f"{name}.safetensors") for name in ("one", "two", "three"))
    assert others == [first, first]


def test_a_large_source_is_streamed_by_itself(run, digits, monkeypatch):
    arguments = ["train", digits, "--iterations", 2, "--out"]
    run(*arguments, "streamed.safetensors", "--stream")
    run(*arguments, "memory.safetensors")
    monkeypatch.setattr(streaming, "free_memory", lambda: 4 * 4000 * 784 - 4)
    run(*arguments, "large.safetensors")
    monkeypatch.setattr(streaming, "free_memory", lambda: 4 * 4000 * 784)
    run(*arguments, "small.safetensors")
    large, small, streamed, memory = (
        weights(f"{name}.safetensors") for name in ("large", "small", "streamed", "memory")
    )
    assert large == streamed
    assert small == memory != streamed


def test_a_large_source_is_evaluated_in_blocks(run, run_json, digits, monkeypatch):
    run("train", digits, "--iterations", 2)
    expected = run_json("evaluate", "model.safetensors", digits)
    monkeypatch.setattr(streaming, "free_memory", lambda: 4 * 4000 * 784 - 4)
    monkeypatch.setattr(data, "load_samples", None)  # which would read all rows
    found = run_json("evaluate", "model.safetensors", digits)
    assert found["confusion"] == expected["confusion"]
    assert found["cost"] == pytest.approx(expected["cost"], rel=1e-6)


def test_a_cluster_trains_with_the_bits_of_one_process(run, run_json, digits, cluster):
    run_json("train", digits, "--iterations", 3, "--stream", "--out", "one.safetensors")
    status, out, error = run(
        "train", digits, "--iterations", 3, "--dask", cluster.scheduler_address, "--out",
        "many.safetensors",
    )  # fmt: skip
    assert status == 0, error
    assert "Computed by 2 threads of Dask workers" in out
    assert weights("many.safetensors") == weights("one.safetensors")


@pytest.mark.parametrize(
    ("address", "said"), [("tcp://127.0.0.1:9", "tcp://127.0.0.1:9"), ("", "an empty address")]
)
def test_an_address_without_a_scheduler_is_one_sentence(run, digits, address, said):
    status, out, error = run("train", digits, "--dask", address)
    assert (status, out) == (1, "")
    assert f"No Dask scheduler answers at {said}" in error
    assert "Traceback" not in error


def test_a_window_is_a_whole_number_above_0(run, digits):
    status, _, error = run("train", digits, "--window", 0)
    assert status == 2
    assert "--window" in error


def test_the_history_of_batches_over_blocks_is_written(run, digits, work_folder):
    run("train", digits, "--stream", "--solver", "adam", "--epochs", 2, "--history", "h.csv")
    assert len((work_folder / "h.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_json_names_engine_and_instruction_set(run_json, digits):
    result = run_json("train", digits, "--stream", "--iterations", 1)
    info = json.loads(json.dumps(run_json("info")))
    assert result["instruction_set"] == info["instruction_set"]

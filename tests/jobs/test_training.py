"""Whole jobs from Python: what the commands call."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from handgrad import Network, data, get_engine, load, save
from handgrad.errors import DataError, WriteError
from handgrad.evaluation import evaluate
from handgrad.jobs.inputs import load_model, samples_for
from handgrad.jobs.streaming import Streaming
from handgrad.jobs.training import (
    TrainingFiles,
    prepare_further_training,
    prepare_training,
)
from handgrad.model import Model
from handgrad.solvers import train


@pytest.fixture
def trained(flowers, tmp_path):
    job = prepare_training(str(flowers), label="species", hidden=5, iterations=30, seed=3)
    report = job.report(job.run())
    files = TrainingFiles(tmp_path / "model.safetensors", tmp_path / "history.csv")
    report.save(files)
    return job, report, files


def test_a_job_is_the_training_of_its_network_on_its_data(trained):
    job, report, _ = trained
    dataset = data.load(job.settings["source"], label="species").with_held_out_test()
    engine = get_engine()
    run = train(job.network, dataset.X_train, dataset.y_train, engine=engine, iterations=30)
    np.testing.assert_array_equal(report.model.W1, run.network.W1)
    np.testing.assert_array_equal(report.history.costs, run.history.costs)
    on_test = evaluate(run.network, dataset.X_test, dataset.y_test, engine=engine)
    assert report.figures["test_accuracy"] == on_test.accuracy
    assert report.figures["iterations"] == 30


def test_a_job_writes_what_it_found(trained):
    _, report, files = trained
    saved = load(files.model)
    np.testing.assert_array_equal(saved.W1, report.model.W1)
    assert saved.training["train_cost"] == report.figures["train_cost"]
    assert saved.training["seed"] == 3
    history = pd.read_csv(files.history)
    np.testing.assert_allclose(history["cost"], report.history.costs, rtol=1e-9)


def test_a_run_that_is_stopped_keeps_a_network_of_the_way(flowers):
    job = prepare_training(str(flowers), label="species", iterations=10**6)
    report = job.report(job.run(lambda progress: len(progress.costs) >= 5))
    assert report.run.stopped
    assert report.figures["iterations"] < report.training.planned == 10**6
    assert np.isclose(report.history.costs, report.on_train.cost, rtol=1e-5).any()
    assert report.on_train.cost < report.history.costs[0]


def test_a_model_that_is_trained_further_keeps_what_it_knows(trained, flowers):
    _, before, files = trained
    table = pd.read_csv(flowers)
    mixed = flowers.with_name("mixed.csv")
    table[table.columns[::-1]].to_csv(mixed, index=False)
    job = prepare_further_training(files.model, str(mixed), iterations=20)
    after = job.report(job.run())
    assert after.model.feature_names == before.model.feature_names == tuple(table.columns[:-1])
    assert after.model.label == "species"
    assert after.history.costs[0] == pytest.approx(before.on_train.cost, rel=1e-5)
    assert after.figures["train_cost"] < before.figures["train_cost"]


def test_samples_of_other_features_are_refused(trained):
    _, _, files = trained
    with pytest.raises(DataError, match=r"digits has 64 features per sample; .* takes 4"):
        samples_for(load_model(files.model), files.model, "digits")


def test_files_that_a_job_reads_are_not_written(flowers, tmp_path):
    with pytest.raises(WriteError, match="would be read and overwritten"):
        TrainingFiles(flowers).check(str(flowers))
    with pytest.raises(WriteError, match="would be written twice"):
        TrainingFiles(tmp_path / "a", tmp_path / "a").check("mnist")


def npz(path, labels):
    np.savez(path, X=np.arange(3.0 * len(labels)).reshape(-1, 3), y=labels)
    return str(path)


@pytest.mark.parametrize("streaming", [Streaming(), Streaming(wanted=True)])
def test_classes_too_small_to_hold_rows_out_leave_no_test_samples(tmp_path, streaming):
    source = npz(tmp_path / "a.npz", np.arange(6))
    job = prepare_training(source, streaming=streaming, iterations=1)
    assert job.dataset.test is None
    report = job.report(job.run())
    assert report.on_test is None
    assert report.on_train.samples == 6
    report.save(TrainingFiles(tmp_path / "m", plots=tmp_path / "plots"))


@pytest.mark.parametrize("streaming", [Streaming(), Streaming(wanted=True)])
def test_a_single_class_is_refused(tmp_path, streaming):
    source = npz(tmp_path / "a.npz", np.zeros(6, int))
    with pytest.raises(DataError, match=r"a\.npz has training samples of a single class, '0'"):
        prepare_training(source, streaming=streaming)


def test_two_classes_of_a_logistic_output_are_trained_further_as_a_softmax(flowers, tmp_path):
    two, path = tmp_path / "two.csv", tmp_path / "two.safetensors"
    pd.read_csv(flowers).head(100).to_csv(two, index=False)  # without virginica
    network = Network.initial(features=4, hidden=3, classes=1, output="logistic")
    save(Model.of(network, class_names=("setosa", "versicolor")), path)
    job = prepare_further_training(path, str(two), label="species", iterations=20)
    assert job.network.output == "softmax"
    expected = network.as_softmax().parameters
    for array, given in zip(job.network.parameters, expected, strict=True):
        np.testing.assert_array_equal(array, given)

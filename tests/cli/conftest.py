"""What the tests of commands share: an empty folder to work in, samples and a model."""

from __future__ import annotations

import csv

import pytest
from sklearn.datasets import load_iris

from handgrad import Network, save
from handgrad.model import Model


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def flowers(work_folder):
    """scikit-learn's irises as a CSV file with the names of the species."""
    bunch = load_iris()
    with (work_folder / "flowers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "species"])
        for x, y in zip(bunch.data, bunch.target, strict=True):
            writer.writerow([*x, bunch.target_names[y]])
    return "flowers.csv"


@pytest.fixture
def model(work_folder):
    """A small trained model of flowers, written by the library."""
    network = Network.initial(features=4, hidden=3, classes=3)
    names = ("setosa", "versicolor", "virginica")
    path = work_folder / "flowers.safetensors"
    save(Model(*network.parameters, class_names=names), path)
    return path

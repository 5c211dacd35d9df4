"""The command `predict`: CSV, JSON and images."""

from __future__ import annotations

import csv

import numpy as np
from PIL import Image
from sklearn.datasets import load_iris

from handgrad import Network, load, notes, save
from handgrad.model import Model


def test_predictions_are_a_csv_of_labels_and_probabilities(run, model, flowers, work_folder):
    expected = notes.forward(load(model), load_iris().data).A2.T
    status, out, _ = run("predict", model, flowers, "--label", "species")
    rows = list(csv.DictReader(out.splitlines()))
    assert status == 0
    assert len(rows) == 150
    assert list(rows[0]) == ["sample", "label", "p_setosa", "p_versicolor", "p_virginica"]
    probabilities = [[float(row[f"p_{name}"]) for name in load(model).class_names] for row in rows]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4)
    for row, p in zip(rows, expected, strict=True):
        assert row["label"] == load(model).class_names[p.argmax()]
    status, printed, _ = run(
        "predict", model, flowers, "--label", "species", "--out", "predictions.csv"
    )
    assert (status, printed) == (0, "")
    assert (work_folder / "predictions.csv").read_text() == out


def test_predictions_need_no_labels_and_take_images(run, run_json, work_folder):
    network = Network.initial(features=4, hidden=3, classes=2)
    path = work_folder / "images.safetensors"
    save(
        Model(*network.parameters, class_names=("a", "b"), image_shape=(2, 2), scaling=1 / 255),
        path,
    )
    pixels = np.array([[0, 50], [100, 250]], np.uint8)
    Image.fromarray(pixels).save("one.png")
    expected = notes.forward(network, pixels.reshape(1, 4)).A2[:, 0]
    (row,) = run_json("predict", path, "one.png")
    assert row["sample"] == "one.png"
    np.testing.assert_allclose(row["probabilities"], expected, rtol=1e-5)
    status, out, _ = run("trace", path, "one.png")
    assert status == 0
    assert "dZ2" not in out

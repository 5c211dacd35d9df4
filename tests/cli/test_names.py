"""How commands find features, labels and the meaning of bytes: as the model remembers them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from handgrad import MLPClassifier, data, load, notes, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SPECIES = ("setosa", "versicolor", "virginica")


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def flowers():
    """scikit-learn's irises as a table."""
    bunch = load_iris(as_frame=True)
    return bunch.data.assign(species=np.array(SPECIES)[bunch.target])


@pytest.fixture
def model(flowers, run_json):
    flowers.to_csv("flowers.csv", index=False)
    run_json("train", "flowers.csv", "--label", "species", "--iterations", 300)
    return "model.safetensors"


def predicted(run, model, source):
    status, out, err = run("predict", model, source)
    assert status == 0, err
    return [row["label"] for row in csv.DictReader(out.splitlines())]


def expected(model, flowers):
    network = load(model)
    labels = notes.predict(network, flowers.drop(columns="species").to_numpy())
    return [network.class_names[k] for k in labels]


def test_a_model_remembers_its_features_and_its_label_column(model, flowers):
    assert load(model).feature_names == tuple(flowers.columns[:-1])
    assert load(model).label == "species"


def test_a_file_with_its_label_column_is_predicted_without_naming_it(run, model, flowers):
    assert predicted(run, model, "flowers.csv") == expected(model, flowers)


def test_columns_are_found_by_their_names_wherever_they_stand(run, model, flowers):
    mixed = flowers[flowers.columns[::-1]].assign(id=[f"no. {i}" for i in range(len(flowers))])
    mixed.to_csv("mixed.csv", index=False)
    mixed.drop(columns="species").to_csv("unlabelled.csv", index=False)
    for source in ("mixed.csv", "unlabelled.csv"):
        assert predicted(run, model, source) == expected(model, flowers)


def test_evaluate_and_trace_take_the_labels_of_the_column_that_training_took(run_json, model):
    trained = run_json("evaluate", model, "flowers.csv")
    named = run_json("evaluate", model, "flowers.csv", "--label", "species")
    assert trained == named
    assert trained["accuracy"] > 0.9
    assert run_json("trace", model, "flowers.csv", "--sample", 3)


def test_a_missing_column_is_named(run, model, flowers):
    flowers.drop(columns="petal width (cm)").to_csv("narrow.csv", index=False)
    status, _, err = run("predict", model, "narrow.csv")
    assert status == 1
    assert "'petal width (cm)'" in err
    assert err.count("\n") == 1


def test_test_data_is_matched_by_name_too(run_json, flowers):
    flowers.to_csv("flowers.csv", index=False)
    flowers[flowers.columns[::-1]].to_csv("mixed.csv", index=False)
    straight, mixed = (
        run_json("train", "flowers.csv", "--label", "species", "--test", test)["test_accuracy"]
        for test in ("flowers.csv", "mixed.csv")
    )
    assert straight == mixed


def test_shuffled_columns_of_pixels_are_put_in_order(run, run_json):
    digits = data.load("mnist-5k")
    X, y = digits.X_train[::8], digits.y_train[::8]
    table = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(784)]).assign(label=y)
    table.to_csv("digits.csv", index=False)
    table[table.columns[::-1]].to_csv("mixed.csv", index=False)
    run_json("train", "digits.csv", "--iterations", 50)
    straight, mixed = (
        predicted(run, "model.safetensors", source) for source in ("digits.csv", "mixed.csv")
    )
    assert straight == mixed
    assert np.mean(np.array(straight, int) == y) > 0.5


def test_a_classifier_of_a_data_frame_finds_its_columns(run, run_json, flowers):
    X, y = flowers.drop(columns="species"), flowers["species"]
    classifier = MLPClassifier((5,), solver="lbfgs", max_iter=40, random_state=0).fit(X, y)
    save(classifier, "classifier.safetensors")
    flowers[flowers.columns[::-1]].to_csv("mixed.csv", index=False)
    assert predicted(run, "classifier.safetensors", "mixed.csv") == classifier.predict(X).tolist()
    found = run_json("evaluate", "classifier.safetensors", "mixed.csv", "--label", "species")
    assert found["accuracy"] == pytest.approx(classifier.score(X, y))


@pytest.mark.parametrize("pixels", [False, True])
def test_commands_take_bytes_as_the_classifier_does(run, run_json, pixels):
    digits = data.load("mnist-5k")
    X, y = digits.X_train[::8] // (1 if pixels else 2), digits.y_train[::8]
    classifier = MLPClassifier((5,), max_iter=5, random_state=0, pixels=pixels).fit(X, y)
    save(classifier, "classifier.safetensors")
    found = run_json("evaluate", "classifier.safetensors", "mnist-5k")
    score = classifier.score(digits.X_test, digits.y_test)
    assert found["accuracy"] == pytest.approx(score)
    _, _, err = run("evaluate", "classifier.safetensors", "mnist-5k")
    assert ("pixels=True" in err) == (not pixels)


def test_the_page_and_the_trace_show_what_the_classifier_computes(run_json):
    digits = data.load("mnist-5k")
    X, y = digits.X_train[::8] // 2, digits.y_train[::8]
    classifier = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    save(classifier, "classifier.safetensors")
    steps = run_json("trace", "classifier.safetensors", "mnist-5k", "--sample", 3)
    A2 = next(step for step in steps if step["name"] == "A2")["value"]
    expected = classifier.predict_proba(digits.X_test[3:4])[0]
    np.testing.assert_allclose(np.ravel(A2), expected, rtol=1e-6)
    run_json("export", "classifier.safetensors", "mnist-5k")
    assert Path("classifier.html").stat().st_size > 0

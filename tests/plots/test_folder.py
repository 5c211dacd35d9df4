"""The figures of a run as files, written from Python and by the command line."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from handgrad import Network, data, get_engine, plots
from handgrad.__main__ import main
from handgrad.errors import WriteError
from handgrad.model import Model
from handgrad.plots.folder import FILES as FILES_OF
from handgrad.plots.folder import picture_files, prepare_folder
from handgrad.solvers import History

FILES = FILES_OF["classes"]


def test_all_plots_of_a_run_are_png_files(tmp_path, pictures, history):
    model, X, y = pictures
    files = plots.save_plots(tmp_path / "new", history=history, model=model, X=X, y=y)
    assert [file.name for file in files] == list(FILES)
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            picture.verify()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)


@pytest.mark.parametrize(("output", "predicts"), [("identity", "values"), ("logistic", "labels")])
def test_other_targets_than_classes_have_their_own_plots(tmp_path, output, predicts):
    network = Network.initial(features=3, hidden=(5, 4), classes=2, output=output)
    model, X = Model.of(network, class_names=("a", "b")), np.ones((9, 3))
    y = np.arange(18).reshape(9, 2) % 2
    history = History(np.ones(4), np.full(4, np.nan), np.arange(4.0))
    plots.save_plots(tmp_path, history=history, model=model, X=X, y=y)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES_OF[predicts])
    assert picture_files(tmp_path, predicts) == [tmp_path / name for name in FILES_OF[predicts]]


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for folder, reason in (("no/where", "does not exist"), ("file", "it is a file")):
        with pytest.raises(WriteError, match=reason):
            prepare_folder(tmp_path / folder)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


def test_train_writes_plots_of_its_run(run, tmp_path):
    status, out, _ = run("train", "digits", "--iterations", 20, "--plots", "here", "--json")
    assert status == 0
    assert json.loads(out)["plots"] == "here"
    assert {path.name for path in (tmp_path / "here").iterdir()} == set(FILES)


def test_a_bad_folder_is_refused_before_the_run(run, tmp_path):
    status, out, err = run("train", "digits", "--plots", "no/where")
    assert (status, out) == (1, "")
    assert (
        err == "handgrad: no/where cannot be made: the folder no does not exist; make it first.\n"
    )
    assert not (tmp_path / "model.safetensors").exists()


def test_without_matplotlib_a_sentence_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    status, _, err = run("train", "digits", "--plots", "here")
    assert status == 1
    assert "pip install 'handgrad[plots]'" in err


def test_plots_show_a_real_network(tmp_path):
    dataset = data.load("digits")
    network = Network.initial(features=64, hidden=10, classes=10, seed=0)
    engine = get_engine()
    network, costs = engine.descend(
        network, dataset.X_train, dataset.y_train, learning_rate=0.5, iterations=200
    )
    model = Model(
        *network.parameters, class_names=dataset.class_names, image_shape=dataset.image_shape
    )
    history = History(costs, np.linspace(0, 1, 200), np.arange(200.0))
    files = plots.save_plots(
        tmp_path, history=history, model=model, X=dataset.X_test, y=dataset.y_test
    )
    assert all(file.stat().st_size > 10_000 for file in files)


STRANGE = [
    ("$x^2$", "$\\frac{", "$"),
    ("caf\udce9", "\ud800", "\x1b[31mred"),
    ("\u65e5\u672c", "\U0001f431", "\0"),
    ("x" * 3000, "y" * 3000, ""),
    ("_x", "{}", "%"),
]


@pytest.mark.parametrize("names", STRANGE)
@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_classes_of_any_name_are_drawn(tmp_path, history, pictures, names, image_shape):
    model, X, y = pictures
    model = Model(*model.parameters, class_names=names, image_shape=image_shape)
    for file in plots.save_plots(tmp_path, history=history, model=model, X=X, y=y):
        with Image.open(file) as picture:
            picture.load()


def test_the_files_are_known_before_they_are_written(tmp_path, history, pictures):
    model, X, y = pictures
    written = plots.save_plots(tmp_path / "plots", history=history, model=model, X=X, y=y)
    assert written == picture_files(tmp_path / "plots")

"""Figures hold the numbers they are to show; what they show is asked of their artists."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from handgrad import Network, data, get_engine, notes, plots
from handgrad.__main__ import main
from handgrad.errors import DataError, WriteError
from handgrad.jobs.evaluation import Evaluation
from handgrad.model import Model
from handgrad.plots.plots import picture_files
from handgrad.solvers import History


@pytest.fixture
def history():
    random = np.random.default_rng(1)
    return History(random.random(50) + 1, random.random(50), np.arange(50.0))


@pytest.fixture
def pictures():
    random = np.random.default_rng(2)
    W1, W2 = random.normal(size=(6, 12)), random.normal(size=(3, 6))
    network = Network(W1, np.zeros((6, 1)), W2, np.zeros((3, 1)))
    model = Model(*network.parameters, class_names=("ant", "bee", "cow"), image_shape=(3, 4))
    return model, random.random((40, 12)), random.integers(3, size=40)


def without_legend(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def shown_text(figure):
    figure.draw_without_rendering()
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_curves_are_the_history(history):
    left, right = plots.learning_curves(history).axes
    for axes, values in ((left, history.costs), (right, history.accuracies)):
        steps, drawn = axes.lines[0].get_data()
        np.testing.assert_array_equal(steps, np.arange(50))
        np.testing.assert_array_equal(drawn, values)
        low, high = axes.get_ylim()
        assert low == 0
        assert high >= min(1.0, values.max())
        assert axes.get_xlabel() == "step"
    assert (left.get_ylabel(), right.get_ylabel()) == ("cost", "accuracy")
    assert f"{history.costs[-1]:.4g}" in left.get_title(loc="left")


def test_a_long_curve_is_drawn_with_its_first_and_its_last_step():
    costs = np.linspace(3, 1, 100_000)
    history = History(costs, 1 - costs / 3, np.zeros(100_000))
    steps, drawn = plots.learning_curves(history).axes[0].lines[0].get_data()
    assert len(steps) <= plots.MOST_POINTS
    assert (steps[0], steps[-1]) == (0, 99_999)
    np.testing.assert_array_equal(drawn, costs[steps])


@pytest.mark.parametrize("steps", [1, 2])
def test_a_curve_of_a_step_or_two_is_drawn(steps):
    history = History(np.full(steps, 2.0), np.zeros(steps), np.zeros(steps))
    assert len(plots.learning_curves(history).axes[0].lines[0].get_xdata()) == steps


def test_weights_are_pictures_on_one_scale_around_0(pictures):
    model, _, _ = pictures
    figure = plots.weight_pictures(model)
    shown = without_legend(figure)
    largest = np.abs(model.W1).max()
    assert len(shown) == 6
    for h, axes in enumerate(shown):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), model.W1[h].reshape(3, 4))
        assert image.get_clim() == pytest.approx((-largest, largest))
        assert axes.get_title() == f"unit {h}"
    assert len(figure.axes) == 7  # and the legend


def test_weights_above_0_are_orange_and_weights_below_are_blue(pictures):
    image = without_legend(plots.weight_pictures(pictures[0]))[0].images[0]
    red, _, blue, _ = image.to_rgba(np.array([[1.0, 0.0, -1.0]]))[0].T
    assert red[0] > blue[0]
    assert red[2] < blue[2]
    assert abs(red[1] - blue[1]) < 0.05


def test_weights_without_an_image_shape_are_bars(pictures):
    model, _, _ = pictures
    plain = Network(*model.parameters)
    names = [f"name {j}" for j in range(12)]
    figure = plots.weight_pictures(plain, feature_names=names)
    assert len(figure.axes) == 6
    for h, axes in enumerate(figure.axes):
        np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], model.W1[h])
        positive = [bar for bar in axes.patches if bar.get_width() > 0]
        assert all(bar.get_facecolor()[0] > bar.get_facecolor()[2] for bar in positive)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == names
    assert len({axes.get_xlim() for axes in figure.axes}) == 1


def test_an_untrained_network_of_zeros_and_a_large_one_are_drawn():
    zeros = Network(*(np.zeros(shape) for shape in ((2, 4), (2, 1), (3, 2), (3, 1))))
    assert plots.weight_pictures(zeros, image_shape=(2, 2))._repr_png_()
    large = Network.initial(features=100, hidden=200, classes=2)
    assert len(without_legend(plots.weight_pictures(large, image_shape=(10, 10)))) == 64
    assert len(plots.weight_pictures(large).axes) == 64


@pytest.mark.parametrize("settings", [{"image_shape": (5, 5)}, {"feature_names": ["one"]}])
def test_shapes_and_names_that_do_not_fit_are_refused(pictures, settings):
    with pytest.raises(DataError, match="expected"):
        plots.weight_pictures(Network(*pictures[0].parameters), **settings)


def test_the_confusion_matrix_shows_shares_and_writes_counts():
    counts = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    figure = plots.confusion_matrix(Evaluation(0.4, counts), ["ant", "bee", "cow"])
    (image,) = figure.axes[0].images
    np.testing.assert_allclose(image.get_array(), [[0.8, 0.2, 0], [0.1, 0.9, 0], [0, 0, 0]])
    assert shown_text(figure) == ["8", "2", "1", "9"]
    assert {text.get_position() for text in figure.axes[0].texts} == {
        (0, 0), (1, 0), (0, 1), (1, 1)
    }  # fmt: skip
    assert figure.axes[0].get_ylabel() == "true class"
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["ant", "bee", "cow"]


def test_a_confusion_matrix_of_many_classes_is_drawn_without_numbers():
    counts = np.eye(60, dtype=np.int64)
    figure = plots.confusion_matrix(Evaluation(0.4, counts), [f"class {k}" for k in range(60)])
    assert shown_text(figure) == []


def test_mistakes_are_those_of_the_highest_loss_first(pictures):
    model, X, y = pictures
    losses = notes.losses(notes.forward(model, X).Z2, y)
    predicted = notes.predict(model, X)
    wrong = [i for i in np.argsort(-losses) if predicted[i] != y[i]]
    assert len(wrong) > 8
    figure = plots.mistakes(model, X, y, most=8)
    assert len(figure.axes) == 8
    for axes, i in zip(figure.axes, wrong[:8], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), X[i].reshape(3, 4))
        true, taken = model.class_names[y[i]], model.class_names[predicted[i]]
        assert axes.get_title() == f"{true}, taken for {taken}"
        probabilities = notes.forward(model, X[i : i + 1]).A2[:, 0]
        share_true, share_taken = probabilities[y[i]], probabilities[predicted[i]]
        expected = f"true {share_true:.1%}, taken {share_taken:.1%}\nsample {i}"
        assert axes.get_xlabel() == expected
    assert f"{len(wrong)} of 40 samples" in figure.get_suptitle()


def test_mistakes_without_an_image_shape_are_bars_of_probabilities(pictures):
    model, X, y = pictures
    plain = Network(*model.parameters)
    figure = plots.mistakes(plain, X, y, most=5)
    taken, true = figure.axes[0].containers
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    for name, taken_bar, true_bar in zip(names, taken, true, strict=True):
        i = int(name.split()[1].rstrip(":"))
        probabilities = notes.forward(plain, X[i : i + 1]).A2[:, 0]
        assert taken_bar.get_width() == pytest.approx(probabilities.max())
        assert true_bar.get_width() == pytest.approx(probabilities[y[i]])
    assert taken[0].get_facecolor() == to_rgba(plots.BAD)


def test_a_network_without_mistakes_gets_a_figure_that_says_so(pictures):
    model, X, _ = pictures
    figure = plots.mistakes(model, X, notes.predict(model, X))
    assert "No sample of 40 is predicted wrong" in figure.get_suptitle()


def test_a_notebook_shows_the_figure(history):
    picture = Image.open(io.BytesIO(plots.learning_curves(history)._repr_png_()))
    assert (picture.format, min(picture.size) > 300) == ("PNG", True)


def test_no_state_of_pyplot_is_touched():
    script = (
        "import sys; import numpy as np; from handgrad import plots;"
        "from handgrad.solvers import History;"
        "assert 'matplotlib' not in sys.modules;"
        "plots.learning_curves(History(np.ones(2), np.ones(2), np.ones(2)))._repr_png_();"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_all_plots_of_a_run_are_png_files(tmp_path, pictures, history):
    model, X, y = pictures
    files = plots.save_plots(tmp_path / "new", history=history, model=model, X=X, y=y)
    assert [file.name for file in files] == list(plots.FILES)
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            picture.verify()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(plots.FILES)


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for folder, reason in (("no/where", "is not there"), ("file", "it is a file")):
        with pytest.raises(WriteError, match=reason):
            plots.prepare_folder(tmp_path / folder)


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
    assert {path.name for path in (tmp_path / "here").iterdir()} == set(plots.FILES)


def test_a_bad_folder_is_refused_before_the_run(run, tmp_path):
    status, out, err = run("train", "digits", "--plots", "no/where")
    assert (status, out) == (1, "")
    assert err == "handgrad: no/where cannot be made: the folder no is not there.\n"
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


def test_a_dollar_in_a_name_is_no_formula():
    figure = plots.confusion_matrix(Evaluation(0.5, np.eye(2, dtype=int)), ["$x^2$", "5$"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["$x^2$", "5$"]
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert not label.get_parse_math()
    figure = plots.weight_pictures(
        Network.initial(features=2, hidden=1, classes=2), feature_names=["$\\frac{", "\x1b"]
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["$\\frac{", "\\x1b"]
    plots.as_png(figure)


@pytest.mark.parametrize(("dtype", "size"), [("f4", 3e38), ("f8", 1.7e308), ("f8", 5e-324)])
@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_weights_at_the_ends_of_their_type_are_drawn(dtype, size, image_shape):
    W1 = np.full((2, 12), size, dtype) * np.array([[1], [-1]], dtype)
    network = Network(W1, np.zeros((2, 1), dtype), np.zeros((2, 2), dtype), np.zeros((2, 1), dtype))
    plots.as_png(plots.weight_pictures(network, image_shape=image_shape))


def test_the_files_are_known_before_they_are_written(tmp_path, history, pictures):
    model, X, y = pictures
    written = plots.save_plots(tmp_path / "plots", history=history, model=model, X=X, y=y)
    assert written == picture_files(tmp_path / "plots")

"""What all figures share: they need no pyplot, and names are only names."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
from PIL import Image

from handgrad import Network, plots
from handgrad.evaluation import ClassEvaluation
from handgrad.plots.figures import as_png


def test_a_notebook_shows_the_figure(history):
    figure: Any = plots.learning_curves(history)
    picture = Image.open(io.BytesIO(figure._repr_png_()))
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


def test_a_dollar_sign_in_a_name_starts_no_formula():
    figure = plots.confusion_matrix(ClassEvaluation(0.5, np.eye(2, dtype=int)), ["$x^2$", "5$"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["$x^2$", "5$"]
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert not label.get_parse_math()
    figure = plots.weight_pictures(
        Network.initial(features=2, hidden=1, classes=2), feature_names=["$\\frac{", "\x1b"]
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["$\\frac{", "\\x1b"]
    as_png(figure)

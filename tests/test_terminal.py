from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from handgrad import Network, engines, terminal
from handgrad.checks import Comparison, FormulaCheck
from handgrad.evaluation import Evaluation


def printed(renderable) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()


def test_the_bar_shows_cost_and_accuracy_as_they_change(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.training_progress(4) as show:
        show(engines.Progress(Network.initial(), np.array([2.0, 1.25]), np.array([0.5, 0.75])))
    shown = console.file.getvalue()
    assert "2/4" in shown
    assert "cost 1.2500" in shown
    assert "accuracy 75.00%" in shown


def test_nothing_passes_by_where_there_is_no_terminal(monkeypatch):
    console = Console(file=io.StringIO())
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.waiting("reading"), terminal.training_progress(4) as show:
        show(engines.Progress(Network.initial(), np.array([2.0]), np.array([0.5])))
    assert console.file.getvalue() == ""


def test_the_tables_hold_the_figures_by_class():
    evaluation = Evaluation(0.5, np.array([[3, 1], [0, 4]]))
    by_class = printed(terminal.class_table(evaluation, ("[red]cat", "dog")))
    assert "[red]cat" in by_class
    assert "75.0%" in by_class  # recall of the first class
    assert "80.0%" in by_class  # precision of the second
    assert "4" in printed(terminal.confusion_table(evaluation, ("cat", "dog")))


def test_a_confusion_matrix_too_wide_to_read_is_left_to_json():
    many = Evaluation(0.5, np.eye(40, dtype=int))
    assert "--json" in printed(terminal.confusion_table(many, [str(k) for k in range(40)]))


def test_a_failed_check_names_the_method_that_found_it():
    check = FormulaCheck("B2", (Comparison("B2", "complex step", 0.5, 1e-10),))
    shown = printed(terminal.check_table([check]))
    assert "complex step" in shown
    assert "FAIL" in shown


def test_a_picture_is_darkest_where_the_value_is_lowest():
    assert terminal.picture(np.array([0, 1, 0.5, 0]), (2, 2)) == "  ██\n▒▒"


def test_rows_of_classes_are_named_where_names_are_not_numbers():
    assert "0 cat, 1 dog" in terminal.class_note(("cat", "dog"))
    assert "row k" in terminal.class_note(("0", "1")).lower()

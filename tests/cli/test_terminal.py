from __future__ import annotations

import io
from threading import Event

import numpy as np
from rich.console import Console

from handgrad import Network, engines
from handgrad.cli import evaluations, terminal
from handgrad.derivation.checks import Comparison, FormulaCheck
from handgrad.evaluation import ClassEvaluation
from handgrad.glassbox.table import rows_note
from handgrad.model import Model


def text_on(console: Console) -> str:
    """Return what was printed on a console that writes to a string."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def printed(renderable) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(renderable)
    return text_on(console)


def test_the_bar_shows_cost_and_accuracy_as_they_change(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.training_progress(4, Event()) as show:
        show(engines.Progress(Network.initial(), np.array([2.0, 1.25]), np.array([0.5, 0.75])))
    shown = text_on(console)
    assert "2/4" in shown
    assert "cost 1.2500" in shown
    assert "accuracy 75.00%" in shown


def test_the_bar_shows_no_accuracy_of_values(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.training_progress(4, Event()) as show:
        show(engines.Progress(Network.initial(), np.array([1.25]), np.array([np.nan])))
    assert "cost 1.2500" in text_on(console)
    assert "accuracy" not in text_on(console)


def test_nothing_passes_by_where_there_is_no_terminal(monkeypatch):
    console = Console(file=io.StringIO())
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.waiting("reading"), terminal.training_progress(4, Event()) as show:
        show(engines.Progress(Network.initial(), np.array([2.0]), np.array([0.5])))
    assert text_on(console) == ""


def cells(table) -> list[list[str]]:
    """Return what stands in a table, column by column."""
    return [[str(cell) for cell in column.cells] for column in table.columns]


def test_the_tables_hold_the_figures_by_class():
    evaluation = ClassEvaluation(0.5, np.array([[3, 1], [0, 4]]))
    assert cells(evaluations.share_table(evaluation, ("[red]cat", "dog"), "class")) == [
        ["[red]cat", "dog"],
        ["100.0%", "80.0%"],  # precision: 3 of 3, 4 of 5
        ["75.0%", "100.0%"],  # recall: 3 of 4, 4 of 4
        ["85.7%", "88.9%"],  # F1: 2 · 3/7, 2 · 4/9
        ["4", "4"],
    ]
    found = cells(evaluations.confusion_table(evaluation, ("cat", "dog")))
    assert found == [["cat", "dog"], ["3", "·"], ["1", "4"]]


NAMES = ("[red]x[/]", "[/]", "\x1b[31mred\x07", "caf\udce9", "a\nb", "\u202eevil")


def test_names_are_shown_literally_and_without_control_characters(monkeypatch):
    console = Console(file=io.StringIO(), width=140, force_terminal=True, color_system=None)
    monkeypatch.setattr(terminal, "results", lambda: console)
    evaluation = ClassEvaluation(0.5, np.eye(len(NAMES), dtype=int))
    console.print(evaluations.share_table(evaluation, NAMES, "class"))
    console.print(evaluations.confusion_table(evaluation, NAMES))
    console.print(terminal.fact_table({"name": NAMES[2]}))
    network = Network.initial(features=1, hidden=1, classes=len(NAMES))
    terminal.show_line(rows_note(Model.of(network, class_names=NAMES)))
    shown = text_on(console)
    shown.encode()
    assert shown.count("[red]x[/]") == 4
    for name in (r"\x1b[31mred\x07", r"caf\xe9", r"a\nb", r"\u202eevil"):
        assert name in shown
    for sign in ("\x1b[31m", "\x07", "\u202e"):
        assert sign not in shown


def test_what_is_waited_for_is_shown_without_control_characters(monkeypatch):
    console = Console(file=io.StringIO(), width=140, force_terminal=True, color_system=None)
    monkeypatch.setattr(terminal, "passing", lambda: console)
    with terminal.waiting("reading [/] \x1b[31mred"):
        pass
    assert r"reading [/] \x1b[31mred" in text_on(console)
    assert "\x1b[31mred" not in text_on(console).replace(r"\x1b[31mred", "")


def test_a_line_stays_one_line_on_a_narrow_terminal():
    console = Console(file=io.StringIO(), width=10)
    terminal.show_line("model: " + "x" * 300, console)
    assert text_on(console) == "model: " + "x" * 300 + "\n"


def test_a_confusion_matrix_too_wide_to_read_is_left_to_json():
    many = ClassEvaluation(0.5, np.eye(40, dtype=int))
    assert "--json" in printed(evaluations.confusion_table(many, [str(k) for k in range(40)]))


def test_a_failed_check_names_the_method_that_found_it():
    check = FormulaCheck("B2", (Comparison("B2", "complex step", 0.5, 1e-10),))
    shown = printed(terminal.check_table([check]))
    assert "complex step" in shown
    assert "FAIL" in shown


def test_a_picture_is_darkest_where_the_value_is_lowest():
    assert terminal.picture(np.array([0, 1, 0.5, 0]), (2, 2)) == "  ██\n▒▒"

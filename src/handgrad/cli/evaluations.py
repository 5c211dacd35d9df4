"""Evaluations on the command line: tables, and the most important figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from handgrad.cli.terminal import literal, results
from handgrad.evaluation import ClassEvaluation, ValueEvaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.evaluation import Evaluation, LabelEvaluation

MOST_CLASSES_SHOWN = 30


def print_evaluation(evaluation: Evaluation, names: Sequence[str]) -> None:
    """Print the figures of each class, label or value, and the confusion matrix of classes."""
    show = results().print
    if isinstance(evaluation, ValueEvaluation):
        if len(names) > 1:
            show(value_table(evaluation, names))
        return
    kind = "class" if isinstance(evaluation, ClassEvaluation) else "label"
    show(share_table(evaluation, names, kind))
    if isinstance(evaluation, ClassEvaluation):
        show(confusion_table(evaluation, names))


def headline(evaluation: Evaluation) -> str:
    """Return the most important figures, in words.

    Examples
    --------
    >>> headline(ClassEvaluation(0.5, np.array([[8, 2], [1, 9]])))
    'accuracy 85.00%'
    >>> headline(ValueEvaluation(0.5, 20, np.array([2.25]), np.array([0.875])))
    'R² 0.8750, mean squared error 2.25'
    """
    if isinstance(evaluation, ValueEvaluation):
        return f"R² {score(evaluation.r2)}, mean squared error {evaluation.mean_squared_error:.6g}"
    if isinstance(evaluation, ClassEvaluation):
        return f"accuracy {evaluation.accuracy:.2%}"
    return f"accuracy {evaluation.accuracy:.2%} (all labels right)"


def share_table(
    evaluation: ClassEvaluation | LabelEvaluation, names: Sequence[str], kind: str
) -> Table:
    """Tabulate precision, recall and F1 of each class or label."""
    table = Table(kind, title=f"By {kind}")
    for heading in ("precision", "recall", "F1", "samples"):
        table.add_column(heading, justify="right")
    shares = np.column_stack([evaluation.precision, evaluation.recall, evaluation.f1])
    for name, row, samples in zip(names, shares, evaluation.support, strict=True):
        table.add_row(literal(name), *(f"{share:.1%}" for share in row), f"{samples:,}")
    return table


def value_table(evaluation: ValueEvaluation, names: Sequence[str]) -> Table:
    """Tabulate R² and the mean squared error of each value."""
    table = Table("value", title="By value")
    for heading in ("R²", "mean squared error"):
        table.add_column(heading, justify="right")
    figures = zip(names, evaluation.r2_scores, evaluation.mean_squared_errors, strict=True)
    for name, r2, error in figures:
        table.add_row(literal(name), score(r2), f"{error:.6g}")
    return table


def score(r2: float) -> str:
    """Return R² as a text; one sample has none."""
    return "of one sample: none" if np.isnan(r2) else f"{r2:.4f}"


def confusion_table(evaluation: ClassEvaluation, class_names: Sequence[str]) -> Table | str:
    """Tabulate the confusion matrix: one row per true class, one column per predicted class."""
    if len(class_names) > MOST_CLASSES_SHOWN:
        return f"The confusion matrix has {len(class_names)} rows: --json prints it."
    table = Table("true ╲ predicted", title="Confusion matrix")
    for name in class_names:
        table.add_column(literal(name), justify="right")
    for true, (name, counts) in enumerate(zip(class_names, evaluation.confusion, strict=True)):
        table.add_row(literal(name), *(_count(count, true == j) for j, count in enumerate(counts)))
    return table


def _count(count: int, on_diagonal: bool) -> Text:
    if on_diagonal:
        return Text(str(count), style="bold green")
    return Text(str(count) if count else "·", style="red" if count else "dim")

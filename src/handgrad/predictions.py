"""Predictions as a table."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.network import Matrix


def predictions_csv(
    names: Sequence[str], labels: Sequence[str], probabilities: Matrix, class_names: Sequence[str]
) -> str:
    """Return predictions as CSV, a line a sample.

    Parameters
    ----------
    names : sequence of m str
        What to call each sample.
    labels : sequence of m str
        The class predicted for each.
    probabilities : array of shape (m, K)
    class_names : sequence of K str

    Examples
    --------
    >>> print(predictions_csv(["a.png"], ["dog"], [[0.25, 0.75]], ["cat", "dog"]))
    sample,label,p_cat,p_dog
    a.png,dog,0.25,0.75
    <BLANKLINE>
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sample", "label", *(f"p_{name}" for name in class_names)])
    for name, label, row in zip(names, labels, probabilities, strict=True):
        writer.writerow([name, label, *(f"{p:.6g}" for p in row)])
    return text.getvalue()

"""Predictions as a table."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from handgrad.quoting import escaped, without_surrogates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handgrad.network import Matrix

# Only characters that a terminal obeys are escaped; unusual spaces, for example, are not.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def predictions_csv(
    names: Sequence[str], labels: Sequence[str], probabilities: Matrix, class_names: Sequence[str]
) -> str:
    r"""Return predictions as CSV, one line per sample.

    Control characters in names, and bytes of a file's name that are not UTF-8, are escaped.

    Examples
    --------
    >>> print(predictions_csv(["a.png"], ["dog"], [[0.25, 0.75]], ["cat", "dog"]))
    sample,label,p_cat,p_dog
    a.png,dog,0.25,0.75
    <BLANKLINE>
    >>> predictions_csv(["caf\udce9.png"], ["\x1b[31m"], [[1.0]], ["\x1b[31m"]).splitlines()[1]
    'caf\\xe9.png,\\x1b[31m,1'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_writable, ["sample", "label", *(f"p_{name}" for name in class_names)]))
    for name, label, row in zip(names, labels, probabilities, strict=True):
        writer.writerow([_writable(name), _writable(label), *(f"{p:.6g}" for p in row)])
    return text.getvalue()


def _writable(name: str) -> str:
    return CONTROL.sub(lambda found: escaped(found[0]), without_surrogates(name))

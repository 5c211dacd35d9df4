"""Predictions as a table, and as plain values for JSON."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from handgrad.quoting import escaped, without_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handgrad.model import Model
    from handgrad.network import Matrix

# Only characters that a terminal obeys are escaped; unusual spaces, for example, are not.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def predictions_csv(model: Model, names: Sequence[str], outputs: Matrix) -> str:
    r"""Return predictions as CSV, one line per sample.

    For classes, a line holds the label and the probability of each class; for several labels, 1 or
    0 for each label and its probability; for values, one column per value.

    Control characters in names, and bytes of a file's name that are not UTF-8, are escaped.

    Parameters
    ----------
    model : Model
    names : sequence of str
        One per sample.
    outputs : array of shape (m, columns)
        What an engine computed; see `handgrad.engines.Engine.outputs`.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad import Network
    >>> from handgrad.model import Model
    >>> model = Model.of(Network.initial(classes=2), class_names=("cat", "dog"))
    >>> print(predictions_csv(model, ["a.png"], np.array([[0.25, 0.75]])))
    sample,label,p_cat,p_dog
    a.png,dog,0.25,0.75
    <BLANKLINE>
    >>> network = Network.initial(classes=1, output="identity")
    >>> model = Model.of(network, class_names=("price\x07",))
    >>> predictions_csv(model, ["caf\udce9.png"], np.array([[12.5]])).splitlines()
    ['sample,price\\x07', 'caf\\xe9.png,12.5']
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_writable, ["sample", *_headings(model)]))
    for name, cells in zip(names, _cells(model, outputs), strict=True):
        writer.writerow([_writable(name), *cells])
    return text.getvalue()


def prediction_rows(model: Model, names: Sequence[str], outputs: Matrix) -> list[dict[str, Any]]:
    """Return predictions ready for JSON, one mapping per sample.

    Examples
    --------
    >>> import numpy as np
    >>> from handgrad import Network
    >>> from handgrad.model import Model
    >>> model = Model.of(Network.initial(classes=1, output="identity"), class_names=("price",))
    >>> prediction_rows(model, ["0"], np.array([[12.5]]))
    [{'sample': '0', 'values': [12.5]}]
    """
    pairs = zip(names, outputs.tolist(), strict=True)
    if model.predicts == "values":
        return [{"sample": name, "values": values} for name, values in pairs]
    if model.predicts == "labels":
        return [
            {"sample": name, "labels": _labels_of(model, row), "probabilities": row}
            for name, row in pairs
        ]
    labels = _classes_of(model, outputs)
    return [
        {"sample": name, "label": label, "probabilities": row}
        for (name, row), label in zip(pairs, labels, strict=True)
    ]


def _headings(model: Model) -> list[str]:
    if model.predicts == "values":
        return list(model.class_names)
    first = ["label"] if model.predicts == "classes" else list(model.class_names)
    return first + [f"p_{name}" for name in model.class_names]


def _cells(model: Model, outputs: Matrix) -> Iterator[list[str]]:
    if model.predicts == "values":
        return (list(map(str, values)) for values in outputs)  # each in its shortest form
    if model.predicts == "labels":
        marks = (outputs > 0.5).astype(int)
        return ([*map(str, row), *map(_short, p)] for row, p in zip(marks, outputs, strict=True))
    labels = map(_writable, _classes_of(model, outputs))
    return ([label, *map(_short, p)] for label, p in zip(labels, outputs, strict=True))


def _classes_of(model: Model, outputs: Matrix) -> list[str]:
    return [model.class_names[k] for k in outputs.argmax(axis=1)]  # O4


def _labels_of(model: Model, probabilities: Sequence[float]) -> list[str]:
    pairs = zip(model.class_names, probabilities, strict=True)
    return [name for name, probability in pairs if probability > 0.5]


def _short(probability: float) -> str:
    return f"{probability:.6g}"


def _writable(name: str) -> str:
    return CONTROL.sub(lambda found: escaped(found[0]), without_surrogates(name))

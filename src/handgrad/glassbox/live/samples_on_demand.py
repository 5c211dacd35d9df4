"""Samples of the whole data set, a few at a time, when the live page requests them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import DataError
from handgrad.glassbox.payload import encode_samples
from handgrad.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handgrad.data import BlockDataset, Dataset

MOST_SAMPLES = 500
MOST_BYTES = 4_000_000


def choose_samples(dataset: Dataset | BlockDataset, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer a request of the page for samples.

    In the query, ``part`` is ``train`` or ``test``, and ``label`` picks one class, counted from 0.
    Of the samples picked, the answer contains ``count`` from ``first`` on, or fewer if they are
    large. Each is named by its index in the part; ``total`` counts all that are picked.

    Examples
    --------
    >>> from handgrad import data
    >>> answer = choose_samples(data.load("mnist-5k"), {"part": "test", "label": "3", "count": "2"})
    >>> answer["total"], answer["samples"]["names"], answer["samples"]["y"]
    (100, ['300', '301'], [3, 3])
    """
    part = query.get("part", "test")
    if part not in dataset.shown:
        raise DataError(f"part is {quoted(part)}; expected train or test.")
    X, y = dataset.shown[part]
    first = _whole_number(query, "first", 0, most=len(X))
    count = _whole_number(query, "count", 50, most=MOST_SAMPLES)
    places = np.arange(len(y))
    if "label" in query:
        label = _whole_number(query, "label", 0, most=len(dataset.class_names) - 1)
        places = np.flatnonzero(y == label)
    fitting = max(1, MOST_BYTES // (X.shape[1] * X.dtype.itemsize))
    chosen = places[first : first + min(count, fitting)]
    return {
        "total": len(places),
        "first": first,
        "features": X.shape[1],
        "samples": encode_samples(X[chosen], y[chosen], [str(place) for place in chosen]),
    }


def _whole_number(query: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise DataError(f"{name} is {quoted(text)}; expected a whole number from 0 to {most}.")
    return int(text)

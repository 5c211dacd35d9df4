"""What the page reads: a network, samples to look at, and what to show first, as JSON."""

from __future__ import annotations

import base64
import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ShapeError
from handgrad.model import Model
from handgrad.plain_json import plain
from handgrad.rows import Bytes, is_sparse, scaled_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from handgrad.estimator import MLPClassifier
    from handgrad.network import Network

VERSION = 1
MOST_HIDDEN = 64
MOST_CLASSES = 26
MOST_SAMPLES = 500
MOST_BYTES = 1 << 24  # of samples: a browser opens a file of more than about 20 MB slowly
LEARNING_RATE = 0.1
DERIVATION = ""  # the address of docs/derivation.md, when it is published


def build_payload(
    model: Network | MLPClassifier,
    X: npt.ArrayLike | None = None,
    y: npt.ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    feature_names: Sequence[str] | None = None,
    most: int = MOST_SAMPLES,
    learning_rate: float | None = None,
    show: Mapping[str, Any] | None = None,
    live: bool = False,
) -> dict[str, Any]:
    """Collect what the page reads, ready for JSON.

    Parameters
    ----------
    model : Network, Model or MLPClassifier
        One hidden layer of at most 64 ReLU units, and at most 26 classes.
    X : array of shape (m, D), optional
        Samples as rows, dense or as a SciPy sparse matrix. Without samples the page still
        accepts drawings.
    y : array of shape (m,), optional
        Integer labels.
    names : sequence of str, optional
        Names of the samples; by default their numbers, counted from 0.
    image_shape : (int, int), optional
        Rows and columns of a sample, for a model that does not know them.
    feature_names : sequence of str, optional
        D names; the page does not show them if the samples are pictures.
    most : int
        If there are more samples, `pick_samples` picks this many.
    learning_rate : float, optional
        η at the start; by default the one that trained the model, or 0.1.
    show : mapping, optional
        ``{"samples": [numbers of embedded samples], "step": 0 to 11}``.
    live : bool
        Whether a server answers the requests of the page.

    Examples
    --------
    >>> from handgrad import Network
    >>> network = Network.initial(features=4, hidden=3, classes=2)
    >>> payload = build_payload(network, np.eye(4), [0, 1, 0, 1])
    >>> payload["model"]["hidden"], payload["samples"]["y"]
    (3, [0, 1, 0, 1])
    """
    if feature_names is None:
        feature_names = getattr(model, "feature_names_in_", None)
    network = Model.of(model).as_softmax()
    encoded = encode_network(network)
    shape = network.image_shape or image_shape
    if shape is not None and math.prod(shape) != network.D:
        shape = None
    return {
        "version": VERSION,
        "model": encoded
        | {
            "class_names": list(network.class_names),
            "image_shape": shape and list(map(int, shape)),
            "feature_names": _feature_names(network, feature_names, shape),
            "scaling": float(network.scaling),
        },
        "samples": _samples(network, X, y, names, most),
        "training": plain(network.training),
        "learning_rate": _learning_rate(network, learning_rate),
        "show": None if show is None else dict(show),
        "live": live,
        "derivation": DERIVATION,
    }


def encode_network(network: Network) -> dict[str, Any]:
    """Return sizes and parameters in the form that the page reads, ready for JSON.

    A ShapeError says if the page does not show such a network; see `check_shown`.
    """
    check_shown(network)
    network = network.as_softmax()
    parameters = zip(("W1", "b1", "W2", "b2"), network.parameters, strict=True)
    sizes = {"features": network.D, "hidden": network.H, "classes": network.K}
    return sizes | {"dtype": network.dtype.name} | {name: encode(M) for name, M in parameters}


def encode_samples(
    X: npt.NDArray[Any], y: npt.NDArray[np.integer[Any]] | None, names: Sequence[str]
) -> dict[str, Any]:
    """Return samples as the page reads them, ready for JSON.

    Examples
    --------
    >>> encode_samples(np.array([[0, 255]], dtype=np.uint8), None, ["seven.png"])
    {'count': 1, 'dtype': 'uint8', 'X': 'AP8=', 'y': None, 'names': ['seven.png']}
    """
    if X.dtype not in (np.dtype(np.uint8), np.dtype(np.float32)):
        X = X.astype(np.float64)
    return {
        "count": len(X),
        "dtype": X.dtype.name,
        "X": encode(X),
        "y": None if y is None else np.asarray(y).tolist(),
        "names": list(map(str, names)),
    }


def encode(values: npt.NDArray[Any]) -> str:
    """Return the numbers row by row, little-endian, as base64."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def pick_samples(m: int, y: npt.ArrayLike | None, most: int) -> npt.NDArray[np.intp]:
    """Pick the first samples of each class, as evenly as possible, always the same.

    Without labels, pick samples at equal distances.

    Examples
    --------
    >>> pick_samples(6, [0, 0, 0, 0, 1, 1], most=4).tolist()
    [0, 1, 4, 5]
    >>> pick_samples(5, None, most=3).tolist()
    [0, 2, 4]
    """
    if m <= most:
        return np.arange(m)
    if y is None:
        return np.linspace(0, m - 1, most).astype(np.intp)
    labels = np.asarray(y)
    rank = np.empty(m, dtype=np.intp)  # how many samples of its class come before it
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    first = np.lexsort((np.arange(m), labels, rank))[:most]
    return np.sort(first)


def check_shown(network: Network) -> None:
    """Raise a ShapeError unless the page shows such a network.

    The page shows every matrix of one hidden layer of ReLU units with a softmax. Two classes of a
    single logistic output are shown as the softmax of the same probabilities.

    Examples
    --------
    >>> from handgrad import Network
    >>> check_shown(Network.initial(features=4, hidden=3, classes=1, output="logistic"))
    """
    network = network.as_softmax()
    check_layers(network.hidden, network.activation, network.output)
    _check_most("classes", network.K, MOST_CLASSES)


def check_layers(hidden: Sequence[int], activation: str, output: str = "softmax") -> None:
    """Raise a ShapeError unless the page shows networks of these layers, before one is made.

    Examples
    --------
    >>> check_layers((10,), "relu")
    >>> check_layers((100, 50), "tanh")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    handgrad.errors.ShapeError: The page shows networks with one hidden layer of ReLU units ...
    """
    if len(hidden) != 1 or activation != "relu" or output != "softmax":
        layers = {0: "no hidden layer", 1: "one hidden layer"}
        found = layers.get(len(hidden), f"{len(hidden)} hidden layers")
        units = f" of {activation.replace(',', ' and ')} units" if hidden else ""
        article = "an" if output.startswith(("i", "e")) else "a"
        raise ShapeError(
            "The page shows networks with one hidden layer of ReLU units and a softmax output, and "
            f"this one has {found}{units} and {article} {output} output; look at it with handgrad "
            "trace, or in Python with handgrad.glassbox.Trace."
        )
    _check_most("hidden units", hidden[0], MOST_HIDDEN)


def _check_most(what: str, found: int, most: int) -> None:
    if found > most:
        raise ShapeError(
            f"The network has {found} {what}, and the page shows each of them; "
            f"expected at most {most}: train a smaller network to look at."
        )


def _samples(
    network: Model,
    X: npt.ArrayLike | None,
    y: npt.ArrayLike | None,
    names: Sequence[str] | None,
    most: int,
) -> dict[str, Any]:
    if X is None:
        return encode_samples(np.empty((0, network.D), dtype=np.uint8), None, [])
    rows = network.check_rows(X)
    m = rows.shape[0]
    labels = None if y is None or not m else network.labels(y, m)
    of_numbers = isinstance(rows, Bytes)  # bytes are pixels on the page: send these as float32
    bytes_per_sample = network.D * (4 if of_numbers else rows.dtype.itemsize)
    chosen = pick_samples(m, labels, min(most, max(1, MOST_BYTES // bytes_per_sample)))
    kept = scaled_rows(rows[chosen], np.dtype(np.float32)) if of_numbers else rows[chosen]
    return encode_samples(
        np.asarray(kept.toarray() if is_sparse(kept) else kept),
        None if labels is None else labels[chosen],
        [str(i) if names is None else names[i] for i in chosen],
    )


def _feature_names(
    network: Network, names: Sequence[str] | None, image_shape: tuple[int, int] | None
) -> list[str] | None:
    if names is None:
        return None
    if len(names) != network.D:
        raise ShapeError(
            f"feature_names holds {len(names)} names; expected {network.D}, one per feature."
        )
    if image_shape is not None:
        return None  # the page names a pixel by its row and column
    return list(map(str, names))


def _learning_rate(network: Model, learning_rate: float | None) -> float:
    told = network.training.get("learning_rate") if learning_rate is None else learning_rate
    if isinstance(told, int | float) and 0 < told <= sys.float_info.max:
        return float(told)
    return LEARNING_RATE

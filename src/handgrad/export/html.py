"""The glass box as one HTML file with the page, a network and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from handgrad import data
from handgrad.errors import DataError, MissingPackageError
from handgrad.files.atomic import write_atomically
from handgrad.glassbox.document import one_file
from handgrad.glassbox.payload import MOST_SAMPLES, build_payload, check_shown
from handgrad.model import Model

if TYPE_CHECKING:
    import os

    from handgrad.data import Samples
    from handgrad.estimator import MLPClassifier
    from handgrad.network import Network


class ExportedPage(NamedTuple):
    """The size of the written page, and the number of samples in it."""

    bytes: int
    samples: int


def export_html(
    model: Network | MLPClassifier,
    path: str | os.PathLike[str],
    samples: Samples | None = None,
    *,
    most: int = MOST_SAMPLES,
) -> ExportedPage:
    """Write the interactive page with a network and samples to one file.

    The file opens from disk in any browser. It makes no network request, and its
    Content-Security-Policy forbids all requests.

    Parameters
    ----------
    model : Network, Model or MLPClassifier
        It may have one hidden layer of at most 64 ReLU units, and at most 26 classes.
    path : path
        The file to write; it is written whole or not at all.
    samples : Samples, optional
        From `handgrad.data.load_samples`. Without them, the page takes only drawings.
    most : int
        The largest number of samples in the page, spread evenly over their classes.

    Raises
    ------
    ShapeError
        If the page does not show such a network, or the samples do not fit it.
    DataError
        If the samples have a class that the network does not know.
    WriteError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from handgrad import Network, data
    >>> path = Path(tempfile.mkdtemp()) / "digits.html"
    >>> page = export_html(Network.initial(), path, data.load_samples("mnist-5k"))
    >>> page.bytes < 1_000_000, page.samples
    (True, 500)
    """
    known = Model.of(model)
    check_shown(known)
    if samples is None or most == 0:
        payload = build_payload(model)
    else:
        y = None if samples.y is None else data.match_labels(samples, known.class_names)
        payload = build_payload(
            model,
            samples.X,
            y,
            names=samples.names,
            image_shape=samples.image_shape,
            feature_names=samples.feature_names,
            most=most,
        )
    content = one_file(payload).encode()
    write_atomically(path, content)
    return ExportedPage(len(content), payload["samples"]["count"])


def own_samples(model: Model, *, label: str | None = None) -> Samples | None:
    """Return samples of the source that a model was trained on, or of mnist-5k if it has none.

    Without such samples, or if the model does not predict classes, return None.

    Examples
    --------
    >>> from handgrad import Network
    >>> from handgrad.model import Model
    >>> own_samples(Model.of(Network.initial())).source
    'mnist-5k'
    >>> own_samples(Model.of(Network.initial(features=3))) is None
    True
    """
    if model.predicts != "classes":
        return None
    source = model.training.get("source", data.USUAL_SOURCE)
    try:
        samples = data.load_samples(
            str(source),
            label=label or model.label or "label",
            image_shape=model.image_shape,
            features=model.feature_names,
        )
        if samples.y is not None:
            data.match_labels(samples, model.class_names)
    except (DataError, MissingPackageError):
        return None
    return samples if samples.X.shape[1] == model.D else None

"""What a job reads: a model, and samples that fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad import data
from handgrad.errors import DataError
from handgrad.files.storage import load
from handgrad.model import Model
from handgrad.quoting import named

if TYPE_CHECKING:
    from pathlib import Path

    from handgrad.data import Samples

USUAL_LABEL = "label"


def load_model(path: Path) -> Model:
    """Read a model file as a model, whatever was saved.

    Raises
    ------
    ModelFileError
        If the file cannot be read.
    """
    return Model.of(load(path))


def samples_for(model: Model, path: Path, source: str, *, label: str | None = None) -> Samples:
    """Read samples whose features and labels the model finds by the names that it remembers.

    Parameters
    ----------
    model : Model
    path : path
        Where the model was read, for errors.
    source : str
        See `handgrad.data.load_samples`.
    label : str, optional
        The label column of a CSV file, where it is not the model's.

    Raises
    ------
    DataError
        If the samples cannot be read, or do not fit the model.
    """
    samples = data.load_samples(
        source,
        label=label or model.label or USUAL_LABEL,
        image_shape=model.image_shape,
        features=model.feature_names,
    )
    check_features(samples.X, source, model.D, f"{named(path)} takes")
    return samples


def check_features(X: Any, source: str, expected: int, whose: str) -> None:
    """Raise a DataError where rows have another number of features than expected."""
    found = X.shape[1]
    if found != expected:
        raise DataError(f"{named(source)} has {found} features per sample; {whose} {expected}.")

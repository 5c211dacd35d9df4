"""Reads a model, and samples that fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad import data
from handgrad.errors import DataError
from handgrad.files.storage import load
from handgrad.jobs.targets import columns_of
from handgrad.model import Model
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from handgrad.data import Samples


def load_model(path: Path) -> Model:
    """Read a network, a model or a classifier from a file, as a model."""
    return Model.of(load(path))


def samples_for(
    model: Model, path: Path, source: str, *, label: str | Sequence[str] | None = None
) -> Samples:
    """Read samples for the model in ``path``, or raise a DataError if they do not fit it.

    The names that the model stores identify features and targets; ``label`` names other columns of
    targets.
    """
    targets = columns_of(model, label)
    samples = data.load_samples(
        source,
        label=targets.names,
        predicts=targets.predicts,
        image_shape=model.image_shape,
        features=model.feature_names,
    )
    check_features(samples.X.shape[1], source, model.D, f"{named(path)} takes")
    return samples


def check_features(found: int, source: str, expected: int, whose: str) -> None:
    """Raise a DataError unless a source has the expected number of features."""
    if found != expected:
        raise DataError(f"{named(source)} has {found} features per sample; {whose} {expected}.")

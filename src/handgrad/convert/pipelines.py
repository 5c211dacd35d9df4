"""Pipelines of scikit-learn that scale features before their last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.convert.folding import Scaling
from handgrad.errors import ConversionError
from handgrad.quoting import named

if TYPE_CHECKING:
    from collections.abc import Sequence


def scaling_of(steps: Sequence[Any]) -> Scaling | None:
    """Return what the first steps of a fitted pipeline do to the features; None for nothing.

    Examples
    --------
    >>> from sklearn.preprocessing import MaxAbsScaler
    >>> scaling_of(["passthrough", MaxAbsScaler().fit([[1.0, 2.0], [-4.0, 0.0]])])
    Scaling(factor=array([0.25, 0.5 ]), shift=array([0., 0.]))
    """
    whole = None
    for step in steps:
        if step is None or step == "passthrough":
            continue
        scaling = _scaling(step)
        whole = scaling if whole is None else whole.then(scaling)
    return whole


def _scaling(scaler: Any) -> Scaling:
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    name = type(scaler).__name__
    if type(scaler) not in (MaxAbsScaler, MinMaxScaler, StandardScaler):
        raise ConversionError(
            f"The pipeline's step {named(name)} cannot become part of a network; expected "
            "StandardScaler, MinMaxScaler or MaxAbsScaler: convert the last step alone."
        )
    if not hasattr(scaler, "n_features_in_"):
        raise ConversionError(f"The pipeline's {name} is not fitted; call fit first.")
    if getattr(scaler, "clip", False):
        raise ConversionError(
            f"The pipeline's {name} clips features, which a first layer cannot do; expected "
            "clip=False: convert the last step alone."
        )
    ones, zeros = np.ones(scaler.n_features_in_), np.zeros(scaler.n_features_in_)
    if isinstance(scaler, MinMaxScaler):
        return Scaling(ones * scaler.scale_, zeros + scaler.min_)
    factor = ones / (ones if scaler.scale_ is None else scaler.scale_)
    is_centred = isinstance(scaler, StandardScaler) and scaler.with_mean
    return Scaling(factor, -scaler.mean_ * factor if is_centred else zeros)

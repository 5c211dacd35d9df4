"""The state of a fitted estimator: all that a file has to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.estimator.record import FitHistory
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.network import Network

COUNTS = ("n_iter_", "t_")
"""Attributes that are whole numbers of 0 or more."""
FIGURES = ("loss_", "best_loss_", "best_validation_score_", "best_validation_loss_")
"""Attributes that are numbers or None. An estimator whose first run was interrupted before its
first iteration has no ``loss_``."""
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
"""Attributes that are lists of numbers; the last two may be None."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EstimatorState:
    """All that is left of the fits of an estimator, as `MLPClassifier.state` returns it.

    `MLPClassifier.from_state` makes an estimator of it that predicts the same, and continues a warm
    start in the same way. The moments of sgd and adam are not part of it.
    """

    parameters: dict[str, Any]
    """The arguments of the constructor; a callback or a scorer that is a function is None."""
    network: Network
    """As `network()` returns it: for classes with a softmax, also for one or two of them."""
    kind: TargetKind
    """Classes, labels or values: a `ClassTargets`, `LabelTargets` or `ValueTargets`."""
    pixels: bool
    """Whether bytes are pixels."""
    feature_names: tuple[str, ...] | None
    attributes: dict[str, Any]
    """The attributes of `COUNTS`, `FIGURES` and `CURVES` that the estimator has."""
    history: FitHistory
    """The cost, accuracy and seconds of each iteration; the accuracy is NaN for values."""
    waited: int
    """The iterations since patience last saw an improvement."""

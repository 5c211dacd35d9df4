"""MLPClassifier, for scikit-learn."""

from handgrad.estimator.classifier import MLPClassifier
from handgrad.estimator.record import FitHistory

__all__ = ["FitHistory", "MLPClassifier"]

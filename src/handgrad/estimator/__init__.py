"""MLPClassifier, for scikit-learn."""

from handgrad.estimator.classifier import MLPClassifier
from handgrad.estimator.run import History

__all__ = ["History", "MLPClassifier"]

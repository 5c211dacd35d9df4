"""MLPClassifier and MLPRegressor, for scikit-learn."""

from handgrad.estimator.classifier import MLPClassifier
from handgrad.estimator.record import FitHistory
from handgrad.estimator.regressor import MLPRegressor
from handgrad.estimator.state import EstimatorState

__all__ = ["EstimatorState", "FitHistory", "MLPClassifier", "MLPRegressor"]

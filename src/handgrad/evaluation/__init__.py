"""How well a network does on rows whose targets are known: one module per kind of target."""

from handgrad.evaluation.classes import ClassEvaluation
from handgrad.evaluation.comparison import Evaluation, evaluate
from handgrad.evaluation.labels import LabelEvaluation
from handgrad.evaluation.predictions import (
    predicted_classes,
    predicted_outputs,
    predicted_probabilities,
)
from handgrad.evaluation.values import ValueEvaluation

__all__ = [
    "ClassEvaluation",
    "Evaluation",
    "LabelEvaluation",
    "ValueEvaluation",
    "evaluate",
    "predicted_classes",
    "predicted_outputs",
    "predicted_probabilities",
]

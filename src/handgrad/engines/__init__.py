"""Engines, which compute cost and gradient.

Every engine gives the figures of the reference engine, which calls the formulas of
`handgrad.notes`; others may only be faster.
"""

from handgrad.engines.choice import ENGINE_NAMES, available_engines, get_engine
from handgrad.engines.protocol import (
    Batches,
    Engine,
    Measurement,
    Moments,
    Part,
    Predictor,
    Progress,
    Session,
)
from handgrad.engines.rules import Adam, Rule, Sgd
from handgrad.objective import Objective

__all__ = [
    "ENGINE_NAMES",
    "Adam",
    "Batches",
    "Engine",
    "Measurement",
    "Moments",
    "Objective",
    "Part",
    "Predictor",
    "Progress",
    "Rule",
    "Session",
    "Sgd",
    "available_engines",
    "get_engine",
]

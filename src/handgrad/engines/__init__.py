"""Engines: who computes cost and gradient.

Every engine gives the figures of the reference engine, which calls the formulas of
`handgrad.notes`; others may only be faster.
"""

from handgrad.engines.choice import ENGINE_NAMES, get_engine
from handgrad.engines.protocol import Engine, Progress

__all__ = ["ENGINE_NAMES", "Engine", "Progress", "get_engine"]

"""The glass box: every matrix of a pass, to look at."""

from handgrad.glassbox.steps import TraceStep
from handgrad.glassbox.trace import Trace

__all__ = ["Trace", "TraceStep"]

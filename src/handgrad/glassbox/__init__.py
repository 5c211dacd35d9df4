"""The glass box: every matrix of a pass, to be looked at."""

from handgrad.glassbox.trace import Trace, TraceStep

__all__ = ["Trace", "TraceStep"]

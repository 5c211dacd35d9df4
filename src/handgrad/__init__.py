"""A two-layer neural network classifier whose every gradient is derived by hand."""

from handgrad import data, notes
from handgrad.engines import get_engine
from handgrad.network import Network
from handgrad.storage import load, save

__all__ = ["Network", "data", "get_engine", "load", "notes", "save"]
__version__ = "0.1.0"

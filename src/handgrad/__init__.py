"""Neural networks whose every gradient is derived by hand."""

from typing import TYPE_CHECKING, Any

from handgrad import backpropagation, data, notes, solvers
from handgrad.engines import get_engine
from handgrad.files.storage import load, save
from handgrad.layers import Layer
from handgrad.network import Network

if TYPE_CHECKING:
    from handgrad.estimator import MLPClassifier

__all__ = [
    "Layer",
    "MLPClassifier",
    "Network",
    "backpropagation",
    "data",
    "get_engine",
    "load",
    "notes",
    "save",
    "solvers",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the classifier when it is first asked for, and scikit-learn with it."""
    if name != "MLPClassifier":
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    try:
        from handgrad.estimator import MLPClassifier
    except ModuleNotFoundError as error:
        raise ImportError(
            "MLPClassifier needs scikit-learn, which is not installed; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    return MLPClassifier

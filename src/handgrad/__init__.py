"""Neural networks whose every gradient is derived by hand."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handgrad import backpropagation, data, notes, solvers
from handgrad.engines import get_engine
from handgrad.files.storage import load, save
from handgrad.layers import Layer
from handgrad.network import Network

if TYPE_CHECKING:
    from handgrad import convert
    from handgrad.estimator import MLPClassifier, MLPRegressor

__all__ = [
    "Layer",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "backpropagation",
    "convert",
    "data",
    "get_engine",
    "load",
    "notes",
    "save",
    "solvers",
]
__version__ = "0.1.0"


ESTIMATORS = ("MLPClassifier", "MLPRegressor")


def __getattr__(name: str) -> Any:
    """Import the estimators when one is first asked for, and scikit-learn with them.

    `convert` is also imported when it is first asked for.
    """
    if name == "convert":
        return import_module("handgrad.convert")
    if name not in ESTIMATORS:
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    try:
        from handgrad import estimator
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{name} needs scikit-learn, which is not installed; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    return getattr(estimator, name)

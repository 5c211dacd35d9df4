"""scikit-learn's own tests of its perceptrons, read from its installation, for other classes."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sklearn import neural_network

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "sklearn.neural_network.tests.test_mlp"

USES_PRIVATE_NAMES = {
    "test_fit": "sets _coef_grads, _intercept_grads, _no_improvement_count and the velocities",
    "test_gradient": "calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads the learning rate of _optimizer",
    "test_adaptive_learning_rate": "reads the learning rate of _optimizer",
    "test_n_iter_no_change": "reads _no_improvement_count",
    "test_n_iter_no_change_inf": "reads _no_improvement_count",
}
"""The tests that no other class can pass, and which private names each of them needs."""


def their_tests(classifier: type, regressor: type) -> dict[str, Callable[..., None]]:
    """Return all tests, with these classes in the place of scikit-learn's; none is left out."""
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{MODULE} is not installed with scikit-learn.")
    module: Any = importlib.util.module_from_spec(spec)
    # The parameters of its tests name the classes, so they must be there while it is imported.
    with (
        patch.object(neural_network, "MLPClassifier", classifier),
        patch.object(neural_network, "MLPRegressor", regressor),
    ):
        spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def private_names() -> dict[str, set[str]]:
    """Return the private attributes that each test uses; tests without any are left out."""
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{MODULE} is not installed with scikit-learn.")
    functions = [
        node
        for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    found = {function.name: _private_attributes(function) for function in functions}
    return {name: attributes for name, attributes in found.items() if attributes}


def _private_attributes(function: ast.FunctionDef) -> set[str]:
    attributes = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    return {name for name in attributes if name.startswith("_") and not name.startswith("__")}

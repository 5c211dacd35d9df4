"""The description of an estimator in a file: parameters and attributes."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from handgrad.errors import ModelFileError
from handgrad.files.model_file import as_bytes, from_bytes
from handgrad.objective import Objective

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.estimator import FitHistory, MLPClassifier, MLPRegressor
    from handgrad.estimator.target_kinds import TargetKind
    from handgrad.network import Network

    Estimator: TypeAlias = MLPClassifier | MLPRegressor

COUNTS = ("n_iter_", "t_")
FIGURES = ("loss_", "best_loss_", "best_validation_score_", "best_validation_loss_")
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
# Left out if it is None, so that programs which read the second version alone know all names.
LATER = ("scoring", "best_validation_loss_", "validation_loss_curve_")
TEXTS = ("classes", "feature_names", "values")  # JSON as bytes, too long for the header
ARRAYS = dict.fromkeys((*CURVES, "accuracies", "seconds"), "F64") | dict.fromkeys(TEXTS, "U8")
TYPE_OF_CLASSES = re.compile(r"[|<>][biuf]\d")


def is_estimator(model: object) -> TypeGuard[Estimator]:
    """Tell whether this is an estimator of handgrad, without importing scikit-learn."""
    module = sys.modules.get("handgrad.estimator")
    return module is not None and isinstance(model, module.MLPClassifier | module.MLPRegressor)


def describe(model: Estimator) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the parameters and figures of a fitted estimator for JSON, and the rest as arrays.

    Functions, and a ``random_state`` that is not a number, are left out. Invalid parameters, and
    classes of a type that a file cannot hold, raise a ModelFileError.
    """
    try:
        state = model.state()
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"The parameters of the {type(model).__name__} are no longer valid for fit ({error}); "
            "correct them before you save it."
        ) from None
    known = state.attributes
    targets, arrays = _described_targets(state.kind)
    description = {
        "parameters": _described(state.parameters),
        **targets,
        "pixels": state.pixels,
        "figures": _without_later({name: _plain(known.get(name)) for name in COUNTS + FIGURES}),
        "waited": state.waited,
    }
    curves = {name: known[name] for name in CURVES if known.get(name) is not None}
    curves |= {"accuracies": state.history.accuracy, "seconds": state.history.seconds}
    arrays |= {name: np.array(curve, float) for name, curve in curves.items()}
    if state.feature_names is not None:
        arrays["feature_names"] = as_bytes(state.feature_names)
    return description, arrays


def build(
    network: Network, description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]
) -> Estimator:
    """Rebuild the estimator; if anything is missing or wrong, raise an error, mostly a ValueError.

    Files of version 1 lack the parameter ``pixels``: bytes were pixels whenever `fit` got some.
    """
    try:
        from handgrad.estimator import EstimatorState, MLPClassifier, MLPRegressor
    except ModuleNotFoundError as error:
        raise ModelFileError(
            "The file holds an estimator, which needs scikit-learn; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    parameters, pixels = _parameters(description["parameters"]), description["pixels"]
    if not isinstance(pixels, bool):
        raise TypeError("pixels is not true or false")
    if description["format_version"] == 1:
        parameters["pixels"] = pixels
    _check_activation(network, parameters["activation"])
    names, attributes = arrays.get("feature_names"), {"n_layers_": len(network.layers) + 1}
    state = EstimatorState(
        parameters=parameters,
        network=network,
        kind=_targets(network, description, arrays),
        pixels=pixels,
        feature_names=None if names is None else _names(names, network.D),
        attributes=attributes | _figures(description["figures"]) | _curves(arrays),
        history=_history(arrays),
        waited=_count("waited", description.get("waited", 0)),
    )
    estimator = MLPRegressor if network.predicts == "values" else MLPClassifier
    model = estimator.from_state(state)
    try:
        describe(model)  # an estimator that cannot be saved again must not load
    except ModelFileError as error:
        raise ValueError(str(error)) from error
    return model


def is_later(description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> bool:
    """Tell whether an estimator needs more than the second version of the format."""
    parts = description["parameters"], description["figures"], arrays
    return any(name in part for part in parts for name in LATER)


def _without_later(described: dict[str, Any]) -> dict[str, Any]:
    return {n: value for n, value in described.items() if n not in LATER or value is not None}


def _described_targets(
    kind: TargetKind,
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what an estimator predicts: classes and labels, or the names of values."""
    from handgrad.estimator.target_kinds import ClassTargets, LabelTargets

    if not isinstance(kind, ClassTargets | LabelTargets):
        return {}, {"values": as_bytes(kind.names)}
    classes = kind.classes
    if classes.dtype.kind not in "Ubiuf" or (classes.dtype.kind == "f" and classes.itemsize > 8):
        raise ModelFileError(
            f"The classes are of type {classes.dtype}, which a model file cannot hold; expected "
            "strings, numbers or booleans."
        )
    described: dict[str, Any] = {
        "classes_type": "U" if classes.dtype.kind == "U" else classes.dtype.str
    }
    if isinstance(kind, LabelTargets):
        described |= {"sparse": kind.is_sparse}
    return described, {"classes": as_bytes(classes.tolist())}


def _targets(
    network: Network, description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]
) -> TargetKind:
    """Return what the estimator predicts, which the output of its network decides."""
    from handgrad.estimator.target_kinds import ClassTargets, LabelTargets, ValueTargets

    if network.predicts == "values":
        return ValueTargets(_names(arrays["values"], network.K), Objective(network.output).loss)
    classes = _classes(arrays["classes"], description["classes_type"], network)
    if network.predicts == "classes":
        return ClassTargets(classes)
    if not isinstance(description["sparse"], bool):
        raise TypeError("sparse is not true or false")
    return LabelTargets(classes, description["sparse"])


def _check_activation(network: Network, activation: Any) -> None:
    """Raise a ValueError unless all hidden layers have the activation of the parameters."""
    if any(layer.activation != activation for layer in network.layers[:-1]):
        raise ValueError(f"a network of {network.activation} in an estimator of another activation")


def _described(parameters: dict[str, Any]) -> dict[str, Any]:
    described = {name: _plain(value) for name, value in parameters.items()}
    described["on_iteration"] = None
    if not isinstance(described["scoring"], str):
        described["scoring"] = None
    if not isinstance(described["random_state"], int):
        described["random_state"] = None
    if not isinstance(described["hidden_layer_sizes"], int):
        described["hidden_layer_sizes"] = np.asarray(described["hidden_layer_sizes"]).tolist()
    if isinstance(described.get("class_weight"), dict):
        pairs = described["class_weight"].items()
        described["class_weight"] = [[_plain(label), float(weight)] for label, weight in pairs]
    return _without_later(described)


def _parameters(described: dict[str, Any]) -> dict[str, Any]:
    parameters = dict(described)
    for name, value in parameters.items():
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise ValueError(f"{name} is beyond all numbers")
    if isinstance(parameters["hidden_layer_sizes"], list):
        parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
    weights = parameters.get("class_weight")
    if isinstance(weights, list):
        parameters["class_weight"] = {label: _weight(weight) for label, weight in weights}
    elif not isinstance(weights, str | None):
        raise TypeError("class_weight is not a list")
    return parameters


def _weight(weight: Any) -> float:
    if type(weight) not in (int, float) or not math.isfinite(weight) or weight < 0:
        raise ValueError("a weight of a class is not a number of 0 or more")
    return float(weight)


def _classes(content: npt.NDArray[Any], type_name: Any, network: Network) -> npt.NDArray[Any]:
    """Return classes or labels, after checking that a fit could have found them."""
    labels = from_bytes(content)
    if type_name == "U" and not all(isinstance(label, str) for label in labels):
        raise ValueError("classes are not all strings")
    if type_name != "U" and not TYPE_OF_CLASSES.fullmatch(type_name):
        raise ValueError("classes of an unknown type")
    classes = np.array(labels, type_name)
    if classes.shape != (network.K,) or classes.tolist() != labels:
        raise ValueError(f"{len(labels)} classes that do not fit {network.K} outputs")
    is_whole = classes.dtype.kind != "f" or (classes == np.floor(classes)) & (abs(classes) < 2**63)
    if not np.all(is_whole):  # fit calls such labels continuous
        raise ValueError("classes that are not whole numbers")
    distinct = np.unique(classes)
    if len(distinct) < len(classes):
        raise ValueError("classes that occur twice")
    if network.predicts == "classes" and not np.array_equal(classes, distinct):
        raise ValueError("classes that are out of order")  # labels have that of their columns
    last = network.layers[-1]
    if network.output == "softmax" and network.K == 2 and (last.W[0].any() or last.b[0].any()):
        raise ValueError("a first logit other than 0 with two classes")
    return classes


def _names(content: npt.NDArray[Any], expected: int) -> tuple[str, ...]:
    """Return the names of features or values."""
    names = from_bytes(content)
    if len(names) != expected or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{len(names)} names; expected {expected}")
    if len(set(names)) != expected:
        raise ValueError("a name that occurs twice")
    return tuple(names)


def _figures(figures: dict[str, Any]) -> dict[str, Any]:
    numbers = {n: figures.get(n) if n in LATER else figures[n] for n in FIGURES}
    for name, number in numbers.items():
        if number is not None and type(number) not in (int, float):
            raise ValueError(f"{name} is {number!r}")
    if numbers["loss_"] is None:  # a run ended before its first iteration
        del numbers["loss_"]
    counts = {name: _count(name, figures[name]) for name in COUNTS}
    return counts | {n: None if x is None else np.float64(x) for n, x in numbers.items()}


def _count(name: str, number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"{name} is {number!r}")
    return number


def _curves(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    curves = {name: arrays[name].tolist() if name in arrays else None for name in CURVES}
    scores, losses = curves["validation_scores_"], curves["validation_loss_curve_"]
    if scores is not None and losses is None:  # earlier programs did not record them
        curves["validation_loss_curve_"] = [math.nan] * len(scores)
    return curves | {"loss_curve_": list(arrays["loss_curve_"])}


def _history(arrays: dict[str, npt.NDArray[Any]]) -> FitHistory:
    from handgrad.estimator import FitHistory

    history = FitHistory()
    names = ("loss_curve_", "accuracies", "seconds")
    for figures in zip(*(arrays[name] for name in names), strict=True):
        history.add(*map(float, figures))
    return history


def _plain(value: Any) -> Any:
    """Return a number of NumPy as a number of Python."""
    return value.item() if isinstance(value, np.generic) else value

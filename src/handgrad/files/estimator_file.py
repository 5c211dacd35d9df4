"""The description of an `MLPClassifier` in a file: parameters and attributes."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from handgrad.errors import ModelFileError
from handgrad.files.model_file import as_bytes, from_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from handgrad.estimator import MLPClassifier
    from handgrad.network import Network

ARRAYS = {
    "loss_curve_": "F64",
    "validation_scores_": "F64",
    "accuracies": "F64",
    "seconds": "F64",
    "classes": "U8",  # JSON as bytes, because it may be too long for the header
    "feature_names": "U8",
}
COUNTS = ("n_iter_", "t_")
FIGURES = ("loss_", "best_loss_", "best_validation_score_")
TYPE_OF_CLASSES = re.compile(r"[|<>][biuf]\d")


def is_classifier(model: object) -> TypeGuard[MLPClassifier]:
    """Tell whether this is an `MLPClassifier`, without importing scikit-learn."""
    module = sys.modules.get("handgrad.estimator")
    return module is not None and isinstance(model, module.MLPClassifier)


def describe(model: MLPClassifier) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the parameters and figures of a fitted classifier for JSON, and the rest as arrays.

    A callback, and a ``random_state`` that is not a number, are left out. Invalid parameters, and
    classes of a type that a file cannot hold, raise a ModelFileError.
    """
    classes = model.classes_
    if classes.dtype.kind not in "Ubiuf" or (classes.dtype.kind == "f" and classes.itemsize > 8):
        raise ModelFileError(
            f"The classes are of type {classes.dtype}, which a model file cannot hold; expected "
            "strings, numbers or booleans."
        )
    try:
        model._check_parameters()  # noqa: SLF001
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"The parameters of the classifier are no longer valid for fit ({error}); "
            "correct them before you save it."
        ) from None
    description = {
        "parameters": _described(model.get_params()),
        "classes_type": "U" if classes.dtype.kind == "U" else classes.dtype.str,
        "pixels": model._pixels,  # noqa: SLF001
        "figures": {name: _plain(getattr(model, name, None)) for name in COUNTS + FIGURES},
        "waited": model._memory.patience.waited,  # noqa: SLF001
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        "loss_curve_": np.array(model.loss_curve_, float),
        "accuracies": np.array(model.history_.accuracy, float),
        "seconds": np.array(model.history_.seconds, float),
        "classes": as_bytes(classes.tolist()),
    }
    if model.validation_scores_ is not None:
        arrays["validation_scores_"] = np.array(model.validation_scores_, float)
    if hasattr(model, "feature_names_in_"):
        arrays["feature_names"] = as_bytes(model.feature_names_in_.tolist())
    return description, arrays


def build(
    network: Network, description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]
) -> MLPClassifier:
    """Rebuild the classifier; if anything is missing or wrong, raise an error, mostly a ValueError.

    Files of version 1 lack the parameter ``pixels``: bytes were pixels whenever `fit` got some.
    """
    try:
        from handgrad.estimator import MLPClassifier
    except ModuleNotFoundError as error:
        raise ModelFileError(
            "The file holds an MLPClassifier, which needs scikit-learn; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    parameters, pixels = _parameters(description["parameters"]), description["pixels"]
    if not isinstance(pixels, bool):
        raise TypeError("pixels is not true or false")
    if description["format_version"] == 1:
        parameters["pixels"] = pixels
    model = MLPClassifier(**parameters)
    model._restore(  # noqa: SLF001
        network,
        _classes(arrays["classes"], description["classes_type"], network),
        pixels=pixels,
        feature_names=_feature_names(arrays.get("feature_names"), network.D),
        attributes=_figures(description["figures"]) | _curves(arrays),
        waited=_count("waited", description.get("waited", 0)),
    )
    for figures in zip(arrays["loss_curve_"], arrays["accuracies"], arrays["seconds"], strict=True):
        model.history_.add(*map(float, figures))
    try:
        describe(model)  # a classifier that cannot be saved again must not load
    except ModelFileError as error:
        raise ValueError(str(error)) from error
    return model


def _described(parameters: dict[str, Any]) -> dict[str, Any]:
    described = {name: _plain(value) for name, value in parameters.items()}
    described["on_iteration"] = None
    if not isinstance(described["random_state"], int):
        described["random_state"] = None
    if not isinstance(described["hidden_layer_sizes"], int):
        described["hidden_layer_sizes"] = np.asarray(described["hidden_layer_sizes"]).tolist()
    if isinstance(described["class_weight"], dict):
        pairs = described["class_weight"].items()
        described["class_weight"] = [[_plain(label), float(weight)] for label, weight in pairs]
    return described


def _parameters(described: dict[str, Any]) -> dict[str, Any]:
    parameters = dict(described)
    for name, value in parameters.items():
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise ValueError(f"{name} is beyond all numbers")
    if isinstance(parameters["hidden_layer_sizes"], list):
        parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
    weights = parameters["class_weight"]
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
    """Return the classes, after checking that a fit could have found them."""
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
    if not np.array_equal(classes, np.unique(classes)):
        raise ValueError("classes that are out of order")
    if network.K == 2 and (network.W2[0].any() or network.b2[0].any()):
        raise ValueError("a first logit other than 0 with two classes")
    return classes


def _feature_names(content: npt.NDArray[Any] | None, features: int) -> list[str] | None:
    if content is None:
        return None
    names = from_bytes(content)
    if len(names) != features or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{len(names)} names for {features} features")
    if len(set(names)) != features:
        raise ValueError("a name of a feature that occurs twice")
    return names


def _figures(figures: dict[str, Any]) -> dict[str, Any]:
    for name in FIGURES:
        if figures[name] is not None and type(figures[name]) not in (int, float):
            raise ValueError(f"{name} is {figures[name]!r}")
    counts = {name: _count(name, figures[name]) for name in COUNTS}
    numbers = {name: figures[name] for name in FIGURES if figures[name] is not None}
    known = counts | {name: np.float64(number) for name, number in numbers.items()}
    absent = set(FIGURES) - {"loss_"}  # missing if a run ended before its first iteration
    return dict.fromkeys(absent) | known


def _count(name: str, number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"{name} is {number!r}")
    return number


def _curves(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    scores = arrays.get("validation_scores_")
    return {
        "loss_curve_": list(arrays["loss_curve_"]),
        "validation_scores_": None if scores is None else scores.tolist(),
    }


def _plain(value: Any) -> Any:
    """Return a number of NumPy as a number of Python."""
    return value.item() if isinstance(value, np.generic) else value

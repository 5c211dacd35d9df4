"""What a model file says of an `MLPClassifier`: parameters and attributes as JSON and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import ModelFileError

if TYPE_CHECKING:
    from handgrad.estimator import MLPClassifier
    from handgrad.network import Network

CURVES = ("loss_curve_", "validation_scores_")
FIGURES = ("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_")


def describe(model: MLPClassifier) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return what JSON can hold of a fitted classifier, and its curves as arrays.

    A callback, and a ``random_state`` that is no number, are left out.

    Examples
    --------
    >>> from handgrad import MLPClassifier
    >>> model = MLPClassifier((2,), solver="lbfgs").fit([[0.0], [1.0]], ["no", "yes"])
    >>> describe(model)[0]["classes"]
    ['no', 'yes']
    """
    parameters = model.get_params()
    parameters["on_iteration"] = None
    if not isinstance(parameters["random_state"], int):
        parameters["random_state"] = None
    hidden = parameters["hidden_layer_sizes"]
    if not isinstance(hidden, int):
        parameters["hidden_layer_sizes"] = [int(size) for size in hidden]
    if isinstance(parameters["class_weight"], dict):
        parameters["class_weight"] = [
            [_plain(label), float(weight)] for label, weight in parameters["class_weight"].items()
        ]
    names = getattr(model, "feature_names_in_", None)
    description = {
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "classes": model.classes_.tolist(),
        "classes_type": model.classes_.dtype.str,
        "feature_names": None if names is None else names.tolist(),
        "pixels": model._pixels,  # noqa: SLF001
        "figures": {name: _plain(getattr(model, name, None)) for name in FIGURES},
    }
    curves = {name: getattr(model, name, None) for name in CURVES}
    arrays = {name: np.array(curve, float) for name, curve in curves.items() if curve is not None}
    return description, arrays


def build(
    network: Network, description: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]
) -> MLPClassifier:
    """Make the classifier again.

    Raises
    ------
    ModelFileError
        If the description is not what `describe` makes.
    """
    try:
        from handgrad.estimator import MLPClassifier
    except ModuleNotFoundError as error:
        raise ModelFileError(
            "The file holds an MLPClassifier, which needs scikit-learn; "
            "install handgrad with the extra 'sklearn'."
        ) from error
    try:
        parameters = dict(description["parameters"])
        if isinstance(parameters["hidden_layer_sizes"], list):
            parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
        if isinstance(parameters["class_weight"], list):
            parameters["class_weight"] = dict(map(tuple, parameters["class_weight"]))
        model = MLPClassifier(**parameters)
        classes = np.array(description["classes"], dtype=np.dtype(description["classes_type"]))
        curves = {name: array.tolist() for name, array in arrays.items()}
        model._restore(  # noqa: SLF001
            network,
            classes,
            pixels=bool(description["pixels"]),
            feature_names=description["feature_names"],
            attributes={**description["figures"], **curves},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"The file does not describe a classifier ({error}); save it again."
        ) from error
    return model


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value

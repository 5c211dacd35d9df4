"""Which labels an estimator takes, and the numbers of their classes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from handgrad.rows import is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt


def labels_of(y: Any, X: Any) -> npt.NDArray[Any]:
    """Return y as one label per row of X, or raise a ValueError."""
    if y is None:
        raise ValueError(
            "This MLPClassifier estimator requires y to be passed, but the target y is None."
        )
    is_table = is_sparse(y) or np.asarray(y).ndim == 2
    if is_table and type_of_target(y, input_name="y").startswith("multilabel"):
        raise ValueError(_multilabel_message(y))
    labels = np.asarray(column_or_1d(y, warn=True))
    assert_all_finite(labels, input_name="y")
    with warnings.catch_warnings():  # many classes for few samples need not be a mistake
        warnings.filterwarnings("ignore", message="The number of unique classes")
        check_classification_targets(labels)
    check_consistent_length(X, labels)
    return labels


def _multilabel_message(y: Any) -> str:
    sums = np.asarray(y.sum(axis=1) if is_sparse(y) else np.asarray(y).sum(axis=1))
    if (sums == 1).all():
        return "y looks one-hot; expected one label per sample: pass y.argmax(axis=1)."
    return (
        "y is multilabel; expected one label per sample: "
        "sklearn.neural_network.MLPClassifier takes several."
    )


def check_classes(found: npt.NDArray[Any], known: npt.NDArray[Any], *, warm_start: bool) -> None:
    """Raise a ValueError if a label is unknown, or if a warm start lacks a class."""
    if warm_start and set(found) != set(known):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known}, `y` has {found}"
        )
    if len(np.setdiff1d(found, known)):
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {found}."
        )


def check_same_classes(classes: npt.ArrayLike, known: npt.NDArray[Any]) -> None:
    """Raise a ValueError, as scikit-learn does, if a later call names other classes."""
    if not np.array_equal(known, unique_labels(classes)):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}"
        )


def codes_of(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the number of each label's class, and -1 for a label that is not among the classes.

    Examples
    --------
    >>> codes_of(np.array(["b", "c"]), np.array(["a", "b"]))
    array([ 1, -1])
    """
    distinct, places = np.unique(labels, return_inverse=True)
    numbers = {label: code for code, label in enumerate(classes.tolist())}
    codes = np.array([numbers.get(label, -1) for label in distinct.tolist()], dtype=np.int64)
    return codes[places]

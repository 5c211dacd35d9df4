"""The targets that users give, checked: labels, values, and the classes among them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from handgrad.rows import is_sparse

if TYPE_CHECKING:
    import numpy.typing as npt


def labels_of(y: Any, X: Any, estimator: object) -> Any:
    """Return y as one label per row of X, or as a matrix of labels, or raise a ValueError."""
    labels = _checked(y, X, estimator, sparse_too=True)
    with warnings.catch_warnings():  # many classes for few samples need not be a mistake
        warnings.filterwarnings("ignore", message="The number of unique classes")
        found = type_of_target(labels, input_name="y")
        if "multioutput" in found:
            raise ValueError("Multioutput target data is not supported with label binarization")
        if found not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(labels)  # says what is wrong
    return labels


def values_of(y: Any, X: Any, estimator: object) -> npt.NDArray[Any]:
    """Return y as numbers, in a vector or one column per value, or raise a ValueError."""
    values: npt.NDArray[Any] = _checked(y, X, estimator, sparse_too=False)
    if values.dtype.kind == "O":
        values = values.astype(np.float64)
    if values.dtype.kind not in "buif" or values.ndim > 2:
        raise ValueError(
            f"y holds {values.dtype} values in {values.ndim} dimensions; expected numbers, one row "
            "per row of X."
        )
    return values


def names_of_targets(y: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of a data frame, or of a series; None if they do not differ.

    Examples
    --------
    >>> import pandas
    >>> names_of_targets(pandas.DataFrame({"width": [1.0], "height": [2.0]}))
    ('width', 'height')
    """
    if not hasattr(y, "to_numpy"):
        return None
    given = getattr(y, "columns", None)
    names = [getattr(y, "name", None)] if given is None else list(given)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        return None
    return tuple(map(str, names))


def _checked(y: Any, X: Any, estimator: object, *, sparse_too: bool) -> Any:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    checked = check_array(
        y,
        accept_sparse="csr" if sparse_too else False,
        ensure_2d=False,
        dtype=None,
        input_name="y",
        estimator=estimator,
    )
    if checked.ndim == 2 and checked.shape[1] == 1:
        checked = column_or_1d(checked, warn=True)
    check_consistent_length(X, checked)
    return checked


def classes_of(y: Any) -> npt.NDArray[Any]:
    """Return the sorted classes of checked targets, or the numbers of several labels per sample.

    Examples
    --------
    >>> classes_of(np.array(["b", "a", "b"])).tolist(), classes_of(np.eye(3)).tolist()
    (['a', 'b'], [0, 1, 2])
    """
    if is_multilabel(y):
        return np.arange(y.shape[1])
    classes: npt.NDArray[Any] = unique_labels(y) if y.dtype.kind == "O" else np.unique(y)
    return classes


def is_multilabel(y: Any) -> bool:
    """Tell whether checked targets are several labels per sample.

    Examples
    --------
    >>> is_multilabel(np.eye(3)), is_multilabel(np.arange(3))
    (True, False)
    """
    return bool(is_sparse(y) or y.ndim == 2)


def check_known_classes(
    found: npt.NDArray[Any], known: npt.NDArray[Any], *, warm_start: bool
) -> None:
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


def check_class_weights(of_classes: npt.NDArray[Any]) -> None:
    """Raise a ValueError unless the weights of classes are 0 or more, and one is above 0."""
    if not ((of_classes >= 0) & (of_classes < np.inf)).all() or not of_classes.any():
        raise ValueError(
            f"class_weight gives the classes of X the weights {of_classes.tolist()}; expected "
            "numbers of 0 or more, and one above 0."
        )


def classes_of_all_calls(
    classes: npt.ArrayLike | None, known: npt.NDArray[Any] | None
) -> npt.NDArray[Any]:
    """Return the classes that any call of partial_fit may have, sorted.

    ``known`` are those of earlier calls; the first call has none.

    Raises
    ------
    ValueError
        If the first call names no classes, or a later call names others.
    """
    if classes is None:
        if known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return known
    named: npt.NDArray[Any] = unique_labels(classes)
    if not len(named):
        raise ValueError("classes is empty; expected all classes that any call will have.")
    if known is not None and not np.array_equal(known, named):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}"
        )
    return named


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

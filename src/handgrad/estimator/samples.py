"""The samples of a fit: rows, labels as numbers of classes, weights, and samples held out."""

from __future__ import annotations

import warnings
from itertools import filterfalse
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import _check_sample_weight

from handgrad.rows import Bytes, is_sparse, values_of

if TYPE_CHECKING:
    import numpy.typing as npt

ROW_TYPES = [np.float64, np.float32, np.uint8]
MOST_OF_COUNTS = 127  # larger bytes are mostly pixels


class WeightedSamples(NamedTuple):
    """Rows, the number of each one's class (-1 for one that fit never saw), and its weight."""

    X: Any
    codes: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None = None

    def only(self, rows: npt.NDArray[np.int64]) -> WeightedSamples:
        """Return some of the samples."""
        weights = None if self.weights is None else self.weights[rows]
        return WeightedSamples(self.X[rows], self.codes[rows], weights)


def refuse_text(X: Any) -> None:
    """Raise a ValueError, as scikit-learn does, if X holds texts; the error quotes one."""
    text = _first_text(X)
    if text is not None:
        raise ValueError(
            f"X holds the text {text[:40]!r}; dtype='numeric' is not compatible with arrays of "
            "bytes/strings. Convert your data to numeric values explicitly instead."
        )


def _first_text(X: Any) -> str | bytes | None:
    """Return the first text of an array of texts, or the text with which a list of rows begins."""
    if isinstance(X, np.ndarray):
        texts = X.ravel().tolist() if X.dtype.kind in "SU" else []
        return next(filterfalse(_is_number, texts), texts[0] if texts else None)
    for _ in ("rows", "numbers"):
        X = X[0] if isinstance(X, list | tuple) and X else X
    return X if isinstance(X, str | bytes) else None


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def rows_to_fit(X: Any, *, pixels: bool) -> Any:
    """Return rows as fit reads them; warn of numbers that look like pixels."""
    if X.dtype == np.uint8 and not pixels and _largest(X) > MOST_OF_COUNTS:
        warnings.warn(
            f"X holds uint8 numbers up to {_largest(X)}, which are taken as they are; if they are "
            "pixels, use MLPClassifier(pixels=True), which scales them by 1/255.",
            stacklevel=4,
        )
    return rows_like_those_of_fit(X, pixels=pixels)


def rows_like_those_of_fit(X: Any, *, pixels: bool) -> Any:
    """Return rows as the network reads them; ``pixels`` tells whether fit was given pixels.

    Numbers above 1 in the place of pixels raise a ValueError.
    """
    if X.dtype == np.uint8:
        return X if pixels else Bytes(X)
    if pixels and _largest(X) > 1:
        raise ValueError(
            f"X holds numbers up to {_largest(X):g}, but pixels=True in fit; "
            "expected uint8 from 0 to 255, or numbers from 0 to 1."
        )
    return X


def _largest(X: Any) -> Any:
    values = values_of(X)
    return values.max() if values.size else 0


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
    """Return the number of each label's class; all labels must be among the classes."""
    codes: npt.NDArray[np.int64] = np.searchsorted(classes, labels)
    return codes


def validation_samples(X: Any, y: Any, classes: npt.NDArray[Any]) -> WeightedSamples:
    """Return samples to validate with; a label that fit never saw counts as predicted wrong.

    Examples
    --------
    >>> validation_samples(np.eye(2), ["b", "c"], np.array(["a", "b"])).codes
    array([ 1, -1])
    """
    numbers = {label: code for code, label in enumerate(classes.tolist())}
    labels = labels_of(y, X).tolist()
    return WeightedSamples(X, np.array([numbers.get(label, -1) for label in labels]))


def weights_of(
    sample_weight: Any, class_weight: Any, X: Any, labels: Any, classes: npt.NDArray[Any]
) -> npt.NDArray[np.float64] | None:
    """Return the weights of the samples times those of their classes, or None if all are 1.

    Examples
    --------
    >>> labels = np.array(["a", "b"])
    >>> weights_of([1, 2], {"b": 3}, np.eye(2), labels, labels)
    array([1., 6.])
    """
    if sample_weight is None and class_weight is None:
        return None
    weights: npt.NDArray[np.float64] = np.asarray(
        _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    )
    if class_weight is None:
        return weights
    of_classes: npt.NDArray[np.float64] = compute_class_weight(
        class_weight, classes=classes, y=labels
    )
    of_samples: npt.NDArray[np.float64] = of_classes[codes_of(labels, classes)]
    return weights * of_samples


def hold_out(
    samples: WeightedSamples,
    fraction: float,
    random: np.random.RandomState,
    *,
    stratify: npt.NDArray[Any] | None,
) -> tuple[WeightedSamples, WeightedSamples]:
    """Hold out a share of the samples, drawn as scikit-learn draws them.

    ``stratify`` holds the K classes, and then the same share of each class is held out; None draws
    from all samples. A ValueError says that there are too few samples.
    """
    from sklearn.model_selection import train_test_split  # slow to import, and rarely needed

    train, held_out = train_test_split(
        np.arange(len(samples.codes)),
        random_state=random,
        test_size=fraction,
        stratify=None if stratify is None else stratify[samples.codes],
    )
    if len(held_out) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            "your dataset."
        )
    return samples.only(train), samples.only(held_out)

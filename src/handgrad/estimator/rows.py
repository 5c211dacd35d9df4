"""Which rows an estimator takes: their types, the scale of bytes, and the features' names."""

from __future__ import annotations

from itertools import filterfalse
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.estimator.user_warnings import warn_user
from handgrad.rows import Bytes, bytes_unless_pixels, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW_TYPES = [np.float64, np.float32, np.uint8]
MOST_OF_COUNTS = 127  # larger bytes are mostly pixels


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


def float_type(rows: np.dtype[Any], *, pixels: bool) -> np.dtype[Any]:
    """Return the type of a network that is trained on rows of a type.

    Examples
    --------
    >>> [str(float_type(np.dtype(rows), pixels=True)) for rows in ("uint8", "float64")]
    ['float32', 'float64']
    """
    is_single = rows == np.float32 or (rows == np.uint8 and pixels)
    return np.dtype(np.float32 if is_single else np.float64)


def rows_to_fit(X: Any, *, pixels: bool) -> Any:
    """Return rows as fit reads them; warn of numbers that look like pixels."""
    if X.dtype == np.uint8 and not pixels and _largest(X) > MOST_OF_COUNTS:
        warn_user(
            f"X holds uint8 numbers up to {_largest(X)}, which are taken as they are; if they are "
            "pixels, use the parameter pixels=True, which scales them by 1/255."
        )
    return rows_like_those_of_fit(X, pixels=pixels)


def rows_like_those_of_fit(X: Any, *, pixels: bool) -> Any:
    """Return rows as the network reads them; ``pixels`` tells whether fit was given pixels.

    Numbers above 1 in the place of pixels raise a ValueError.
    """
    if pixels and X.dtype != np.uint8 and _largest(X) > 1:
        raise ValueError(
            f"X holds numbers up to {_largest(X):g}, but pixels=True in fit; "
            "expected uint8 from 0 to 255, or numbers from 0 to 1."
        )
    return X if isinstance(X, Bytes) else bytes_unless_pixels(X, pixels=pixels)


def _largest(X: Any) -> Any:
    values = values_of(X)
    return values.max() if values.size else 0


def learn_features(estimator: Any, features: int, names: Sequence[str] | None) -> None:
    """Set the attributes ``n_features_in_`` and ``feature_names_in_`` of an estimator."""
    estimator.n_features_in_ = features
    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def check_features(estimator: Any, features: int, names: Sequence[str] | None) -> None:
    """Raise a ValueError if rows have other features than those of fit."""
    name, known = type(estimator).__name__, getattr(estimator, "feature_names_in_", None)
    if features != estimator.n_features_in_:
        raise ValueError(
            f"X has {features} features, but {name} is expecting {estimator.n_features_in_} "
            "features as input."
        )
    if names is None or known is None or list(names) == known.tolist():
        return
    found, expected = next(
        pair for pair in zip(names, known.tolist(), strict=True) if pair[0] != pair[1]
    )
    raise ValueError(
        f"X has the feature {found!r} in the place of {expected!r}; expected the features of fit "
        "in the same order."
    )

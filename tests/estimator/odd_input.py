"""Rows, targets, weights and parameters that are unusual, or wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 4))
COUNTS = RANDOM.integers(0, 9, (30, 4))
Y = np.arange(30) % 3
BINARY = np.arange(30) % 2
LABELS = (X[:, :3] > 0).astype(int)
VALUES = X @ [1.0, -2.0, 0.5, 0.0]
TABLE = X[:, :3] * 2
FRAME = pd.DataFrame(X, columns=list("abcd"))


def with_hole(values, hole):
    copy = np.array(values, dtype=object if hole is None else float)
    copy.flat[1] = hole
    return copy


ROWS = {
    "no rows": np.empty((0, 4)),
    "no features": np.empty((30, 0)),
    "NaN": with_hole(X, np.nan),
    "infinity": with_hole(X, np.inf),
    "None in objects": with_hole(X, None),
    "text": X.astype(str),
    "objects": X.astype(object),
    "objects with text": np.array([["a", 1.0, 2.0, 3.0]] * 30, dtype=object),
    "one dimension": X[:, 0],
    "three dimensions": X[:, :, None],
    "beyond float32": X * 1e200,
    "complex": X + 1j,
    "truth values": X > 0,
    "integers": COUNTS,
    "small integers": COUNTS.astype(np.int8),
    "half": X.astype(np.float16),
    "long double": X.astype(np.longdouble),
    "lists": X.tolist(),
    "Fortran order": np.asfortranarray(X),
    "every second row": np.repeat(X, 2, axis=0)[::2],
    "big endian": X.astype(">f8"),
    "masked": np.ma.masked_greater(X, 1),
    "None": None,
    "a number": 3.0,
    "a string": "rows",
    "data frame": FRAME,
    "data frame of polars": pl.DataFrame(X, schema=list("abcd")),
    "data frame with a hole": FRAME.mask(FRAME > 1),
    "data frame with numbers as names": pd.DataFrame(X),
    "data frame with mixed names": pd.DataFrame(X, columns=["a", 1, "b", 2]),
    "data frame with text": pd.DataFrame({"a": ["x"] * 30, "b": X[:, 0]}),
    "data frame with mixed types": FRAME.assign(a=COUNTS[:, 0], b=X[:, 1] > 0),
    "data frame with nullable types": FRAME.convert_dtypes(),
    "data frame of floats32": FRAME.astype(np.float32),
    "coo": sparse.coo_array(X),
    "lil": sparse.lil_array(X),
    "dok": sparse.dok_array(X),
    "bsr": sparse.bsr_array(X),
    "csc matrix": sparse.csc_matrix(X),
    "sparse with NaN": sparse.csr_array(with_hole(X, np.nan)),
    "sparse integers": sparse.csr_array(COUNTS),
    "sparse truth values": sparse.csr_array(X > 0),
    "sparse without values": sparse.csr_array((30, 4)),
    "sparse with 64-bit indices": sparse.csr_array(
        (X.ravel(), np.tile(np.arange(4), 30), np.arange(0, 121, 4)), shape=(30, 4)
    ),
}


TARGETS_TO_FIT = {
    "None": None,
    "empty": np.empty(0),
    "too few": Y[:20],
    "a row": Y[None, :],
    "one column": Y[:, None],
    "three columns of classes": np.stack([Y, Y, BINARY], axis=1),
    "three columns of values": TABLE,
    "three dimensions": Y[:, None, None],
    "values": VALUES,
    "whole floats": Y * 1.0,
    "floats32": VALUES.astype(np.float32),
    "halves": VALUES.astype(np.float16),
    "bytes": (Y * 100).astype(np.uint8),
    "truth values": BINARY == 1,
    "NaN": with_hole(VALUES, np.nan),
    "NaN among classes": with_hole(Y, np.nan),
    "infinity": with_hole(VALUES, np.inf),
    "None in objects": with_hole(Y, None),
    "text": np.array(["a", "b", "c"])[Y],
    "text as objects": np.array(["a", "b", "c"], dtype=object)[Y],
    "numbers as text": VALUES.astype(str),
    "bytes as text": np.array([b"a", b"b", b"c"])[Y],
    "numbers as objects": Y.astype(object),
    "values as objects": VALUES.astype(object),
    "text and numbers": np.array(["a", 1, 2], dtype=object)[Y],
    "complex": VALUES + 1j,
    "dates": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]")[Y],
    "one class": np.zeros(30, int),
    "one class as text": np.array(["a"] * 30),
    "a class per row": np.arange(30),
    "far apart": Y * 2**60,
    "negative": Y - 1,
    "list": Y.tolist(),
    "list of text": [["a", "b", "c"][code] for code in Y],
    "list of lists": LABELS.tolist(),
    "lists of other lengths": [[1] * (code + 1) for code in Y],
    "tuples of labels": [tuple(np.flatnonzero(row)) for row in LABELS],
    "masked": np.ma.masked_equal(Y, 2),
    "series": pd.Series(Y, name="class"),
    "series with an index": pd.Series(Y, index=np.arange(30)[::-1]),
    "series of categories": pd.Series(["a", "b", "c"] * 10, dtype="category"),
    "series of nullable integers": pd.Series(Y).astype("Int64"),
    "series with a hole": pd.Series(Y).astype("Int64").mask(Y == 2),
    "series of polars": pl.Series("class", Y),
    "frame of one column": pd.DataFrame({"class": Y}),
    "frame of labels": pd.DataFrame(LABELS, columns=["cat", "dog", "emu"]),
    "frame of values": pd.DataFrame(TABLE, columns=["x", "y", "z"]),
    "frame of polars": pl.DataFrame(LABELS, schema=["cat", "dog", "emu"]),
    "labels": LABELS,
    "labels as floats": LABELS * 1.0,
    "labels as truth values": LABELS > 0,
    "labels as bytes": LABELS.astype(np.uint8),
    "labels of 0 and 2": LABELS * 2,
    "labels that none has": LABELS * [1, 0, 1],
    "labels that all have": np.ones((30, 2), int),
    "one-hot": np.eye(3, dtype=int)[Y],
    "two labels": LABELS[:, :2],
    "sparse labels": sparse.csr_array(LABELS),
    "sparse labels, csc": sparse.csc_matrix(LABELS),
    "sparse column": sparse.csr_array(BINARY[:, None]),
    "sparse values": sparse.csr_array(TABLE),
}

# scikit-learn's regressor takes these by accident; see the last test.
ONLY_CLASSIFIED = {"sparse labels", "sparse labels, csc", "sparse values", "None in objects"}


def columns_of(y):
    row = y[0] if isinstance(y, list) else ()
    shape = [len(y), len(row)] if isinstance(row, list) else list(getattr(y, "shape", []))
    return shape[1] if len(shape) > 1 else 1


WEIGHTS = {
    "list": [1] * 30,
    "integers": np.arange(30),
    "float32": np.linspace(1, 2, 30, dtype=np.float32),
    "a number": 2.0,
    "text": ["1"] * 30,
    "too few": np.ones(29),
    "two dimensions": np.ones((30, 1)),
    "NaN": with_hole(np.ones(30), np.nan),
    "infinity": with_hole(np.ones(30), np.inf),
    "series": pd.Series(np.linspace(1, 2, 30)),
    "truth values": BINARY == 1,
    "sparse": sparse.csr_array(np.ones((1, 30))),
    "an empty list": [],
    "all 0": np.zeros(30),
}


SIZES = [
    (), [], [0], (3.5,), (3.0,), 3.0, "10", ["10"], np.array([3, 2]), np.array([2.0]),
    5, 0, -1, (5, -1), (5, 0), np.int64(3), [np.int8(4)], [[3]], [[3, 2]], None, (3, None), True,
    (3, True), range(3, 5), {3}, {3: 1}, pd.Series([3, 2]), (2,) * 30, np.nan, (np.inf,), b"a",
    (1, 1), 1, (np.float64(3),), iter([3]),
]  # fmt: skip


PARAMETERS: dict[str, list[Any]] = {
    "activation": ["identity", "logistic", "tanh", "relu", "sine", None, 1, "RELU"],
    "solver": ["lbfgs", "sgd", "adam", "newton", None, 0],
    "alpha": [0, 0.5, 1, np.float32(0.1), -1, "1", None, np.nan, np.inf, 1e300, True, [1]],
    "batch_size": [1, 7, 30, 31, np.int64(5), 0, -1, 2.5, 5.0, "all", None, True],
    "learning_rate": ["constant", "invscaling", "adaptive", "fast", None],
    "learning_rate_init": [1, 1e-9, np.float32(0.01), 0, -1, "1", None, np.nan, True],
    "power_t": [0, 0.3, 1, -1, None, "1", True],
    "max_iter": [1, np.int64(2), 0, -1, 2.5, None, "2", True],
    "shuffle": [True, False, np.bool_(True), 1, 0, "yes", None],
    "random_state": [0, 5, np.int64(3), 2**32 - 1, -1, 2**32, 1.5, "1"],
    "tol": [0, 1, 1e9, -1, None, "1", np.nan, True],
    "verbose": [0, False, np.bool_(False), -1, "yes", None, 0.5],
    "warm_start": [True, False, np.bool_(True), 1, "yes", None],
    "momentum": [0, 0.5, 1, np.float32(0.5), -0.1, 1.1, None, "1"],
    "nesterovs_momentum": [True, False, np.bool_(False), 0, "yes", None],
    "early_stopping": [True, False, np.bool_(True), 1, "yes", None],
    "validation_fraction": [0.1, 0.5, 0.0, 0.9, 1, 1.0, -0.1, 2, None, "1"],
    "beta_1": [0, 0.5, 0.999, 1, -0.1, None, "1"],
    "beta_2": [0, 0.5, 0.999, 1, -0.1, None, "1"],
    "epsilon": [1e-8, 1, 0, -1, None, "1"],
    "n_iter_no_change": [1, np.int64(2), np.inf, 0, 1.5, -1, None, "1", np.nan],
    "max_fun": [1, 3, np.int64(5), 0, 1.5, -1, None, "1"],
    "loss": ["squared_error", "poisson", "log_loss", None, "absolute_error"],
    "no_such_parameter": [1],
}

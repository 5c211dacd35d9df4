"""How an estimator reads its rows: in memory, from blocks, or from a Dask collection."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from handgrad.engines import get_engine
from handgrad.estimator.blocks import GivenBlocks, opened
from handgrad.estimator.collections import check_engine, names_of, rows_to_predict
from handgrad.estimator.parameters import Hyperparameters
from handgrad.estimator.rows import (
    ROW_TYPES,
    check_features,
    float_type,
    learn_features,
    refuse_text,
    rows_like_those_of_fit,
    rows_to_fit,
)
from handgrad.estimator.samples import GivenArrays
from handgrad.estimator.targets import names_of_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handgrad.data import Blocks, Predicts
    from handgrad.engines import Engine
    from handgrad.estimator.blocks import Label
    from handgrad.estimator.samples import Given


class ReadsRows(Hyperparameters, BaseEstimator):  # type: ignore[misc]
    """The part of an estimator that reads rows and their targets."""

    n_features_in_: int
    _pixels: bool
    _float_type: np.dtype[Any]

    @abstractmethod
    def _predicts(self, y: Any, label: Label | None) -> Predicts:
        """Return what files and collections are to be read as."""

    @abstractmethod
    def _check_targets(self, y: Any, X: Any) -> Any:
        """Return y of rows in memory, checked."""

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        """Return the engine of a call; what it opened for the call is closed after it."""
        engine = get_engine(self.engine, threads=self.n_threads)
        with engine if isinstance(engine, AbstractContextManager) else nullcontext():
            yield engine

    def _given(self, X: Any, y: Any, label: Label | None, engine: Engine, *, reset: bool) -> Given:
        """Return rows and targets as fit uses them."""
        blocks = opened(X, y, label, engine, self._predicts(y, label))
        if blocks is not None:
            return GivenBlocks(self._blocks(blocks, reset=reset))
        X = self._rows(X, reset=reset)
        return GivenArrays(X, self._check_targets(y, X), names_of_targets(y))

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Return X as `Bytes`, float32 or float64 rows, with the scale that fit uses."""
        refuse_text(X)
        X = validate_data(self, X, accept_sparse="csr", dtype=ROW_TYPES, reset=reset)
        if not reset:
            return rows_like_those_of_fit(X, pixels=self._pixels)
        self._learn_types(X.dtype)
        return rows_to_fit(X, pixels=self._pixels)

    def _blocks(self, blocks: Blocks, *, reset: bool) -> Blocks:
        """Return blocks whose bytes have the scale that fit uses; this reads the first leaf.

        Only the first leaf is searched for numbers that cannot be pixels, or that look like pixels.
        """
        if reset:
            learn_features(self, blocks.features, blocks.feature_names)
            self._learn_types(blocks.dtype)
        else:
            check_features(self, blocks.features, blocks.feature_names)
        if self._pixels != (blocks.dtype == np.uint8):
            check = rows_to_fit if reset else rows_like_those_of_fit
            check(blocks.read(0)[0], pixels=self._pixels)
        return replace(blocks, pixels=self._pixels)

    def _collection(self, X: Any, engine: Engine) -> Any:
        """Return a Dask collection of rows to predict, after checking what is known of it."""
        check_engine(engine)
        check_features(self, len(X.columns) if hasattr(X, "columns") else X.shape[1], names_of(X))
        return rows_to_predict(X, pixels=self._pixels, dtype=self._float_type)

    def _learn_types(self, rows: np.dtype[Any]) -> None:
        self._pixels = bool(self.pixels)
        self._float_type = float_type(rows, pixels=self._pixels)

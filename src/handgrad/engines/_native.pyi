# The C++ core, as native/bindings.cpp shows it to Python.

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Array: TypeAlias = npt.NDArray[Any]
_Arrays: TypeAlias = tuple[_Array, _Array, _Array, _Array]
_Costs: TypeAlias = npt.NDArray[np.float64]
_Report: TypeAlias = Callable[[int, _Arrays], bool] | None

class OutOfMemoryError(MemoryError): ...
class RefusedError(ValueError): ...
class InsideEpochError(RuntimeError): ...
class Rows: ...

def instruction_sets() -> list[str]: ...
def dense_rows(values: _Array, scale: float) -> Rows: ...
def sparse_rows(
    indptr: npt.NDArray[np.int64],
    indices: _Array,
    values: _Array,
    count: int,
    features: int,
    scale: float,
) -> Rows: ...
def within(rows: Rows, least: float, most: float, threads: int) -> bool: ...
def measure(
    instruction_set: str,
    threads: int,
    W1: _Array,
    b1: _Array,
    W2: _Array,
    b2: _Array,
    rows: Rows,
    labels: npt.NDArray[np.int32],
    shares: _Array | None,
) -> tuple[float, float, _Arrays]: ...
def predict_proba(
    instruction_set: str,
    threads: int,
    W1: _Array,
    b1: _Array,
    W2: _Array,
    b2: _Array,
    rows: Rows,
) -> _Array: ...
def descend(
    instruction_set: str,
    threads: int,
    W1: _Array,
    b1: _Array,
    W2: _Array,
    b2: _Array,
    rows: Rows,
    labels: npt.NDArray[np.int32],
    shares: _Array | None,
    learning_rate: float,
    decay: float,
    pinned: bool,
    costs: _Costs,
    accuracies: _Costs,
    report: _Report,
) -> tuple[int, _Arrays]: ...

class Batches32:
    def __init__(
        self,
        instruction_set: str,
        threads: int,
        W1: _Array,
        b1: _Array,
        W2: _Array,
        b2: _Array,
        rows: Rows,
        labels: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float64] | None,
        batch: int,
        alpha: float,
        pinned: bool,
    ) -> None: ...
    def epoch(
        self,
        kind: str,
        rate: float,
        momentum: float,
        square: float,
        epsilon: float,
        order: npt.NDArray[np.int64],
        costs: _Costs,
        accuracies: _Costs,
        report: _Report,
    ) -> int: ...
    def parameters(self) -> _Arrays: ...
    def moments(self) -> tuple[int, _Arrays, _Arrays]: ...
    def restore(self, steps: int, *moments: _Array) -> None: ...

class Batches64(Batches32): ...

class Predictor32:
    def __init__(
        self,
        instruction_set: str,
        W1: _Array,
        b1: _Array,
        W2: _Array,
        b2: _Array,
        scale: float,
        least: float,
        most: float,
    ) -> None: ...
    def label(self, x: object) -> int: ...
    def probabilities(self, x: object) -> _Array: ...

class Predictor64(Predictor32): ...

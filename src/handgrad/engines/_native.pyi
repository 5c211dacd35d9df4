# Written by .ci/stubs.
"""The C++ core: see native/ in the source."""

from collections.abc import Sequence
import enum
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


def instruction_sets() -> list[str]: ...

class OutOfMemoryError(MemoryError):
    pass

class RefusedError(ValueError):
    pass

class InsideEpochError(RuntimeError):
    pass

class Rows:
    pass

def within(rows: Rows, least: float, most: float, threads: int) -> bool: ...

@overload
def dense_rows(values: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), device='cpu', writable=False)], scale: float) -> Rows: ...

@overload
def dense_rows(values: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], scale: float) -> Rows: ...

@overload
def dense_rows(values: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

@overload
def sparse_rows(indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], count: int, features: int, scale: float) -> Rows: ...

class Activation(enum.Enum):
    identity = 0

    logistic = 1

    tanh = 2

    relu = 3

    leaky_relu = 4

class Output(enum.Enum):
    softmax = 0

    logistic = 1

    identity = 2

    exp = 3

class Objective:
    def __init__(self, output: Output, alpha: float, averages_outputs: bool) -> None: ...

class Rule:
    @staticmethod
    def sgd(learning_rate: float, momentum: float, nesterov: bool) -> Rule: ...

    @staticmethod
    def adam(learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> Rule: ...

class Network32:
    def __init__(self, layers: Sequence[tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], Activation]], output: Output) -> None: ...

class Session32:
    def __init__(self, instruction_set: str, threads: int, rows: Rows, labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, values: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, objective: Objective, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, total: float) -> None: ...

    @property
    def count(self) -> int: ...

    def cost(self, network: Network32) -> tuple[float, float]: ...

    def cost_and_gradient(self, network: Network32) -> tuple[float, float, list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]]]: ...

    def descend(self, network: Network32, learning_rate: float, costs: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], accuracies: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], report: object | None) -> tuple[int, list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]]]: ...

    def batches(self, network: Network32, rule: Rule, batch_size: int) -> Batches32: ...

class PartSession32:
    def __init__(self, instruction_set: str, rows: Rows, labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, values: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, objective: Objective, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, total: float, kept: bool) -> None: ...

    @property
    def count(self) -> int: ...

    def cost(self, network: Network32) -> tuple[float, float]: ...

    def cost_and_gradient(self, network: Network32) -> tuple[float, float, list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]]]: ...

class Batches32:
    def epoch(self, order: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], learning_rate: float | None, costs: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], accuracies: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], report: object | None) -> int: ...

    def parameters(self) -> list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]]: ...

    def moments(self) -> tuple[int, list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]], list[tuple[NDArray[numpy.float32], NDArray[numpy.float32]]]]: ...

    def restore(self, steps: int, first: Network32, second: Network32) -> None: ...

class Predictor32:
    def __init__(self, instruction_set: str, network: Network32, scale: float, least: float, most: float) -> None: ...

    def outputs(self, x: object) -> NDArray[numpy.float32]: ...

    def label(self, x: object) -> int: ...

@overload
def outputs(instruction_set: str, threads: int, network: Network32, rows: Rows) -> NDArray[numpy.float32]: ...

@overload
def outputs(instruction_set: str, threads: int, network: Network64, rows: Rows) -> NDArray[numpy.float64]: ...

class Network64:
    def __init__(self, layers: Sequence[tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], Activation]], output: Output) -> None: ...

class Session64:
    def __init__(self, instruction_set: str, threads: int, rows: Rows, labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, values: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, objective: Objective, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, total: float) -> None: ...

    @property
    def count(self) -> int: ...

    def cost(self, network: Network64) -> tuple[float, float]: ...

    def cost_and_gradient(self, network: Network64) -> tuple[float, float, list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]]: ...

    def descend(self, network: Network64, learning_rate: float, costs: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], accuracies: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], report: object | None) -> tuple[int, list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]]: ...

    def batches(self, network: Network64, rule: Rule, batch_size: int) -> Batches64: ...

class PartSession64:
    def __init__(self, instruction_set: str, rows: Rows, labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, values: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, objective: Objective, weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, total: float, kept: bool) -> None: ...

    @property
    def count(self) -> int: ...

    def cost(self, network: Network64) -> tuple[float, float]: ...

    def cost_and_gradient(self, network: Network64) -> tuple[float, float, list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]]: ...

class Batches64:
    def epoch(self, order: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], learning_rate: float | None, costs: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], accuracies: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], report: object | None) -> int: ...

    def parameters(self) -> list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]: ...

    def moments(self) -> tuple[int, list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]], list[tuple[NDArray[numpy.float64], NDArray[numpy.float64]]]]: ...

    def restore(self, steps: int, first: Network64, second: Network64) -> None: ...

class Predictor64:
    def __init__(self, instruction_set: str, network: Network64, scale: float, least: float, most: float) -> None: ...

    def outputs(self, x: object) -> NDArray[numpy.float64]: ...

    def label(self, x: object) -> int: ...

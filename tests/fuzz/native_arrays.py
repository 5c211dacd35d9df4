"""The arrays of a case of the native engine: a network, rows, targets, weights and an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from handgrad.layers import Layer
from handgrad.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.outcome import Case

SPARSE = (
    "csr_array",
    "csr_matrix",
    "csc_array",
    "coo_array",
    "lil_array",
    "dok_array",
    "bsr_array",
)
ODD_CSR = ("none", "unsorted", "twice", "zeros", "int64", "strided")
BROKEN_CSR = (
    *("column", "negative column", "huge column", "falling starts", "starts too far", "late start"),
    *("short data", "short indices", "negative start", "few starts"),
)
NEEDS_ENTRIES = ("column", "negative column", "huge column", "short data", "short indices")


def inputs_of(case: Case) -> tuple[Network, Any, Any, Any]:
    """Make the network, rows, targets and weights of a case, the same ones each time."""
    seed = case["seed"]
    network = network_of(case, np.random.default_rng(seed))
    X = _rows(case, np.random.default_rng(seed + 1))
    random = np.random.default_rng(seed + 2)
    return network, X, _targets(case, network, random), _weights(case, random)


def network_of(case: Case, random: np.random.Generator) -> Network:
    sizes = [case["D"], *case["hidden"], case["K"]]
    activations = [case["activation"]] * len(case["hidden"]) + ["identity"]
    spread = {"identity": 0.25, "exp": 0.1}.get(case["output"], 1)  # else values overflow

    def numbers(*shape: int) -> np.ndarray:
        return np.round(random.normal(0, spread, shape) * 64) / 64

    layers = [
        Layer(numbers(outputs, inputs), numbers(outputs, 1), activation)
        for inputs, outputs, activation in zip(sizes, sizes[1:], activations, strict=False)
    ]
    return Network.of_layers(layers, case["output"]).astype(case["dtype"])


def numbers_of(case: Case, random: np.random.Generator) -> np.ndarray:
    m, D, kind = case["m"], case["D"], np.dtype(case["type"]).kind
    integers: np.ndarray = (
        random.integers(0, 256, (m, D)) if kind in "biu" else random.normal(0, 1, (m, D))
    )
    if kind in "iu" and case["type"] != "uint8":
        integers = integers % 8
    if case["values"] == "eighths":
        integers = np.round(integers * 8) / 8
    there = random.random((m, D)) < (0 if case["values"] == "zeros" else case["density"])
    return integers * there


def _rows(case: Case, random: np.random.Generator) -> Any:
    X: Any = numbers_of(case, random).astype(case["type"])
    if X.dtype.kind == "f" and case["values"] in ("nan", "inf", "1e300", "1e-300", "-0.0"):
        X[-1, -1] = float(case["values"])
    if (
        case["sparse"] is not None
        and X.dtype.kind in "buif"
        and X.dtype.isnative
        and X.dtype != "f2"
    ):
        made = getattr(sparse, case["sparse"])(X)
        return _damaged_csr(case, made) if made.format == "csr" else made
    return _laid_out(case, X)


def _laid_out(case: Case, X: np.ndarray) -> Any:
    layout = case["layout"]
    if layout == "every second":
        return X.repeat(2, axis=0).repeat(2, axis=1)[::2, ::2]
    if layout == "reversed":
        return X[::-1].copy()[::-1]
    if layout == "backwards":
        return X[:, ::-1].copy()[:, ::-1]
    if layout == "read-only":
        X.flags.writeable = False
        return X
    if layout == "unaligned":
        return np.ndarray(X.shape, X.dtype, b"\0" + X.tobytes(), 1) if X.dtype != object else X
    if layout == "one row":
        return np.broadcast_to(X[0], X.shape)
    if layout == "masked":
        return np.ma.masked_array(X, mask=False)
    others: dict[str, Callable[[], Any]] = {
        "F": lambda: np.asfortranarray(X),
        "list": X.tolist,
        "matrix": lambda: X.view(np.matrix),
        "flat": X.ravel,
        "cube": lambda: X[None],
        "columns": lambda: X.T,
        "wide": lambda: np.hstack([X, X[:, :1]]),
        "empty": lambda: X[:0],
        "number": lambda: X[0, 0],
    }
    return others.get(layout, lambda: X)()


def _damaged_csr(case: Case, X: Any) -> Any:
    """Break a promise of CSR, after SciPy has checked it."""
    damage, stored = case["damage"], X.nnz
    if damage == "int64":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    elif damage == "strided":
        X.indices, X.data = X.indices.repeat(2)[::2], X.data.repeat(2)[::2]
    elif damage == "few starts":
        X.indptr = X.indptr[:-1]
    elif damage == "late start":
        X.indptr[0] = 1
    elif damage == "negative start":
        X.indptr[0] = -1
    elif damage == "starts too far":
        X.indptr[-1] += 1000
    elif damage == "falling starts":
        X.indptr[len(X.indptr) // 2] = stored + 5
    elif damage == "short data":
        X.data = X.data[:-1]
    elif damage == "short indices":
        X.indices = X.indices[:-1]
    elif stored:
        _damage_entries(damage, X)
    return X


def _damage_entries(damage: str, X: Any) -> None:
    last = X.indptr[-2]
    if damage == "unsorted":
        X.indices[last:], X.data[last:] = X.indices[last:][::-1].copy(), X.data[last:][::-1].copy()
        X.has_sorted_indices = False
    elif damage == "twice":
        X.indices[last:] = X.indices[-1]
        X.has_canonical_format = False
    elif damage == "zeros":
        X.data[0] = 0
    elif damage == "column":
        X.indices[-1] = X.shape[1]
    elif damage == "negative column":
        X.indices[0] = -1
    elif damage == "huge column":
        X.indices = X.indices.astype(np.int64)
        X.indices[-1] = 2**32


def _targets(case: Case, network: Network, random: np.random.Generator) -> Any:
    if network.predicts == "classes":
        return _labels(case, network.classes, random)
    m, K, kind = case["m"], case["K"], case["targets"]
    y: Any = random.integers(0, 2 if network.predicts == "labels" else 5, (m, K))
    if network.output == "identity":
        y = np.round(random.normal(size=(m, K)) * 8) / 8
    singles = {"K": K, "-1": -1, "2**31": 2**31, "2**63": 2.0**63, "nan": np.nan}
    if kind in singles:
        y = y.astype(float)
        y[-1, -1] = singles[kind]
    return _made(kind, y)


def _labels(case: Case, K: int, random: np.random.Generator) -> Any:
    m, kind = case["m"], case["targets"]
    y: Any = random.integers(0, K, m)
    singles = {"K": K, "-1": -1, "2**31": 2**31, "2**32": 2**32, "-2**63": -(2**63)}
    if kind in singles:
        y[-1] = singles[kind]
    elif kind == "2**63":
        y = y.astype(np.uint64)
        y[-1] = 2**63
    elif kind == "read-only":
        y.flags.writeable = False
    if kind == "one-hot":
        return np.eye(K, dtype=int)[y]
    return np.full(m, np.nan) if kind == "nan" else _made(kind, y)


def _made(kind: str, y: np.ndarray) -> Any:
    """Return targets in another form, or with a wrong shape or type."""
    others: dict[str, Callable[[], Any]] = {
        "list": y.tolist,
        "int8": lambda: y.astype(np.int8),
        "uint64": lambda: abs(y).astype(np.uint64),
        ">i4": lambda: y.astype(">i4"),
        "strided": lambda: y.repeat(2, axis=0)[::2],
        "floats": lambda: y.astype(float),
        "bools": lambda: y.astype(bool),
        "texts": lambda: y.astype(str),
        "objects": lambda: y.astype(object),
        "column": lambda: y[:, None],
        "short": lambda: y[:-1],
        "long": lambda: np.concatenate([y, y[:1]]),
        "none": lambda: None,
        "flat": y.ravel,
        "right": lambda: y.astype(np.int32) if y.dtype.kind == "i" else y,
    }
    return others.get(kind, lambda: y)()


def _weights(case: Case, random: np.random.Generator) -> Any:
    m, kind = case["m"], case["weights"]
    counts = random.integers(0, 4, m).astype(float)
    counts[0] = 1
    singles = {"negative": -1.0, "nan": np.nan, "inf": np.inf}
    if kind in singles:
        counts[-1] = singles[kind]
    others = {
        "none": lambda: None,
        "ones": lambda: np.ones(m),
        "list": counts.tolist,
        "float32": lambda: counts.astype(np.float32),
        "tiny": lambda: counts * 1e-300,
        "huge": lambda: counts * 1e300,
        "one of all": lambda: np.eye(m)[0],
        "zeros": lambda: np.zeros(m),
        "short": lambda: counts[:-1],
        "column": lambda: counts[:, None],
        "texts": lambda: ["one"] * m,
        "strided": lambda: counts.repeat(2)[::2],
    }
    return others.get(kind, lambda: counts)()


def order_of(case: Case) -> Any:
    m, kind = case["m"], case["order"]
    shuffled = np.random.default_rng(case["seed"] + 3).permutation(m)
    singles = {"m": m, "-1": -1}
    if kind in singles:
        shuffled[-1] = singles[kind]
    others = {
        "none": lambda: None,
        "twice": lambda: np.tile(shuffled, 2),
        "part": lambda: shuffled[: max(1, m // 2)],
        "list": shuffled.tolist,
        "strided": lambda: shuffled.repeat(2)[::2],
        "uint8": lambda: (shuffled % 256).astype(np.uint8),
        ">i4": lambda: shuffled.astype(">i4"),
        "reversed": lambda: shuffled[::-1],
        "2**63": lambda: np.array([2**63], np.uint64),
        "2**64-1": lambda: np.array([0, 2**64 - 1], np.uint64),
        "empty": list,
        "floats": lambda: shuffled.astype(float),
        "bools": lambda: np.ones(m, bool),
        "matrix": lambda: shuffled[:, None],
    }
    return others.get(kind, lambda: shuffled)()

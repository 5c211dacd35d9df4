"""Calls of the native engine: both engines agree on the figures, or both refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from handgrad import Network, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.errors import EngineError, HandgradError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzz.outcome import Case
    from handgrad.engines import Engine
    from handgrad.network import Output

NAME = "native"
LARGE_IS_ASKED = False
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}

SIZES = (1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65)
ROWS = (*SIZES, 95, 97, 192, 193, 257)
CALLS = ("gradient", "probabilities", "descend", "batches", "predictor", "changed meanwhile")
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
NO_CSR = (
    *("column", "negative column", "huge column", "falling starts", "starts too far", "late start"),
    *("short data", "short indices", "negative start", "few starts"),
)
NEEDS_ENTRIES = ("column", "negative column", "huge column", "short data", "short indices")

# What fits, and what is odd or wrong; an input has at most two of the latter.
CHOICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "type": (
        ("uint8", "float32", "float64"),
        (
            *("bool", "int8", "int16", "int64", "uint32", "uint64", "float16", "longdouble"),
            *(">f8", ">f4", "complex128", "object", "U3", "M8[s]"),
        ),
    ),
    "layout": (
        (
            "C",
            "C",
            "F",
            "every second",
            "reversed",
            "backwards",
            "read-only",
            "unaligned",
            "one row",
        ),
        ("list", "matrix", "masked", "flat", "cube", "columns", "wide", "empty", "number"),
    ),
    "damage": (ODD_CSR, NO_CSR),
    "values": (("usual", "usual", "eighths", "zeros", "-0.0"), ("nan", "inf", "1e300", "1e-300")),
    "labels": (
        ("right", "right", "list", "int8", "uint64", ">i4", "strided", "read-only"),
        (
            *("K", "-1", "2**31", "2**32", "2**63", "-2**63", "floats", "bools", "texts"),
            *("objects", "one-hot", "column", "short", "long", "none", "nan"),
        ),
    ),
    "weights": (
        ("none", "none", "ones", "counts", "list", "float32", "tiny", "one of all", "strided"),
        ("huge", "negative", "zeros", "nan", "inf", "short", "column", "texts"),
    ),
    "order": (
        ("none", "shuffled", "twice", "part", "list", "strided", "uint8", ">i4", "reversed"),
        ("m", "-1", "2**63", "2**64-1", "empty", "floats", "bools", "matrix"),
    ),
}


def draw(random: Random) -> Case:
    """Choose shapes, types, layouts and settings; the numbers follow from the seed."""
    odd = random.sample(list(CHOICES), random.choice((0, 1, 1, 2)))
    chosen = {name: random.choice(right[name in odd]) for name, right in CHOICES.items()}
    return chosen | {
        "seed": random.getrandbits(32),
        "m": random.choice(ROWS),
        "D": random.choice(SIZES),
        "H": random.choice(SIZES),
        "K": random.choice(SIZES),
        "dtype": random.choice(list(TOLERANCE)),
        "call": random.choice(CALLS),
        "sparse": random.choice(SPARSE) if random.random() < 0.4 else None,
        "density": random.choice((0, 0.02, 0.2, 0.4, 1)),
        "threads": random.choice((1, 1, 2, 3)),
        "rule": random.choice(("sgd", "momentum", "nesterov", "adam")),
        "batch": random.choice((1, 2, 7, 16, 64, 1000, 2**40)),
        "alpha": random.choice((0.0, 0.0, 0.1, np.float32(0.5).item())),
        "logistic": random.random() < 0.2,
        "steps": random.choice((0, 1, 3)),
    }


def run(case: Case) -> None:
    """Make the call of both engines, and compare."""
    call = _CALLS[case["call"]]
    with np.errstate(all="ignore"):
        if case["call"] == "changed meanwhile":
            call(get_engine("native", threads=case["threads"]), case)
            return
        found = _attempt(call, get_engine("native", threads=case["threads"]), case)
        if _is_no_csr(case):  # SciPy, and with it the reference engine, trusts what it is given
            assert isinstance(found, HandgradError), "a damaged sparse matrix is taken"
            raise found
        expected = _attempt(call, get_engine("reference"), case)
    if isinstance(expected, HandgradError) != isinstance(found, HandgradError):
        raise AssertionError(f"reference: {_said(expected)}; native: {_said(found)}")
    if isinstance(found, HandgradError):
        raise found
    if not _is_beyond_comparison(case):
        _compare(found, expected, case)


def _is_no_csr(case: Case) -> bool:
    if case["damage"] not in NO_CSR or case["call"] == "predictor":  # which takes dense samples
        return False
    X = _inputs(case)[1]
    if not sparse.issparse(X) or X.format != "csr":
        return False
    return bool(X.nnz) or case["damage"] not in NEEDS_ENTRIES


def _is_beyond_comparison(case: Case) -> bool:
    """Tell whether only memory is at stake: figures overflow, or many steps add up rounding."""
    overflows = case["weights"] in ("tiny", "huge") and case["alpha"] > 0
    steps = case["m"] // case["batch"] if case["call"] == "batches" else case["steps"]
    most = 4 if case["dtype"] == "float32" else 40
    return overflows or steps > most or case["values"] in ("1e300", "1e-300")


def _said(outcome: Any) -> str:
    return f"refuses ({outcome})" if isinstance(outcome, HandgradError) else "computes"


def _attempt(call: Any, engine: Engine, case: Case) -> Any:
    try:
        return call(engine, case)
    except HandgradError as error:
        return error


def _compare(found: list[Any], expected: list[Any], case: Case) -> None:
    assert len(found) == len(expected)
    for mine, other in zip(found, expected, strict=True):
        mine, other = np.asarray(mine), np.asarray(other)
        assert mine.shape == other.shape, f"shapes {mine.shape} and {other.shape}"
        assert mine.dtype == other.dtype, f"types {mine.dtype} and {other.dtype}"
        if not other.size:
            continue
        largest = max(1.0, float(np.nanmax(np.abs(other))) if np.isfinite(other).any() else 1.0)
        close = np.isclose(
            mine, other, rtol=0, atol=TOLERANCE[case["dtype"]] * largest, equal_nan=True
        )
        assert close.all() or _near_a_kink(case), (
            f"figures that differ by {np.abs(mine - other).max()}"
        )


def _near_a_kink(case: Case) -> bool:
    """Tell whether some Z1 is so near to 0 that rounding decides about its mask."""
    network = _network(case, np.random.default_rng(case["seed"])).astype(np.float64)
    X = _numbers(case, np.random.default_rng(case["seed"] + 1)).astype(np.float64)
    if case["type"] == "uint8":
        X /= 255
    Z1 = network.W1 @ X.T + network.b1
    margin = 1e-5 if case["dtype"] == "float32" else 1e-13
    return bool((np.abs(Z1) < margin * max(1, np.abs(X).max())).any())


def _gradient(engine: Engine, case: Case) -> list[Any]:
    network, X, y, weights = _inputs(case)
    cost, gradient = engine.cost_and_gradient(network, X, y, sample_weight=weights)
    return [cost, *gradient]


def _probabilities(engine: Engine, case: Case) -> list[Any]:
    network, X, _, _ = _inputs(case)
    return [engine.predict_proba(network, X)]


def _descend(engine: Engine, case: Case) -> list[Any]:
    network, X, y, weights = _inputs(case)
    network, costs = engine.descend(
        network,
        X,
        y,
        learning_rate=0.125,
        iterations=case["steps"],
        sample_weight=weights,
        alpha=case["alpha"],
    )
    return [costs, *network.parameters]


def _batches(engine: Engine, case: Case) -> list[Any]:
    network, X, y, weights = _inputs(case)
    batches = _begun(engine, case, network, X, y, weights)
    order = _order(case)
    costs = [batches.epoch(order), batches.epoch(order, learning_rate=0.0625)]
    return [*costs, *batches.network.parameters]


def _begun(engine: Engine, case: Case, network: Network, X: Any, y: Any, weights: Any) -> Any:
    rate = 0.03125
    rules: dict[str, Sgd | Adam] = {
        "sgd": Sgd(rate),
        "momentum": Sgd(rate, 0.5),
        "nesterov": Sgd(rate, 0.5, nesterov=True),
        "adam": Adam(rate, epsilon=0.125),  # a small one would make much of rounding
    }
    return engine.batches(
        network,
        X,
        y,
        rule=rules[case["rule"]],
        batch_size=case["batch"],
        sample_weight=weights,
        alpha=case["alpha"],
    )


def _predictor(engine: Engine, case: Case) -> list[Any]:
    network, X, _, _ = _inputs(case | {"sparse": None})
    predictor = engine.predictor(network)
    x = X if case["layout"] in ("number", "flat", "cube") else X[0] if len(X) else X
    probabilities = predictor.probabilities(x)
    label = predictor.label(x)
    assert probabilities[label] == probabilities.max() or np.isnan(probabilities).any()
    return [probabilities]


def _changed_meanwhile(engine: Engine, case: Case) -> None:
    """Change what was handed over while the core works with it: it may compute anything, but in
    its own memory.
    """
    network, X, y, weights = _inputs(case)
    given = [X, y, weights]

    def spoil(*_: Any) -> None:
        for array in given:
            parts = ("indices", "indptr", "data") if sparse.issparse(array) else ()
            for part in [array, *(getattr(array, name, None) for name in parts)]:
                if (
                    isinstance(part, np.ndarray)
                    and part.flags.writeable
                    and part.dtype.kind in "iuf"
                ):
                    part[...] = np.iinfo(part.dtype).max if part.dtype.kind in "iu" else np.nan

    if case["steps"] > 1:
        engine.descend(network, X, y, learning_rate=0.125, iterations=50, on_progress=spoil)
        return
    batches = _begun(engine, case, network, X, y, weights)
    order = _order(case)
    batches.epoch(order, on_progress=spoil)
    spoil()
    batches.epoch(order)
    batches.epoch()


_CALLS = {
    "gradient": _gradient,
    "probabilities": _probabilities,
    "descend": _descend,
    "batches": _batches,
    "predictor": _predictor,
    "changed meanwhile": _changed_meanwhile,
}


def _inputs(case: Case) -> tuple[Network, Any, Any, Any]:
    """Make the network, rows, labels and weights of a case, the same ones each time."""
    seed = case["seed"]
    network = _network(case, np.random.default_rng(seed))
    X = _rows(case, np.random.default_rng(seed + 1))
    random = np.random.default_rng(seed + 2)
    return network, X, _labels(case, random), _weights(case, random)


def _network(case: Case, random: np.random.Generator) -> Network:
    D, H = case["D"], case["H"]
    output: Output = "logistic" if case["logistic"] else "softmax"
    K = 1 if case["logistic"] else case["K"]
    shapes = ((H, D), (H, 1), (K, H), (K, 1))
    arrays = [np.round(random.normal(0, 1, shape) * 64) / 64 for shape in shapes]
    return Network(*arrays, output=output).astype(case["dtype"])


def _numbers(case: Case, random: np.random.Generator) -> np.ndarray:
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
    X: Any = _numbers(case, random).astype(case["type"])
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


def _labels(case: Case, random: np.random.Generator) -> Any:
    m, K, kind = case["m"], case["K"], case["labels"]
    y: Any = random.integers(0, K, m)
    singles = {"K": K, "-1": -1, "2**31": 2**31, "2**32": 2**32, "-2**63": -(2**63)}
    if kind in singles:
        y[-1] = singles[kind]
    elif kind == "2**63":
        y = y.astype(np.uint64)
        y[-1] = 2**63
    elif kind == "read-only":
        y.flags.writeable = False
    others: dict[str, Callable[[], Any]] = {
        "list": y.tolist,
        "int8": lambda: y.astype(np.int8),
        "uint64": lambda: y.astype(np.uint64),
        ">i4": lambda: y.astype(">i4"),
        "strided": lambda: y.repeat(2)[::2],
        "floats": lambda: y.astype(float),
        "bools": lambda: y.astype(bool),
        "texts": lambda: y.astype(str),
        "objects": lambda: y.astype(object),
        "one-hot": lambda: np.eye(K, dtype=int)[y],
        "column": lambda: y[:, None],
        "short": lambda: y[:-1],
        "long": lambda: np.append(y, 0),
        "none": lambda: None,
        "nan": lambda: np.full(m, np.nan),
        "right": lambda: y.astype(np.int32),
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


def _order(case: Case) -> Any:
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


def there() -> bool:
    """Tell whether this installation has the native engine."""
    try:
        get_engine("native")
    except EngineError:
        return False
    return True

"""Calls of the native engine with networks of any depth, activation and output.

Both engines agree on the figures, or both refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from fuzz.native_arrays import (
    BROKEN_CSR,
    NEEDS_ENTRIES,
    ODD_CSR,
    SPARSE,
    inputs_of,
    network_of,
    numbers_of,
    order_of,
)
from handgrad import backpropagation, get_engine
from handgrad.engines import Adam, Sgd
from handgrad.errors import EngineError, HandgradError
from handgrad.layers import ACTIVATIONS
from handgrad.network import OUTPUTS
from handgrad.objective import Objective

if TYPE_CHECKING:
    from random import Random

    from fuzz.outcome import Case
    from handgrad import Network
    from handgrad.engines import Engine

NAME = "native"
LARGE_IS_ASKED = False
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}

SIZES = (1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65)
ROWS = (*SIZES, 95, 97, 192, 193, 257)
CALLS = ("gradient", "outputs", "descend", "batches", "predictor", "changed meanwhile")
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
    "damage": (ODD_CSR, BROKEN_CSR),
    "values": (("usual", "usual", "eighths", "zeros", "-0.0"), ("nan", "inf", "1e300", "1e-300")),
    "targets": (
        ("right", "right", "list", "int8", "uint64", ">i4", "strided", "read-only"),
        (
            *("K", "-1", "2**31", "2**32", "2**63", "-2**63", "floats", "bools", "texts"),
            *("objects", "one-hot", "column", "flat", "short", "long", "none", "nan"),
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
        "hidden": random.choices(SIZES, k=random.choice((0, 1, 1, 1, 2, 3))),
        "activation": random.choice(ACTIVATIONS),
        "K": random.choice(SIZES),
        "dtype": random.choice(list(TOLERANCE)),
        "call": random.choice(CALLS),
        "sparse": random.choice(SPARSE) if random.random() < 0.4 else None,
        "density": random.choice((0, 0.02, 0.2, 0.4, 1)),
        "threads": random.choice((1, 1, 2, 3)),
        "rule": random.choice(("sgd", "momentum", "nesterov", "adam")),
        "batch": random.choice((1, 2, 7, 16, 64, 1000, 2**40)),
        "alpha": random.choice((0.0, 0.0, 0.1, np.float32(0.5).item())),
        "output": random.choice(("softmax", "softmax", *OUTPUTS)),
        "averages": random.random() < 0.5,
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
        if _has_broken_csr(
            case
        ):  # SciPy, and with it the reference engine, trusts what it is given
            assert isinstance(found, HandgradError), "a damaged sparse matrix is taken"
            raise found
        expected = _attempt(call, get_engine("reference"), case)
    if isinstance(expected, HandgradError) != isinstance(found, HandgradError):
        raise AssertionError(f"reference: {_said(expected)}; native: {_said(found)}")
    if isinstance(found, HandgradError):
        raise found
    if not _is_beyond_comparison(case) and not _diverges(case, expected):
        _compare(found, expected, case)


def _has_broken_csr(case: Case) -> bool:
    if case["damage"] not in BROKEN_CSR or case["call"] == "predictor":  # which takes dense samples
        return False
    X = inputs_of(case)[1]
    if not sparse.issparse(X) or X.format != "csr":
        return False
    return bool(X.nnz) or case["damage"] not in NEEDS_ENTRIES


def _is_beyond_comparison(case: Case) -> bool:
    """Tell whether only memory is at stake: figures overflow, or many steps add up rounding."""
    overflows = (case["weights"] in ("tiny", "huge") and case["alpha"] > 0) or (
        case["targets"] in ("2**31", "2**63") and case["output"] in ("identity", "exp")
    )
    steps = case["m"] // case["batch"] if case["call"] == "batches" else case["steps"]
    most = 4 if case["dtype"] == "float32" else 40
    return overflows or steps > most or case["values"] in ("1e300", "1e-300")


def _diverges(case: Case, expected: list[Any]) -> bool:
    """Tell whether the steps of a run grow until values overflow, in some order of their own."""
    may_grow = case["output"] in ("identity", "exp") or len(case["hidden"]) > 1
    return may_grow and not all(np.isfinite(array).all() for array in expected)


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
    """Tell whether some Z of ReLU units is so near to 0 that rounding decides about its slope."""
    if case["activation"] not in ("relu", "leaky_relu"):
        return False
    network = network_of(case, np.random.default_rng(case["seed"])).astype(np.float64)
    X = numbers_of(case, np.random.default_rng(case["seed"] + 1)).astype(np.float64)
    if case["type"] == "uint8":
        X /= 255
    hidden = backpropagation.forward(network, X)[:-1]
    margin = 1e-5 if case["dtype"] == "float32" else 1e-13
    largest = max(1, np.abs(X).max(), *(np.abs(layer.A).max() for layer in hidden))
    return any(bool((np.abs(layer.Z) < margin * largest).any()) for layer in hidden)


def _gradient(engine: Engine, case: Case) -> list[Any]:
    network, X, y, weights = inputs_of(case)
    objective = Objective(network.output, alpha=case["alpha"], averages_outputs=case["averages"])
    cost, gradient, accuracy = engine.session(X, y, objective, weights).cost_and_gradient(network)
    assert np.isnan(accuracy) == (network.predicts == "values")
    return [cost, *gradient]


def _outputs(engine: Engine, case: Case) -> list[Any]:
    network, X, _, _ = inputs_of(case)
    return [engine.outputs(network, X)]


def _descend(engine: Engine, case: Case) -> list[Any]:
    network, X, y, weights = inputs_of(case)
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
    network, X, y, weights = inputs_of(case)
    batches = _begun(engine, case, network, X, y, weights)
    order = order_of(case)
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
    network, X, _, _ = inputs_of(case | {"sparse": None})
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
    network, X, y, weights = inputs_of(case)
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
    order = order_of(case)
    batches.epoch(order, on_progress=spoil)
    spoil()
    batches.epoch(order)
    batches.epoch()


_CALLS = {
    "gradient": _gradient,
    "outputs": _outputs,
    "descend": _descend,
    "batches": _batches,
    "predictor": _predictor,
    "changed meanwhile": _changed_meanwhile,
}


def there() -> bool:
    """Tell whether this installation has the native engine."""
    try:
        get_engine("native")
    except EngineError:
        return False
    return True

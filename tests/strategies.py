"""Hypothesis strategies: networks with rows and labels, of every shape down to 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from handgrad import Network
from handgrad.layers import ACTIVATIONS, Layer
from handgrad.network import OUTPUTS


class Problem(NamedTuple):
    network: Network
    X: np.ndarray
    y: np.ndarray


@st.composite
def problems(draw, dtype=None, most=8) -> Problem:
    m, D, H, K = (draw(st.integers(1, most), label=letter) for letter in "mDHK")
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    scheme = draw(st.sampled_from(["he", "uniform"]))
    dtype = dtype or draw(st.sampled_from([np.float32, np.float64]))
    network = Network.initial(
        features=D, hidden=H, classes=K, seed=int(random.integers(1000)), dtype=dtype, scheme=scheme
    )
    return Problem(network, random.normal(size=(m, D)), random.integers(K, size=m))


@st.composite
def networks(draw, outputs=OUTPUTS, most=6) -> Network:
    """Draw a network of any depth, whose layers each have their own activation."""
    sizes = draw(st.lists(st.integers(1, most), min_size=2, max_size=6), label="sizes")
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    output = draw(st.sampled_from(outputs))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    names = [draw(st.sampled_from(ACTIVATIONS)) for _ in sizes[2:]] + ["identity"]
    layers = [
        Layer(random.normal(size=(n, m)), random.normal(size=(n, 1)), name)
        for m, n, name in zip(sizes[:-1], sizes[1:], names, strict=True)
    ]
    return Network.of_layers(layers, output).astype(dtype)


@st.composite
def layered_problems(draw) -> Problem:
    """Draw a network of any depth in float64, with rows and targets that fit it."""
    network = draw(networks()).astype(np.float64)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed of rows"))
    m = draw(st.integers(1, 6), label="m")
    if network.predicts == "classes":
        y = random.integers(network.classes, size=m)
    else:
        y = random.integers(2 if network.predicts == "labels" else 4, size=(m, network.K))
    return Problem(network, random.normal(size=(m, network.D)), y)

"""Hypothesis strategies: networks with rows and labels, of every shape down to 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from handgrad import Network


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

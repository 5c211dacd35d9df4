"""Initial values: drawn from a seed, with the variance that each scheme promises."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import Network
from handgrad.errors import ShapeError


def test_the_seed_decides_the_initial_values_in_both_types():
    one, same, other = (Network.initial(seed=seed) for seed in (1, 1, 2))
    double = Network.initial(seed=1, dtype=np.float64)
    assert np.array_equal(one.W1, same.W1)
    assert not np.array_equal(one.W1, other.W1)
    assert np.array_equal(one.W1, double.W1.astype(np.float32))
    assert (one.D, one.H, one.K) == (784, 10, 10)


def test_he_values_have_variance_two_over_inputs_and_no_bias():
    network = Network.initial(features=400, hidden=300, classes=200, dtype=np.float64)
    for weights in (network.W1, network.W2):
        inputs = weights.shape[1]
        assert weights.var() == pytest.approx(2 / inputs, rel=0.02)
        assert abs(weights.mean()) < 4 * np.sqrt(2 / inputs / weights.size)
    assert not network.b1.any()
    assert not network.b2.any()


def test_uniform_values_fill_minus_a_half_to_a_half():
    network = Network.initial(features=400, hidden=300, classes=200, scheme="uniform")
    for array in network.parameters:
        assert -0.5 <= array.min() < -0.48
        assert 0.48 < array.max() < 0.5
        assert array.var() == pytest.approx(1 / 12, rel=0.15)


@pytest.mark.parametrize(
    "settings", [{"hidden": 0}, {"features": -1}, {"classes": 0}, {"scheme": "x"}, {"dtype": "i4"}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ShapeError, match="expected"):
        Network.initial(**settings)


@pytest.mark.parametrize("name", ["features", "hidden", "classes"])
@pytest.mark.parametrize("size", [3 * 10**17, 10**30, 10**5000], ids=["large", "huge", "endless"])
def test_sizes_beyond_memory_are_refused(name, size):
    with pytest.raises(ShapeError, match=r"does not fit into memory; expected smaller") as raised:
        Network.initial(**{name: size})
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "settings",
    [
        *[{"hidden": size} for size in (2.5, True, None, "3", [2.5], ["3"])],
        *[{"seed": seed} for seed in (-1, 0.5, True, None, "seed", [1])],
        *[{"dtype": dtype} for dtype in ("x", "float16", object(), [1])],
        *[{"scheme": scheme} for scheme in (["he"], 3)],
    ],
    ids=str,
)
def test_odd_settings_are_refused(settings):
    with pytest.raises(ShapeError, match=f"{next(iter(settings))} is .*; expected"):
        Network.initial(**settings)

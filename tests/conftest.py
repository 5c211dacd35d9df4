"""What the tests share: oracles from outside, and strategies for networks of any shape."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("handgrad", deadline=None, print_blob=True)
hypothesis.settings.load_profile("handgrad")

# Programs: one needs PyTorch, the others fork.
collect_ignore = ["golden/make.py", "fuzz/campaign.py", "fuzz/children.py"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(relative: str) -> Path:
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"{path} is not there: this oracle is not part of the repository")
    return path


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    return _shared("data/mnist")


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    """PyTorch's autograd in float64, as figures."""
    return _shared("golden")

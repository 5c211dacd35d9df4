"""What the tests share: oracles from outside, and strategies for networks of any shape."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from handgrad.__main__ import main
from handgrad.engines.dask.cluster import UNUSED_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

hypothesis.settings.register_profile("handgrad", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "few", hypothesis.settings.get_profile("handgrad"), max_examples=10
)
hypothesis.settings.load_profile("handgrad")

# Programs: one needs PyTorch, the others fork.
collect_ignore = ["golden/make.py", "golden/make_layers.py", "fuzz/campaign.py", "fuzz/children.py"]

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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Start two processes of one thread, which all tests on a cluster share."""
    distributed = pytest.importorskip("distributed")
    # Dask writes to the standard error of its import, which pytest has closed by the end.
    logging.getLogger("distributed").handlers.clear()
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": UNUSED_PORT},
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


@pytest.fixture
def run(capsys):
    """Run the command line; return its exit status, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture
def run_json(run):
    def run_json(*arguments):
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return run_json

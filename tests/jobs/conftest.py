"""What the tests of jobs share: flowers as a CSV file."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris


@pytest.fixture
def flowers(tmp_path):
    table = load_iris(as_frame=True)
    path = tmp_path / "flowers.csv"
    names = np.array(["setosa", "versicolor", "virginica"])[table.target]
    table.data.assign(species=names).to_csv(path, index=False)
    return path

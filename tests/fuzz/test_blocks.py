from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import block_files, csv_files
from fuzz.outcome import assert_sound
from fuzz.scratch import written
from handgrad import data
from handgrad.errors import HandgradError


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_damaged_tables_are_read_whole_or_refused(random):
    assert_sound(block_files, random)


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))  # these draws are long
def test_blocks_of_a_csv_file_are_what_load_reads(seed):
    case = csv_files.draw(Random(seed))
    source = Path(written(case["files"]), case["name"])
    options = {name: case[name] for name in ("label", "predicts", "features")}
    try:
        blocks = data.open_blocks(source, leaf_rows=3, **options)
        X, y = blocks.load()
    except HandgradError:
        found = None
    else:
        found = X, y
    try:
        whole = data.load(source, **options)
    except HandgradError as error:
        assert found is None or _only_load_refuses(str(error), case)  # noqa: PT017
        return
    assert found is not None
    np.testing.assert_array_equal(found[0], whole.X_train, strict=True)
    np.testing.assert_array_equal(found[1].reshape(whole.y_train.shape), whole.y_train)
    assert blocks.fingerprint == whole.fingerprint
    assert blocks.class_names == whole.class_names
    assert blocks.feature_names == whole.feature_names
    assert blocks.image_shape == whole.image_shape


def _only_load_refuses(error, case):
    """Blocks may be of one class, and do not decode columns that nobody asked for."""
    skips_columns = case["features"] is not None
    return "of a single class" in error or (skips_columns and "is not UTF-8" in error)

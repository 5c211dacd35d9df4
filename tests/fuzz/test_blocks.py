from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import block_files
from fuzz.outcome import assert_sound


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_damaged_tables_are_read_whole_or_refused(random):
    assert_sound(block_files, random)

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import checkpoint_files
from fuzz.outcome import assert_sound


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_a_damaged_checkpoint_is_refused_or_continues(random):
    assert_sound(checkpoint_files, random)

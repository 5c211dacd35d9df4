from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import model_files
from fuzz.outcome import assert_sound


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_a_damaged_model_is_refused_or_can_be_used(random):
    assert_sound(model_files, random)

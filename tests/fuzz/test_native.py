from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import native_calls
from fuzz.outcome import assert_sound


@pytest.mark.skipif(not native_calls.there(), reason="there is no native engine")
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_both_engines_agree_or_refuse(random):
    assert_sound(native_calls, random)

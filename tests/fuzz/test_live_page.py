from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import page_requests
from fuzz.outcome import assert_sound


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_no_request_is_an_error_of_the_page(random):
    assert_sound(page_requests, random)

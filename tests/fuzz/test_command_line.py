from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import command_lines
from fuzz.outcome import assert_sound


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_a_command_ends_with_a_result_or_one_sentence(random):
    assert_sound(command_lines, random)

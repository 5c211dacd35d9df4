"""The view Break it: planted mistakes turn the gradient check red."""

from __future__ import annotations

import pytest

from browser.learner import (
    go_to,
    settled,
)


@pytest.mark.parametrize(
    ("title", "wrong"),
    [
        ("Forget the ReLU mask", {"dW1", "db1"}),
        ("Forget the 1/m", {"dW1", "db1", "dW2", "db2"}),
        ("Turn the sign around", {"dW1", "db1", "dW2", "db2"}),
        ("Forget to transpose W2", {"dW1", "db1"}),
    ],
)
def test_a_planted_mistake_turns_the_check_red(opened_page, title, wrong):
    go_to(opened_page, "view=break&sample=5&m=6")
    check = opened_page.locator(".check")
    assert check.locator(".failed").count() == 0
    switch = opened_page.get_by_role("switch", name=title)
    switch.check()
    settled(opened_page)
    failed = {text.split()[-1] for text in check.locator(".failed th").all_inner_texts()}
    assert failed == wrong
    switch.uncheck()
    settled(opened_page)
    assert check.locator(".failed").count() == 0


def test_a_plain_softmax_breaks_on_large_logits_only(opened_page):
    go_to(opened_page, "view=break&sample=5&m=6")
    opened_page.get_by_role("switch", name="Softmax without the shift").check()
    settled(opened_page)
    assert opened_page.locator(".check .failed").count() == 0
    opened_page.get_by_role("button", name="Make the logits large").click()
    settled(opened_page)
    assert opened_page.locator(".check .failed").count() == 4
    assert "not a number" in opened_page.locator(".check").inner_text()

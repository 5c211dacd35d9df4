"""Links carry what the page shows, and the tour leads through it."""

from __future__ import annotations

import pytest

from browser.learner import (
    VIEWS,
    draw,
    fragment_of,
    go_to,
    open_view,
    probabilities,
    settled,
)
from texts import found_in


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_opens_the_same_view(opened_page, new_page, view):
    go_to(opened_page, "view=pass&sample=9&step=8&m=3&entry=dA1.4.1&rate=0.5")
    open_view(opened_page, view)
    settled(opened_page)
    with new_page(viewport={"width": 1280, "height": 800}) as other:
        other.goto(opened_page.url)
        settled(other)
        for part in ("h1", "#sample", ".sum"):
            here, there = opened_page.locator(part), other.locator(part)
            assert here.all_inner_texts() == there.all_inner_texts()


def test_a_link_carries_a_drawing_pixel_by_pixel(opened_page, new_page):
    draw(opened_page)
    opened_page.get_by_label("It is meant to be").select_option(label="8")
    settled(opened_page)
    with new_page() as other:
        other.goto(opened_page.url)
        settled(other)
        assert probabilities(other) == probabilities(opened_page)
        assert other.get_by_label("It is meant to be").input_value() == "8"
        assert fragment_of(other)["drawn"] == fragment_of(opened_page)["drawn"]


@pytest.mark.parametrize(
    "fragment",
    [
        "view=nowhere",
        "view=pass&step=99&sample=100000&m=-1&entry=Z9.1.1",
        "view=pass&step=1&entry=Z1.9999.0&m=64",
        "view=draw&drawn=%%%",
        "view=draw&drawn=AAAA",
        "view=descend&rate=NaN",
        "view=break&mistakes=none.at.all",
        "a=b&c",
    ],
)
def test_a_damaged_link_still_opens_the_page(page, exported_page, fragment):
    page.goto(f"{exported_page.address}#{fragment}")
    settled(page)
    assert page.locator("h1").count() == 1


def test_the_tour_can_be_taken_alone(opened_page):
    opened_page.get_by_role("button", name="Take the tour").click()
    tour = opened_page.get_by_role("region", name="Guided tour")
    stops = int(found_in(tour.inner_text(), r"of (\d+)"))
    assert 8 <= stops <= 12
    titles = []
    for stop in range(stops):
        settled(opened_page)
        titles.append(tour.locator("h2").inner_text())
        assert opened_page.locator(".pointed-at").count() == 1, titles
        tour.get_by_role("button", name="Done" if stop == stops - 1 else "Next").click()
    settled(opened_page)
    assert len(set(titles)) == stops
    assert tour.is_hidden()

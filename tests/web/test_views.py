"""What the page shows of results: rows as JSON for the grid, and styles by name."""

from __future__ import annotations

import pytest

from augmentai.web.jobs.snapshot import Snapshot
from augmentai.web.views import cards, idle_view, style_name, working_view
from tests.support.finished_jobs import row_of


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("", ""),
        ("none", "none"),
        ("bank 47", "built-in 47"),
        ("bank 47 + 0.19 of bank 63", "built-in 47 + 19 % of 63"),
        ("cats/a.png 0123456789ab", "cats/a.png"),
        ("cats/a.png 0123456789ab + 0.40 of bank 63", "cats/a.png + 40 % of built-in 63"),
        ("bank 3 + 0.05 of cats/my bank 7.png 0123456789ab", "built-in 3 + 5 % of cats/my bank 7.png"),
    ],
)
def test_styles_are_named_for_people(style: str, name: str) -> None:
    assert style_name(style) == name


@pytest.mark.parametrize(
    ("geometry", "alignment"), [(None, ""), ({"name": "flip"}, "flipped"), ({"name": "strong"}, "aligned")]
)
def test_cards_say_how_the_source_is_aligned(geometry: dict[str, str] | None, alignment: str) -> None:
    row = row_of("cats/a__v1.png", "cats/a.png", "", 1, geometry=geometry, changed=0.126)
    (card,) = cards([row], {"cats/a__v1.png"})
    assert (card["alignment"], card["changed"], card["excluded"]) == (alignment, "13 %", True)


@pytest.mark.parametrize(
    ("done", "seconds", "offered"),
    [
        (0, 50.0, False),  # nothing can be said yet
        (10, 5.0, False),  # 45 seconds are left
        (10, 10.0, True),  # a minute and a half
        (100, 500.0, False),  # it is over
    ],
)
def test_a_long_job_offers_to_notify_its_visitor(done: int, seconds: float, offered: bool) -> None:
    updates = working_view(Snapshot(done, 100, seconds=seconds), first=False, earlier=[])
    assert ("notify" in updates) == offered
    assert not idle_view()["notify"].visible

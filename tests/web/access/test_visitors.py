"""What a visitor may have an hour, and who a visitor is."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from augmentai.settings import ROOT, Settings
from augmentai.web.access.public import STRANGERS_LIMITS, credentials, for_strangers
from augmentai.web.access.rate_limit import Window, wait_words
from augmentai.web.access.visitors import address_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_window_slides() -> None:
    clock = Clock()
    window = Window(10, 3600, clock)
    assert window.take("a", 6)
    clock.now += 1800
    assert window.take("a", 4)
    assert not window.take("a", 1)
    assert window.take("b", 10), "another visitor's room is their own"
    wait = window.seconds_until("a", 1)
    assert 1700 <= wait <= 1900
    clock.now += wait
    assert window.take("a", 6)
    assert not window.take("a", 1)
    assert window.seconds_until("a", 11) == math.inf


def test_what_was_not_used_can_be_had_again() -> None:
    window = Window(10)
    assert window.take("a", 10)
    window.add("a", -7)
    assert window.left("a") == 7
    window.add("a", -99)
    assert window.left("a") == 10


def test_without_a_limit_nothing_is_kept() -> None:
    window = Window(None)
    assert window.take("a", 1e12)
    assert window.left("a") == math.inf
    assert not window._taken


def test_memory_is_bounded_in_visitors_and_in_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.web.access.rate_limit._MOST_VISITORS", 50)
    clock = Clock()
    window = Window(1e9, 3600, clock)
    for number in range(5000):
        clock.now += 10
        window.take("busy", 1)
        window.take(f"visitor {number}", 1)
    assert len(window._taken) == 50
    assert "busy" in window._taken
    assert len(window._taken["busy"]) <= 62


@pytest.mark.parametrize(
    ("peer", "header", "proxies", "expected"),
    [
        ("9.9.9.9", None, 0, "9.9.9.9"),
        ("9.9.9.9", "1.2.3.4", 0, "9.9.9.9"),  # a header that nobody vouches for
        ("127.0.0.1", "1.2.3.4", 0, "127.0.0.1"),
        ("10.0.0.1", "1.2.3.4", 1, "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),  # what the visitor forged stands left of it
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", 2, "1.2.3.4"),
        ("10.0.0.1", None, 1, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", 2, "10.0.0.1"),  # fewer entries than proxies: it came past one of them
        ("10.0.0.1", "1.2.3.4:50123", 1, "1.2.3.4"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]", 1, "2001:db8:1:2::/64"),
        ("10.0.0.1", "2001:db8:1:2:ffff::9", 1, "2001:db8:1:2::/64"),  # the same customer
        ("10.0.0.1", "::ffff:1.2.3.4", 1, "1.2.3.4"),
        ("10.0.0.1", "x" * 500, 1, "x" * 64),
    ],
)
def test_the_address_that_counts(peer: str, header: str | None, proxies: int, expected: str) -> None:
    headers = [(b"x-forwarded-for", header.encode())] if header else []
    request = Request({"type": "http", "client": (peer, 5), "headers": headers})
    assert address_of(request, proxies) == expected


def test_without_a_connection_there_is_still_a_key() -> None:
    assert address_of(SimpleNamespace(client=None), 0) == ""


@pytest.mark.parametrize("how", [{"public": True}, {"share": True}, {"space_id": "somebody/augmentai"}])
def test_strangers_get_tighter_limits(how: dict[str, object]) -> None:
    served = for_strangers(Settings(**how))
    assert {name: getattr(served, name) for name in STRANGERS_LIMITS} == STRANGERS_LIMITS
    assert served.max_files < Settings().max_files


def test_the_docs_state_these_limits() -> None:
    told = " ".join((ROOT / "docs" / "deployment.md").read_text().split())
    words = {
        "visitor_images_per_hour": "{:g} images",
        "visitor_credits_per_hour": "{:g} credits of your key",
        "visitor_upload_mb_per_hour": "{:g} MB of uploads",
        "visitor_jobs": "{:g} jobs may wait at once",
        "stability_credits_per_day": "{:g} credits a day",
        "max_files": "{:g} files of at most",
        "max_file_mb": "at most {:g} MB",
        "max_megapixels": "{:g} megapixels",
        "keep_hours": "deleted after {:g} hours",
        "max_upload_mb": "one upload | {:g} MB",
        "max_zip_gb": "a ZIP that unpacks to {:g} GB",
    }
    assert set(words) == set(STRANGERS_LIMITS)
    for name, limit in STRANGERS_LIMITS.items():
        assert words[name].format(limit) in told, name


def test_what_the_owner_set_stays() -> None:
    served = for_strangers(Settings(public=True, max_files=7, visitor_images_per_hour=8, keep_hours=100))
    assert (served.max_files, served.visitor_images_per_hour, served.keep_hours) == (7, 8, 100)
    at_home = for_strangers(Settings(visitor_images_per_hour=8))
    assert (at_home.visitor_images_per_hour, at_home.visitor_jobs) == (8, None)


def test_a_share_link_asks_for_a_password_unless_told_otherwise() -> None:
    drawn = [credentials(for_strangers(Settings(share=True))) for _ in range(2)]
    assert drawn[0] != drawn[1]
    assert all(pair and len(pair[0][1]) >= 12 for pair in drawn)
    assert credentials(for_strangers(Settings(share=True, password="mine"))) == [("augmentai", "mine")]
    assert credentials(for_strangers(Settings(share=True, ask_password=False))) is None
    assert credentials(for_strangers(Settings())) is None
    assert credentials(for_strangers(Settings(password="mine"))) == [("augmentai", "mine")]


@pytest.mark.parametrize(
    ("settings", "proxies"),
    [
        (Settings(), 0),
        (Settings(space_id="a/b"), 1),
        (Settings(share=True), 1),
        (Settings(behind_proxy="/x"), 1),
        (Settings(space_id="a/b", proxies=3), 3),
    ],
)
def test_how_many_proxies_are_believed(settings: Settings, proxies: int) -> None:
    assert for_strangers(settings).proxies == proxies


def test_waiting_times_are_said_as_people_say_them() -> None:
    assert [wait_words(s) for s in (0.2, 40, 600.5)] == ["in 1 second", "in 40 seconds", "in 11 minutes"]

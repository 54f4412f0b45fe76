"""How much a visitor may use within a sliding window."""

from __future__ import annotations

import math

import pytest

from augmentai.web.access.rate_limit import SlidingWindow, wait_words


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_window_slides() -> None:
    clock = Clock()
    window = SlidingWindow(10, 3600, clock)
    assert window.reserve("a", 6)
    clock.now += 1800
    assert window.reserve("a", 4)
    assert not window.reserve("a", 1)
    assert window.reserve("b", 10), "another visitor has their own limit"
    wait = window.seconds_until("a", 1)
    assert 1700 <= wait <= 1900
    clock.now += wait
    assert window.reserve("a", 6)
    assert not window.reserve("a", 1)
    assert window.seconds_until("a", 11) == math.inf


def test_what_was_not_used_can_be_reserved_again() -> None:
    window = SlidingWindow(10)
    assert window.reserve("a", 10)
    window.add("a", -7)
    assert window.remaining("a") == 7
    window.add("a", -99)
    assert window.remaining("a") == 10


def test_without_a_limit_nothing_is_counted() -> None:
    window = SlidingWindow(None)
    assert window.reserve("a", 1e12)
    assert window.remaining("a") == math.inf
    assert not window._used


def test_memory_is_bounded_in_visitors_and_in_reservations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.web.access.rate_limit._MAX_VISITORS", 50)
    clock = Clock()
    window = SlidingWindow(1e9, 3600, clock)
    for number in range(5000):
        clock.now += 10
        window.reserve("busy", 1)
        window.reserve(f"visitor {number}", 1)
    assert len(window._used) == 50
    assert "busy" in window._used
    assert len(window._used["busy"]) <= 62


def test_waiting_times_in_words() -> None:
    assert [wait_words(s) for s in (0.2, 40, 600.5)] == ["in 1 second", "in 40 seconds", "in 11 minutes"]


def test_what_never_fits_into_a_limit_is_said_in_words_too() -> None:
    assert wait_words(SlidingWindow(10).seconds_until("a", 11)) == "when the limit is raised"

"""How many requests may be in flight: three quarters after a refusal, one more after each row of successes."""

from __future__ import annotations

import threading
import time

from augmentai.engines.concurrency import AdaptiveConcurrency


def test_it_shrinks_and_grows_within_its_bounds() -> None:
    places = AdaptiveConcurrency(8)
    limits = []
    for _ in range(6):
        places.turned_away(time.monotonic())
        limits.append(places.limit)
    assert limits == [6, 4, 3, 2, 1, 1]
    for _ in range(24):
        places.success()
    assert places.limit == 1
    places.success()
    assert places.limit == 2
    for _ in range(1000):
        places.success()
    assert places.limit == 8


def test_a_refusal_begins_the_row_anew() -> None:
    places = AdaptiveConcurrency(4)
    places.turned_away(time.monotonic())
    for _ in range(24):
        places.success()
    places.turned_away(0.0)  # of an older volley: the number stays, the row does not
    places.success()
    assert places.limit == 3


def test_several_refusals_of_one_volley_count_once() -> None:
    places, sent_at = AdaptiveConcurrency(8), time.monotonic()
    for _ in range(5):
        places.turned_away(sent_at)
    assert places.limit == 6


def test_no_more_than_the_limit_are_in_use() -> None:
    places = AdaptiveConcurrency(4)
    for _ in range(4):
        assert places.acquire(0)
    places.turned_away(time.monotonic())
    assert not places.acquire(0)
    places.release()
    assert not places.acquire(0)  # three may be in use, and three are
    places.release()
    assert places.acquire(0)


def test_whoever_waits_gets_a_place_that_becomes_free() -> None:
    places = AdaptiveConcurrency(1)
    assert places.acquire(0)
    taken = threading.Event()
    waiting = threading.Thread(target=lambda: taken.set() if places.acquire(30) else None, daemon=True)
    waiting.start()
    places.release()
    waiting.join(30)
    assert taken.is_set()

"""How many threads wait and work at once, and for whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from augmentai.web.parsing.lanes import BusyError, Lane


@contextmanager
def waiting(lane: Lane, *visitors: str) -> Iterator[list[str]]:
    """Calls that work until the block ends; the list grows with those that began."""
    began: list[str] = []
    release = threading.Event()

    def work(visitor: str) -> None:
        with lane.turn(visitor):
            began.append(visitor)
            release.wait(30)

    with ThreadPoolExecutor(len(visitors)) as threads:
        calls = []
        for number, visitor in enumerate(visitors, 1):
            calls.append(threads.submit(work, visitor))
            while len(lane) < number:
                pass
        yield began
        release.set()
        for call in calls:
            call.result()


def test_a_visitor_works_at_one_thing_at_a_time() -> None:
    lane = Lane(at_once=2)
    with waiting(lane, "a", "a", "a") as began, lane.turn("b"):
        assert began == ["a"]
        with pytest.raises(BusyError, match="Your last files are still being read"), lane.turn("a"):
            pass
    assert len(lane) == 0


def test_visitors_take_turns() -> None:
    with waiting(Lane(at_once=1), "a", "a", "b", "a", "c") as began:
        assert began == ["a"]
    assert began == ["a", "b", "c", "a", "a"]


def test_few_wait_at_once() -> None:
    lane = Lane(at_once=1)
    with (
        waiting(lane, *(str(number) for number in range(16))),
        pytest.raises(BusyError, match="Try again in a minute"),
        lane.turn("late"),
    ):
        pass

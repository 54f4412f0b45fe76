"""Whose address a request counts for, and what a visitor's job leaves of their hour."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from starlette.requests import Request

from augmentai.dataset.paid_answers import Item
from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.web.access.visitors import Visitors, address_of
from tests.support.hosted_job import PRICE, settings_for, some_sources


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


@pytest.mark.parametrize(
    ("lines", "proxies", "expected"),
    [
        (["6.6.6.6", "1.2.3.4"], 1, "1.2.3.4"),  # the proxy adds a line of its own
        (["6.6.6.6, 7.7.7.7", "1.2.3.4"], 1, "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4, 10.0.0.2"], 2, "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4", "10.0.0.2"], 2, "1.2.3.4"),
        (["6.6.6.6", ""], 1, "6.6.6.6"),
        (["6.6.6.6", "1.2.3.4"], 0, "10.0.0.1"),
        (["1.2.3.4", "10.0.0.2"], 3, "10.0.0.1"),
    ],
)
def test_all_header_lines_count(lines: list[str], proxies: int, expected: str) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    request = Request({"type": "http", "client": ("10.0.0.1", 5), "headers": headers})
    assert address_of(request, proxies) == expected


def test_headers_of_a_queued_request_may_be_a_dictionary() -> None:
    request = SimpleNamespace(client=SimpleNamespace(host="10.0.0.1"), headers={"x-forwarded-for": "6.6.6.6, 1.2.3.4"})
    assert address_of(request, 1) == "1.2.3.4"


def test_without_a_connection_there_is_still_a_key() -> None:
    assert address_of(SimpleNamespace(client=None), 0) == ""


def test_a_visitor_who_leaves_early_pays_for_what_is_in_flight() -> None:
    settings = settings_for("http://127.0.0.1:9", visitor_credits_per_hour=50)
    visitors = Visitors(settings)
    request = SimpleNamespace(client=SimpleNamespace(host="9.9.9.9"), headers={})
    job = Job(Gathered(tuple(some_sources(6)), (), ()), Recipe(), settings, [StabilityEngine(settings)])
    reservation = visitors.reservation(request)
    reservation.admit(job)
    assert visitors.credits.remaining("9.9.9.9") == 50 - 6 * PRICE
    numbers = [job.ledger.reserve(Item(), PRICE) for _ in range(4)]
    for number, charged in zip(numbers, (True, False, None), strict=False):  # the fourth is still in flight
        job.ledger.settle(number, charged)
    reservation.settle()
    assert visitors.credits.remaining("9.9.9.9") == 50 - 3 * PRICE

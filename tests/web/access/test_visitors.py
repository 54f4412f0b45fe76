"""Whose address a request counts for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from starlette.requests import Request

from augmentai.web.access.visitors import address_of


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

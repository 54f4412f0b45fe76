"""Visitors by address, and how many images and credits each has left this hour."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from augmentai.engines import estimate, owner_pays, with_limits
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job
from augmentai.settings import Settings
from augmentai.web.access.rate_limit import LimitReachedError, SlidingWindow, wait_words

_MAX_NAME_LENGTH = 64
_IPV6_PREFIX = 64  # one customer of a provider has a whole /64 of addresses


def address_of(request: Any, proxies: int) -> str:
    """The visitor's address: that of the connection, or the one that the outermost of our own proxies recorded.

    Each proxy appends its caller's address to X-Forwarded-For, or adds a line of its own, so whatever a visitor forges
    is further left (or further up) than the last `proxies` entries of all lines and is ignored. IPv6 addresses are
    reduced to their network (/64).

    Args:
        request: a Starlette or Gradio request.
        proxies: number of trusted proxies in front of the server.
    """
    client = getattr(request, "client", None)
    found = client.host if client else ""
    if proxies:
        entries = [entry.strip() for entry in _forwarded_for(request.headers).split(",") if entry.strip()]
        if len(entries) >= proxies:
            found = entries[-proxies]
    return _network(found)


def _forwarded_for(headers: Any) -> str:
    """All lines of X-Forwarded-For as one; on ZeroGPU the headers of a queued request are a plain dictionary."""
    if hasattr(headers, "getlist"):
        return ",".join(headers.getlist("x-forwarded-for"))
    return str(headers.get("x-forwarded-for", ""))


def _network(address: str) -> str:
    bare = address.strip("[]") if address.count(":") != 1 else address.partition(":")[0]  # "1.2.3.4:5678"
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return address[:_MAX_NAME_LENGTH]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed) >> _IPV6_PREFIX << _IPV6_PREFIX, _IPV6_PREFIX)))
        parsed = parsed.ipv4_mapped
    return str(parsed)


class Visitors:
    """Images and credits that each visitor used. One object per server."""

    def __init__(self, settings: Settings) -> None:
        self.proxies = settings.proxies or 0
        self.images = SlidingWindow(settings.visitor_images_per_hour)
        self.credits = SlidingWindow(settings.visitor_credits_per_hour)

    def remaining(self, request: Any) -> str:
        """What this visitor has left this hour, in words; empty without a limit."""
        limit = self.images.limit
        if limit is None:
            return ""
        remaining = self.images.remaining(address_of(request, self.proxies))
        return f"Limit: {limit:,.0f} images per hour per visitor; you have {remaining:,.0f} left"

    def reservation(self, request: Any) -> Reservation:
        """For one job of the visitor who sent `request`."""
        return Reservation(self, address_of(request, self.proxies))


class Reservation:
    """What one job uses of its visitor's hour: `admit` reserves the most it can need, `settle` returns the rest.

    Credits that visitors pay for themselves, with a key of their own, are not counted.
    """

    def __init__(self, visitors: Visitors, address: str) -> None:
        self._visitors, self._address = visitors, address
        self._counts_credits = visitors.credits.limit is not None
        self._job: Job | None = None
        self._images = 0
        self._credits = self._credits_before = 0.0
        self._settled = False

    def limited(self, engines: Sequence[Engine]) -> Sequence[Engine]:
        """The engines, with which the job can spend no more than the credits that its visitor has left."""
        if not self._counts_credits:
            return engines
        return with_limits(engines, self._visitors.credits.remaining(self._address))

    def admit(self, job: Job) -> None:
        """Reserve what a job needs, once its size is known and before anything is made.

        Raises:
            LimitReachedError: the visitor has too little left.
        """
        self._reserve_images(job.left_to_make)
        self._job = job
        self._credits_before = job.ledger.committed()
        paying = [engine for engine in job.engines if owner_pays(engine)]
        cost = estimate(paying, job.recipe, job.left_to_buy, self._credits_before)
        if not self._counts_credits or cost is None or not cost.credits:
            return
        wanted = cost.affordable * cost.credits_each
        if self._visitors.credits.remaining(self._address) < cost.credits:  # a limit of all visitors reports itself
            message = self._too_few_credits(cost.credits, cost.affordable)
            if not cost.affordable and job.recipe.engine == cost.engine:
                self.settle()
                raise LimitReachedError(message)
            job.report.notice(message)
        self._visitors.credits.add(self._address, wanted)
        self._credits = wanted

    def settle(self) -> None:
        """Return what was not made and not spent, however the job ended. Requests in flight may still be charged."""
        if self._settled:
            return
        self._settled = True
        made = self._job.report.variations - self._job.report.resumed if self._job else 0
        spent = self._job.ledger.committed() - self._credits_before if self._job else 0.0
        self._visitors.images.add(self._address, min(0, made - self._images))
        if self._credits:
            self._visitors.credits.add(self._address, spent - self._credits)

    def _reserve_images(self, expected: int) -> None:
        window = self._visitors.images
        if window.reserve(self._address, expected):
            self._images = expected
            return
        assert window.limit is not None
        if expected > window.limit:
            raise LimitReachedError(
                f"This job would make {expected:,} images; the limit is {window.limit:,.0f} per hour per visitor. "
                "Choose fewer files or fewer variations."
            )
        remaining = window.remaining(self._address)
        when = wait_words(window.seconds_until(self._address, expected))
        raise LimitReachedError(
            f"Hourly image limit reached: this job would make {expected:,} and you have {remaining:,.0f} of "
            f"{window.limit:,.0f} left. Try again {when}, or choose fewer files or fewer variations."
        )

    def _too_few_credits(self, wanted: float, affordable: int) -> str:
        window = self._visitors.credits
        assert window.limit is not None
        wait = window.seconds_until(self._address, min(wanted, window.limit))
        when = f" More will be available {wait_words(wait)}." if wait else ""
        reached = f"covers only {affordable} of these images" if affordable else "is reached"
        return (
            f"The limit of {window.limit:g} credits per hour per visitor {reached}.{when} "
            "With a key of your own there is no such limit."
        )

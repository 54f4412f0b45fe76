"""Who asks, by address, and what each may still have: images and credits an hour."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from augmentai.engines import with_limits
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job
from augmentai.settings import Settings
from augmentai.web.access.rate_limit import LimitReachedError, Window, wait_words

_LONGEST_NAME = 64
_IPV6_PREFIX = 64  # what one customer of a provider is given: single addresses of it cost nothing


def address_of(request: Any, proxies: int) -> str:
    """The visitor's address: of the connection, or what the outermost of our own `proxies` wrote down.

    Each proxy appends the address it was called from to X-Forwarded-For, so whatever a visitor sends themselves stands
    further left than the last `proxies` entries and is never looked at. Of IPv6 the network (/64) counts.
    """
    client = getattr(request, "client", None)
    found = client.host if client else ""
    if proxies:
        entries = [entry.strip() for entry in request.headers.get("x-forwarded-for", "").split(",") if entry.strip()]
        if len(entries) >= proxies:
            found = entries[-proxies]
    return _network(found)


def _network(address: str) -> str:
    bare = address.strip("[]") if address.count(":") != 1 else address.partition(":")[0]  # "1.2.3.4:5678"
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return address[:_LONGEST_NAME]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed) >> _IPV6_PREFIX << _IPV6_PREFIX, _IPV6_PREFIX)))
        parsed = parsed.ipv4_mapped
    return str(parsed)


class Visitors:
    """Counts for every visitor. One object a server."""

    def __init__(self, settings: Settings) -> None:
        self.proxies = settings.proxies or 0
        self.images = Window(settings.visitor_images_per_hour)
        self.credits = Window(settings.visitor_credits_per_hour)

    def left(self, request: Any) -> str:
        """What this visitor may still have this hour, in words; empty where there is no limit."""
        limit = self.images.limit
        if limit is None:
            return ""
        left = self.images.left(address_of(request, self.proxies))
        return f"Each visitor may have {limit:,.0f} images an hour here; {left:,.0f} are left to you."

    def ticket(self, request: Any, own_key: bool = False) -> Ticket:
        """For one job of whoever sent `request`; with their own key, credits are not counted."""
        return Ticket(self, address_of(request, self.proxies), own_key)


class Ticket:
    """What one job takes of its visitor's hour. `admit` takes the most it can need; `settle` gives back the rest."""

    def __init__(self, visitors: Visitors, address: str, own_key: bool) -> None:
        self._visitors, self._address = visitors, address
        self._counts_credits = not own_key and visitors.credits.limit is not None
        self._job: Job | None = None
        self._images = 0
        self._credits = 0.0
        self._settled = False

    def limited(self, settings: Settings, engines: Sequence[Engine]) -> tuple[Settings, Sequence[Engine]]:
        """Settings and engines under which the job spends no more than the visitor's credits of this hour."""
        if not self._counts_credits or not settings.stability_api_key.get_secret_value():
            return settings, engines
        left = self._visitors.credits.left(self._address)
        caps = [left, settings.stability_credits_per_job]
        changed = settings.model_copy(update={"stability_credits_per_job": min(c for c in caps if c is not None)})
        return changed, with_limits(engines, changed)

    def admit(self, job: Job) -> None:
        """Called when the job's size is known and before anything is made. Raises LimitReachedError."""
        self._take_images(job.expected - job.report.held)
        self._job = job
        cost = job.estimate
        if not self._counts_credits or cost is None or not cost.credits:
            return
        wanted = cost.affordable * cost.credits_each
        if self._visitors.credits.left(self._address) < cost.credits:  # else it is a limit of all, which says so itself
            words = self._too_few_credits(cost.credits, cost.affordable)
            if not cost.affordable and job.recipe.engine == "stability":
                self.settle()
                raise LimitReachedError(words)
            job.report.notice(words)
        self._visitors.credits.add(self._address, wanted)
        self._credits = wanted

    def settle(self) -> None:
        """At the end, however it came: what was not made and not spent may be had again."""
        if self._settled:
            return
        self._settled = True
        made = self._job.report.variations - self._job.report.held if self._job else 0
        spent = self._job.report.credits if self._job else 0.0
        self._visitors.images.add(self._address, min(0, made - self._images))
        if self._credits:
            self._visitors.credits.add(self._address, spent - self._credits)

    def _take_images(self, expected: int) -> None:
        window = self._visitors.images
        if window.take(self._address, expected):
            self._images = expected
            return
        assert window.limit is not None
        least = "Choose fewer files or fewer variations."
        if expected > window.limit:
            raise LimitReachedError(
                f"This job would make {expected:,} images; one visitor may have {window.limit:,.0f} an hour. {least}"
            )
        left = window.left(self._address)
        when = wait_words(window.seconds_until(self._address, expected))
        raise LimitReachedError(
            f"The limit of {window.limit:,.0f} images an hour is reached: this job would make {expected:,} and "
            f"{left:,.0f} are left to you. There is room for it {when}. {least}"
        )

    def _too_few_credits(self, wanted: float, affordable: int) -> str:
        window = self._visitors.credits
        assert window.limit is not None
        wait = window.seconds_until(self._address, min(wanted, window.limit))
        when = f" There is more {wait_words(wait)}." if wait else ""
        room = f"pays for {affordable} of these pictures" if affordable else "is reached"
        return (
            f"The limit of {window.limit:g} credits an hour for each visitor {room}.{when} "
            "With a Stability key of your own there is no such limit."
        )

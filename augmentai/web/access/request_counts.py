"""How many requests, calls and sessions a visitor may use."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable

from augmentai.settings import Settings
from augmentai.web.access.rate_limit import SlidingWindow, wait_words
from augmentai.web.access.refusals import RefusedError

_MINUTE, _HOUR = 60.0, 3600.0
_MAX_VISITORS = 10_000  # whose session names are remembered


class RequestCounts:
    """Counts what each visitor sends. Every method raises RefusedError, 429, when a limit is reached.

    A request is anything: a page, one of its images, a part of a download. A call is what makes the server work: an
    inspection, a forecast, a job.
    """

    def __init__(self, settings: Settings) -> None:
        self._requests = SlidingWindow(settings.visitor_requests_per_minute, _MINUTE)
        self._calls = SlidingWindow(settings.visitor_calls_per_minute, _MINUTE)
        self._most_sessions = settings.visitor_sessions_per_hour
        self._sessions: OrderedDict[str, dict[int, float]] = OrderedDict()  # by visitor: hash of a name, last use

    def add_request(self, visitor: str) -> None:
        """Count a request."""
        _reserve(self._requests, visitor, "requests")

    def add_call(self, visitor: str) -> None:
        """Count a call."""
        _reserve(self._calls, visitor, "calls")

    def add_sessions(self, visitor: str, names: Iterable[str]) -> None:
        """Note the sessions that a request names, for each of which Gradio keeps a state."""
        if self._most_sessions is None:
            return
        for name in names:
            known = self._sessions.setdefault(visitor, {})
            self._sessions.move_to_end(visitor)
            now, key = time.monotonic(), hash(name)
            if key not in known and len(known) >= self._most_sessions:
                known = {one: last for one, last in known.items() if last > now - _HOUR}
                self._sessions[visitor] = known
                if len(known) >= self._most_sessions:
                    limit = f"{self._most_sessions:,} pages or clients per hour per visitor"
                    wait = min(known.values()) + _HOUR - now
                    raise _refused(f"The limit of {limit} is reached.", wait)
            known[key] = now
        while len(self._sessions) > _MAX_VISITORS:
            self._sessions.popitem(last=False)


def _reserve(window: SlidingWindow, visitor: str, what: str) -> None:
    if not window.reserve(visitor, 1):
        assert window.limit is not None
        reached = f"The limit of {window.limit:,.0f} {what} per minute per visitor is reached."
        raise _refused(reached, window.seconds_until(visitor, 1))


def _refused(reached: str, seconds: float) -> RefusedError:
    return RefusedError(429, f"{reached} Try again {wait_words(seconds)}.", round(seconds) + 1)

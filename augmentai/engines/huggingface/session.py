"""Requests of the inference client that nobody waits for any more end.

The client shares one session among all of a process, without a timeout, and asks some providers again and again until
they have finished. So the session is taught a check before each request: one that belongs to a call whose time is over
is not sent, and one that is sent waits no longer than that. Other users of the session are not concerned.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_current = threading.local()
_TIMEOUTS = ("connect", "read", "write", "pool")


class AbandonedError(Exception):
    """Nobody waits for this call any more."""


@contextmanager
def within(deadline: float, abandoned: threading.Event) -> Iterator[None]:
    """Bound the requests that this thread makes by the session of `huggingface_hub`.

    Args:
        deadline: monotonic time after which none is sent, and none is waited for.
        abandoned: once set, none is sent.

    Raises:
        AbandonedError: from a request that is not sent.
    """
    from huggingface_hub.utils import get_session

    session = get_session()
    hooks = session.event_hooks
    if _bound not in hooks["request"]:
        session.event_hooks = {**hooks, "request": [*hooks["request"], _bound]}
    _current.limits = deadline, abandoned
    try:
        yield
    finally:
        del _current.limits


def _bound(request: Any) -> None:
    deadline, abandoned = getattr(_current, "limits", (float("inf"), None))
    if abandoned is None:
        return  # somebody else's
    left = deadline - time.monotonic()
    if left <= 0 or abandoned.is_set():
        raise AbandonedError
    request.extensions["timeout"] = dict.fromkeys(_TIMEOUTS, left)

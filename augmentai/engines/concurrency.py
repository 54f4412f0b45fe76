"""How many requests of a hosted engine may be in flight: fewer once the service turns one away, then more again.

A fixed number is too high for one account and too low for another. It is multiplied by three quarters when the service
answers that there are too many, and grows by one for each row of successes, up to what the settings allow.
"""

from __future__ import annotations

import threading
import time

_SHRINK = 0.75
_SUCCESSES_PER_STEP = 25


class AdaptiveConcurrency:
    """A semaphore whose number of places follows the service's answers. Thread-safe; outlives jobs.

    Args:
        most: places at the beginning, and never more than these.

    Example:
        >>> places = AdaptiveConcurrency(8)
        >>> places.turned_away(sent_at=time.monotonic())
        >>> places.limit
        6
    """

    def __init__(self, most: int) -> None:
        self._most = self._limit = most
        self._in_use = self._successes = 0
        self._changed_at = 0.0
        self._condition = threading.Condition()

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return self._limit

    def acquire(self, timeout: float) -> bool:
        """Take a place. False if there was none within `timeout` seconds."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._in_use < self._limit, timeout):
                return False
            self._in_use += 1
            return True

    def release(self) -> None:
        """Give a place back."""
        with self._condition:
            self._in_use -= 1
            self._condition.notify()

    def turned_away(self, sent_at: float) -> None:
        """The service answered that there are too many requests.

        Args:
            sent_at: when the request went out (monotonic); what went out before the last change counts no more.
        """
        with self._condition:
            self._successes = 0
            if sent_at >= self._changed_at:
                self._limit = max(1, int(self._limit * _SHRINK))
                self._changed_at = time.monotonic()

    def success(self) -> None:
        """A request was answered."""
        with self._condition:
            self._successes += 1
            if self._successes >= _SUCCESSES_PER_STEP and self._limit < self._most:
                self._limit += 1
                self._successes = 0
                self._condition.notify()

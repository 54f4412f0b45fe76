"""When a request may go out: never too many at once, none during a lock-out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from augmentai.engines.stability.endpoints import MAX_REQUESTS, WINDOW_SECONDS

_SHARE = 2 / 3  # of the allowed rate: the service counts arrivals, which bunch up on the way
_NAP_SECONDS = 0.1  # how soon a waiting thread notices a cancellation


class RateLimiter:
    """At most so many requests in a sliding window, shared by all threads of an account. Thread-safe."""

    def __init__(self, requests: int = int(MAX_REQUESTS * _SHARE), seconds: float = WINDOW_SECONDS) -> None:
        self._requests, self._seconds = requests, seconds
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._locked_until = 0.0
        self._locks_in_a_row = 0

    def wait_turn(self, cancelled: Callable[[], bool]) -> bool:
        """Sleep until a request may go out, and count it. False if `cancelled` turned true meanwhile."""
        while not cancelled():
            wait = self._claim()
            if wait <= 0:
                return True
            time.sleep(min(wait, _NAP_SECONDS))
        return False

    def _claim(self) -> float:
        """Seconds to wait; 0 or less if the request is counted and may go out."""
        now = time.monotonic()
        with self._lock:
            while self._sent and self._sent[0] <= now - self._seconds:
                self._sent.popleft()
            wait = self._locked_until - now
            if len(self._sent) >= self._requests:
                wait = max(wait, self._sent[0] + self._seconds - now)
            if wait <= 0:
                self._sent.append(now)
            return wait

    def lock_out(self, seconds: float, sent_at: float) -> int:
        """Let nothing out for a while.

        Args:
            seconds: how long.
            sent_at: when the rejected request went out (monotonic); several of one volley are one lock-out.

        Returns:
            How many lock-outs there have been without a success in between.
        """
        now = time.monotonic()
        with self._lock:
            if sent_at >= self._locked_until:
                self._locks_in_a_row += 1
            self._locked_until = max(self._locked_until, now + seconds)
            return self._locks_in_a_row

    def success(self) -> None:
        """A request was answered: the lock-outs begin at 0 again."""
        with self._lock:
            self._locks_in_a_row = 0

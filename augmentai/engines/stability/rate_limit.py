"""When a request may go out: never too many at once, none during a lock-out, none while the service is broken."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from augmentai.engines.stability.endpoints import MAX_REQUESTS, WINDOW_SECONDS

_SHARE = 2 / 3  # of the allowed rate: the service counts arrivals, which bunch up on the way
_MAX_COOL_DOWN = 10  # times the first one
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


class CircuitBreaker:
    """Opens after `faults` faults in a row, lets one trial through after a cool-down, closes when that succeeds.

    Each trial that fails doubles the cool-down, up to ten times the first. Thread-safe; outlives jobs.
    """

    def __init__(self, faults: int, cool_down_seconds: float) -> None:
        self._faults_allowed, self._first_cool_down = faults, cool_down_seconds
        self._lock = threading.Lock()
        self._faults = 0
        self._cool_down = cool_down_seconds
        self._opened_until: float | None = None
        self._reason = ""

    def success(self) -> None:
        """Close: the service works."""
        with self._lock:
            self._faults, self._cool_down, self._opened_until = 0, self._first_cool_down, None

    def fault(self, reason: str) -> None:
        """Count one; opens if it is one too many, or if it was the trial."""
        with self._lock:
            self._faults += 1
            if self._opened_until is not None:
                if time.monotonic() < self._opened_until:
                    return  # a straggler of the volley that opened it
                self._cool_down = min(self._cool_down * 2, self._first_cool_down * _MAX_COOL_DOWN)
                self._open(reason, self._cool_down)
            elif self._faults >= self._faults_allowed:
                self._open(reason, self._cool_down)

    def trip(self, reason: str, seconds: float | None = None) -> None:
        """Open at once, for `seconds` or the usual cool-down."""
        with self._lock:
            self._open(reason, seconds or self._cool_down)

    def _open(self, reason: str, seconds: float) -> None:
        self._opened_until = time.monotonic() + seconds
        # A time of day, not the time left: the words stay the same for every image that they are reported with.
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        self._reason = f"the hosted API is paused until {until:%H:%M:%S} UTC; last error: {reason}"

    @property
    def on_trial(self) -> bool:
        """The cool-down is over, and one request may show whether the service works again."""
        with self._lock:
            return self._opened_until is not None and time.monotonic() >= self._opened_until

    @property
    def open_reason(self) -> str:
        """Why nothing may be sent now, in words; empty if it may."""
        with self._lock:
            closed = self._opened_until is None or time.monotonic() >= self._opened_until
            return "" if closed else self._reason


def jittered(seconds: float) -> float:
    """`seconds`, plus or minus half: threads that failed together must not come back together."""
    return seconds * (0.5 + random.random())

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
_LONGEST_REST = 10  # times the first one
_NAP_SECONDS = 0.1  # how soon a sleeper notices that it is no longer wanted


class Pace:
    """One for all workers of an engine. Thread-safe."""

    def __init__(self, requests: int = int(MAX_REQUESTS * _SHARE), seconds: float = WINDOW_SECONDS) -> None:
        self._requests, self._seconds = requests, seconds
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._locked_until = 0.0
        self._locks_in_a_row = 0

    def wait_turn(self, given_up: Callable[[], bool]) -> bool:
        """Sleep until a request may go out, and count it. False where `given_up` turned true meanwhile."""
        while not given_up():
            wait = self._claim()
            if wait <= 0:
                return True
            time.sleep(min(wait, _NAP_SECONDS))
        return False

    def _claim(self) -> float:
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
        """Nothing goes out for `seconds`. Returns how many lock-outs there have been without a success between.

        sent_at: when the request that was turned away went out (monotonic); several of one volley are one lock-out.
        """
        now = time.monotonic()
        with self._lock:
            if sent_at >= self._locked_until:
                self._locks_in_a_row += 1
            self._locked_until = max(self._locked_until, now + seconds)
            return self._locks_in_a_row

    def success(self) -> None:
        with self._lock:
            self._locks_in_a_row = 0

    @property
    def locked_seconds(self) -> float:
        """How long the lock-out still lasts; 0 where there is none."""
        with self._lock:
            return max(0.0, self._locked_until - time.monotonic())


class Breaker:
    """Opens after `faults` faults in a row, lets one trial through after `rest_seconds`, closes when that succeeds.

    Each trial that fails doubles the rest, up to ten times the first. Thread-safe; outlives jobs.
    """

    def __init__(self, faults: int, rest_seconds: float) -> None:
        self._faults_allowed, self._first_rest = faults, rest_seconds
        self._lock = threading.Lock()
        self._faults = 0
        self._rest = rest_seconds
        self._opened_until: float | None = None
        self._reason = ""

    def success(self) -> None:
        with self._lock:
            self._faults, self._rest, self._opened_until = 0, self._first_rest, None

    def fault(self, reason: str) -> None:
        """Count one; opens where it is one too many, or where it was the trial."""
        with self._lock:
            self._faults += 1
            if self._opened_until is not None:
                if time.monotonic() < self._opened_until:
                    return  # a straggler of the volley that opened it
                self._rest = min(self._rest * 2, self._first_rest * _LONGEST_REST)
                self._open(reason, self._rest)
            elif self._faults >= self._faults_allowed:
                self._open(reason, self._rest)

    def trip(self, reason: str, seconds: float | None = None) -> None:
        """Open at once, for `seconds` or the usual rest."""
        with self._lock:
            self._open(reason, seconds or self._rest)

    def _open(self, reason: str, seconds: float) -> None:
        self._opened_until = time.monotonic() + seconds
        # A time of day, not what is left: the words stay the same for every picture that is told them.
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        self._reason = f"the hosted API is left alone until {until:%H:%M:%S} UTC; the last fault: {reason}"

    @property
    def on_trial(self) -> bool:
        """The rest is over and one request may show whether the service works again."""
        with self._lock:
            return self._opened_until is not None and time.monotonic() >= self._opened_until

    @property
    def open_reason(self) -> str:
        """Why nothing may be sent now, in words; empty where it may."""
        with self._lock:
            closed = self._opened_until is None or time.monotonic() >= self._opened_until
            return "" if closed else self._reason


def jittered(seconds: float) -> float:
    """`seconds`, give or take half: workers that failed together must not come back together."""
    return seconds * (0.5 + random.random())

"""Leaves a hosted service alone for a while once it does not work."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta

_MAX_COOL_DOWN = 10  # times the first one


class CircuitBreaker:
    """Opens after `faults` faults in a row, lets one trial through after a cool-down, closes when that succeeds.

    Each trial that fails doubles the cool-down, up to ten times the first. Thread-safe; outlives jobs.

    Args:
        faults: in a row.
        cool_down_seconds: the first one.
        service: what is left alone, in words.
    """

    def __init__(self, faults: int, cool_down_seconds: float, service: str = "the hosted API") -> None:
        self._faults_allowed, self._first_cool_down = faults, cool_down_seconds
        self._lock = threading.Lock()
        self._service = service
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
        self._reason = f"{self._service} is paused until {until:%H:%M:%S} UTC; last error: {reason}"

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

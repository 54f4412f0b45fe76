"""What the emulator remembers, and what it has been told to do wrong."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

# Faults at which the service had done its work, and so charged.
CHARGED_FAULTS = {
    *("filtered", "truncated", "short-body", "no-finish-reason", "reset-body", "not-image", "drip-body"),
    *("wrong-type", "json", "other-size"),
    *("result-gone", "result-500", "result-filtered"),  # of generations whose image is fetched later
}


@dataclass
class Fault:
    """Something to do wrong with the next generation requests.

    name: see `faults.py`. times: with how many of them, -1 for all. after: how many are let pass first.
    prompt: only where it is part of the prompt. More: retry_after, location, seconds, charged.
    """

    name: str
    times: int = 1
    after: int = 0
    prompt: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, message: dict[str, Any]) -> Fault:
        known = {key: message[key] for key in ("name", "times", "after", "prompt") if key in message}
        return cls(**known, more={key: value for key, value in message.items() if key not in known})


class State:
    """Thread-safe."""

    def __init__(self, **options: Any) -> None:
        self.lock = threading.Lock()
        self._begin = options
        self.epoch = 0
        self.reset()

    def reset(self) -> None:
        self.epoch += 1
        self.credits: float = self._begin.get("credits", 1e9)
        self.latency: float = self._begin.get("latency", 0.0)
        self.rate: tuple[int, float, float] = self._begin.get("rate", (150, 10.0, 60.0))
        self.plain: bool = self._begin.get("plain", False)  # paint each size once: for timing the client, not this
        self.retry_after: str = self._begin.get("retry_after", "")
        self.faults: list[Fault] = [Fault.read(message) for message in self._begin.get("faults", [])]
        self.requests: list[dict[str, Any]] = []
        self.charged = 0.0
        self.in_flight = self.in_flight_most = 0
        self.connections = 0
        self.results: dict[str, tuple[float, Any, str]] = {}
        self._times: deque[float] = deque()
        self._locked_until = 0.0
        self.window_most = 0

    def control(self, message: dict[str, Any]) -> None:
        with self.lock:
            if message.get("reset"):
                self.reset()
            for name in ("credits", "latency", "retry_after"):
                if name in message:
                    setattr(self, name, message[name])
            if "rate" in message:
                self.rate = tuple(message["rate"])
            if "faults" in message:
                self.faults = [Fault.read(fault) for fault in message["faults"]]

    def stats(self) -> dict[str, Any]:
        with self.lock:
            return {
                "requests": list(self.requests),
                "charged": self.charged,
                "credits": self.credits,
                "in_flight": self.in_flight,
                "in_flight_most": self.in_flight_most,
                "connections": self.connections,
                "window_most": self.window_most,
                "faults_left": sum(fault.times for fault in self.faults if fault.times > 0),
            }

    def too_many(self) -> bool:
        """Counts a request; more than `rate[0]` in `rate[1]` seconds lock everybody out for `rate[2]`."""
        allowed, window, lock_seconds = self.rate
        now = time.monotonic()
        with self.lock:
            if now < self._locked_until:
                return True
            while self._times and self._times[0] <= now - window:
                self._times.popleft()
            self._times.append(now)
            self.window_most = max(self.window_most, len(self._times))
            if len(self._times) > allowed:
                self._locked_until = now + lock_seconds
                self._times.clear()
                return True
            return False

    def lock_out(self, seconds: float) -> None:
        with self.lock:
            self._locked_until = time.monotonic() + seconds

    def next_fault(self, prompt: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.prompt not in prompt:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times != 0:
                    fault.times -= 1
                    return fault
        return None

    def take(self, credits: float) -> bool:
        with self.lock:
            if self.credits < credits:
                return False
            self.credits -= credits
            self.charged += credits
            return True

    def give_back(self, credits: float) -> None:
        with self.lock:
            self.credits += credits
            self.charged -= credits

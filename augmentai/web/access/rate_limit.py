"""Rate limits: a sliding window for each visitor, in memory, of bounded size."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from augmentai.plurals import counted

_SLOTS = 60  # a window is counted in this many parts, so that memory per visitor is bounded
_MAX_VISITORS = 10_000  # beyond that, the visitor idle for longest is forgotten


class LimitReachedError(Exception):
    """A visitor has reached a limit; the message names it and says when to try again."""


class SlidingWindow:
    """Counts amounts per key over the last `seconds`. Thread-safe. With a limit of None nothing is counted."""

    def __init__(self, limit: float | None, seconds: float = 3600, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self._slot_seconds, self._clock = limit, seconds / _SLOTS, clock
        self._used: OrderedDict[str, dict[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def remaining(self, key: str) -> float:
        """How much `key` may still use now; infinite without a limit."""
        with self._lock:
            return self._remaining(key)

    def reserve(self, key: str, amount: float) -> bool:
        """Count `amount` if the limit allows it; otherwise count nothing and return False."""
        with self._lock:
            if amount > self._remaining(key) + 1e-9:
                return False
            self._add(key, amount)
            return True

    def add(self, key: str, amount: float) -> None:
        """Count `amount` even beyond the limit. A negative amount returns what was reserved and not used."""
        with self._lock:
            self._remaining(key)  # drops expired slots
            self._add(key, amount)

    def seconds_until(self, key: str, amount: float) -> float:
        """How long until `amount` can be reserved; infinite if the limit is lower."""
        with self._lock:
            available = self._remaining(key)
            if available + 1e-9 >= amount:
                return 0.0
            for slot, used in sorted(self._used.get(key, {}).items()):
                available += used
                if available + 1e-9 >= amount:
                    return (slot + _SLOTS + 1) * self._slot_seconds - self._clock()
            return math.inf

    def _remaining(self, key: str) -> float:
        if self.limit is None:
            return math.inf
        slots = self._used.get(key)
        if slots is None:
            return self.limit
        oldest = int(self._clock() / self._slot_seconds) - _SLOTS
        for slot in [slot for slot in slots if slot < oldest]:
            del slots[slot]
        return max(0.0, self.limit - sum(slots.values()))

    def _add(self, key: str, amount: float) -> None:
        if self.limit is None or amount == 0:
            return
        slots = self._used.setdefault(key, {})
        self._used.move_to_end(key)
        if amount > 0:
            slot = int(self._clock() / self._slot_seconds)
            slots[slot] = slots.get(slot, 0.0) + amount
        else:
            for slot in sorted(slots, reverse=True):  # the latest first
                returned = min(slots[slot], -amount)
                slots[slot] -= returned
                amount += returned
        while len(self._used) > _MAX_VISITORS:
            self._used.popitem(last=False)


def wait_words(seconds: float) -> str:
    """A waiting time in words: "in 40 seconds", "in 12 minutes"; infinite, "when the limit is raised".

    Example:
        >>> wait_words(40), wait_words(math.inf)
        ('in 40 seconds', 'when the limit is raised')
    """
    if not math.isfinite(seconds):
        return "when the limit is raised"  # what is asked for will never fit into it
    if seconds > 90:
        return f"in {math.ceil(seconds / 60)} minutes"
    whole = max(1, math.ceil(seconds))
    return f"in {counted(whole, 'second')}"

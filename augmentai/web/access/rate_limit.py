"""How much one visitor may have an hour: a sliding window for each address, in memory, of bounded size."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_SLOTS = 60  # a window is counted in that many parts, so that a visitor takes bounded room however often they come
_MOST_VISITORS = 10_000  # beyond them, whoever was not seen for longest is forgotten


class LimitReachedError(Exception):
    """A visitor has had what they may have for now; the message says which limit it is and when there is room."""


class Window:
    """Amounts taken by each key within the last `seconds`. Thread-safe. A limit of None counts nothing."""

    def __init__(self, limit: float | None, seconds: float = 3600, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self._slot_seconds, self._clock = limit, seconds / _SLOTS, clock
        self._taken: OrderedDict[str, dict[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def left(self, key: str) -> float:
        """How much `key` may still take now; infinite without a limit."""
        with self._lock:
            return self._left(key)

    def take(self, key: str, amount: float) -> bool:
        """Count `amount`; False, and nothing is counted, where there is no room for it."""
        with self._lock:
            if amount > self._left(key) + 1e-9:
                return False
            self._add(key, amount)
            return True

    def add(self, key: str, amount: float) -> None:
        """Count what was taken already, room or not. A negative amount gives back what was not used after all."""
        with self._lock:
            self._left(key)  # forgets what is over
            self._add(key, amount)

    def seconds_until(self, key: str, amount: float) -> float:
        """How long until there is room for `amount`; infinite where the limit is less than that."""
        with self._lock:
            room = self._left(key)
            if room + 1e-9 >= amount:
                return 0.0
            for slot, taken in sorted(self._taken.get(key, {}).items()):
                room += taken
                if room + 1e-9 >= amount:
                    return (slot + _SLOTS + 1) * self._slot_seconds - self._clock()
            return math.inf

    def _left(self, key: str) -> float:
        if self.limit is None:
            return math.inf
        slots = self._taken.get(key)
        if slots is None:
            return self.limit
        oldest = int(self._clock() / self._slot_seconds) - _SLOTS
        for slot in [slot for slot in slots if slot < oldest]:
            del slots[slot]
        return max(0.0, self.limit - sum(slots.values()))

    def _add(self, key: str, amount: float) -> None:
        if self.limit is None or amount == 0:
            return
        slots = self._taken.setdefault(key, {})
        self._taken.move_to_end(key)
        if amount > 0:
            slot = int(self._clock() / self._slot_seconds)
            slots[slot] = slots.get(slot, 0.0) + amount
        else:
            for slot in sorted(slots, reverse=True):  # the latest was taken last
                back = min(slots[slot], -amount)
                slots[slot] -= back
                amount += back
        while len(self._taken) > _MOST_VISITORS:
            self._taken.popitem(last=False)


def wait_words(seconds: float) -> str:
    """A waiting time for people: "in 40 seconds", "in 12 minutes"."""
    if seconds > 90:
        return f"in {math.ceil(seconds / 60)} minutes"
    whole = max(1, math.ceil(seconds))
    return f"in {whole} second{'' if whole == 1 else 's'}"

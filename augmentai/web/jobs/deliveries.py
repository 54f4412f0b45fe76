"""Results that the API has announced: they are handed over once the caller has fetched the ZIP to its last byte."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable

from augmentai.web.jobs.paid_jobs import hand_over
from augmentai.web.jobs.snapshot import JobResult

_MAX_RESULTS = 10_000  # those announced longest ago stay with the same request until they expire


class Deliveries:
    """The results that wait to be fetched, by their ZIPs. Thread-safe.

    A caller who has lost the connection after the end of a paid job has not fetched its result: the same call gets it
    again, for nothing, until it expires.
    """

    def __init__(self) -> None:
        self._results: OrderedDict[str, JobResult] = OrderedDict()
        self._lock = threading.Lock()

    def announce(self, result: JobResult) -> None:
        """The caller is about to learn where the ZIP is."""
        if result.paid is None or not result.is_complete:
            return
        with self._lock:
            self._results[os.path.realpath(result.zip_path)] = result
            while len(self._results) > _MAX_RESULTS:
                self._results.popitem(last=False)

    def fetched(self, path: str) -> Callable[[], None] | None:
        """A file was sent to its end. Returns what is to be done if it is such a ZIP, which takes a while."""
        with self._lock:
            result = self._results.pop(os.path.realpath(path), None)
        if result is None or result.paid is None:
            return None
        paid, settled = result.paid, result.settled
        return lambda: hand_over(paid, settled)

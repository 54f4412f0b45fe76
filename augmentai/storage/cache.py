"""A bounded place on disk for small files that were received from a store and are read again."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from functools import cache
from threading import Lock
from typing import IO

_MOST_BYTES = 4 << 30
_SHARE_OF_FREE = 4  # one part in four


class RingCache:
    """Files in one temporary file without a name, where new ones take the place of the oldest.

    It ends with the process, however that ends, and never grows beyond its limit.

    Args:
        most_bytes: its limit.

    Example:
        >>> cache = RingCache(8)
        >>> for name in "abc":
        ...     cache.put(name, name.encode() * 3)
        >>> [cache.get(name) for name in "abc"]
        [None, b'bbb', b'ccc']
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._end = most_bytes, 0
        self._places: dict[str, tuple[int, int]] = {}
        self._oldest_first: deque[str] = deque()
        self._file: IO[bytes] | None = None
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """The bytes of a file; None if it is not there."""
        with self._lock:
            place = self._places.get(key)
            if place is None or self._file is None:
                return None
            self._file.seek(place[0])
            return self._file.read(place[1])

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes of a file. Nothing happens if there is no room for it, or the disk is full."""
        if len(data) > self._most:
            return
        with self._lock:
            if key in self._places:
                return
            try:
                self._write(key, data)
            except OSError:
                self._most = 0  # no room on the disk: what is there stays

    def _write(self, key: str, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        start = self._end if self._end + len(data) <= self._most else 0
        end = start + len(data)
        self._forget(start, end, wraps=start < self._end)
        self._file.seek(start)
        self._file.write(data)
        self._places[key] = (start, len(data))
        self._oldest_first.append(key)
        self._end = end

    def _forget(self, start: int, end: int, wraps: bool) -> None:
        """Forget what is between two places, and if the writing begins anew, what is behind its last place."""
        while self._oldest_first:
            place, size = self._places[self._oldest_first[0]]
            is_behind = wraps and place >= self._end
            if not is_behind and (place >= end or place + size <= start):
                return
            del self._places[self._oldest_first.popleft()]


@cache
def received_files() -> RingCache:
    """The cache of this process."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return RingCache(min(_MOST_BYTES, free // _SHARE_OF_FREE))

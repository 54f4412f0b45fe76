"""A small file that says that a shard is being made, and how far: written again and again, so that a worker that was
killed shows by its age."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Self

from augmentai.cluster.plan_folder import FAILED, RUNNING, numbered
from augmentai.storage import Store

EVERY_S = 20.0


class Heartbeat:
    """Writes `running/NNNNN.json` until the shard is complete or has failed.

    Args:
        store: the plan's folder.
        shard: its number.
        variations: how many it will have.

    Attributes:
        made: how many there are so far.
    """

    def __init__(self, store: Store, shard: int, variations: int) -> None:
        self._store, self._shard, self._variations = store, shard, variations
        self._started, self._over = time.time(), Event()
        self.made = 0
        self._thread = Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._over.set()
        self._thread.join()
        with suppress(OSError):  # what it says is stale by then, and age shows that
            self._store.delete(f"{RUNNING}/{numbered(self._shard)}.json")
            if error is None:
                self._store.delete(f"{FAILED}/{numbered(self._shard)}.json")

    def _beat(self) -> None:
        while not self._over.wait(EVERY_S):
            self._write()

    def _write(self) -> None:
        content = {
            "worker": f"{socket.gethostname()}:{os.getpid()}",
            "started": self._started,
            "seen": time.time(),
            "made": self.made,
            "variations": self._variations,
        }
        with suppress(OSError):  # the shard matters, not what is said of it
            self._store.put(f"{RUNNING}/{numbered(self._shard)}.json", json.dumps(content).encode())


def note_failure(store: Store, shard: int, error: Exception) -> None:
    """Write `failed/NNNNN.json`: why a shard could not be made.

    Args:
        store: the plan's folder.
        shard: its number.
        error: what went wrong.
    """
    content = {"reason": str(error) or type(error).__name__, "worker": socket.gethostname(), "at": time.time()}
    with suppress(OSError):  # a store that is away
        store.put(f"{FAILED}/{numbered(shard)}.json", json.dumps(content).encode())

"""What datatrove runs on a worker: a step that makes the shards of its rank, one after another."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.heartbeat import note_failure
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.shard_run import ShardMaker
from augmentai.settings import load_settings
from augmentai.storage import open_store

_makers: dict[str, ShardMaker] = {}  # of this process, with the models that are loaded


@dataclass(frozen=True)
class MakeShards:
    """A step of a datatrove pipeline.

    Args:
        url: the plan's folder.
        shards: those that are to be made; rank r of n makes every n-th of them, from the r-th on.
        ends_its_parent: the pool that it runs in does not notice that a worker was killed; then the process of the pool
            ends as well, which its executor does notice.
    """

    url: str
    shards: Sequence[int]
    ends_its_parent: bool = False

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Make the shards of a rank. One that fails is noted in the plan's folder and costs no other one.

        Args:
            data: of the step before; there is none.
            rank, world_size: which of how many workers this is.
        """
        with _parent_ends_with_it() if self.ends_its_parent else nullcontext():
            self._make(rank, world_size)
        yield from ()

    def _make(self, rank: int, world_size: int) -> None:
        maker = _maker(self.url)
        with _stopped_by_signal(maker.stop):
            for shard in self.shards[rank::world_size]:
                if maker.stop.is_set():
                    break
                try:
                    maker.make(shard)
                except (ClusterError, OSError, MemoryError) as error:
                    logging.getLogger(__name__).warning("shard %d: %s", shard, error)
                    note_failure(maker.folder.store, shard, error)
                except Exception as error:  # a fault of this program, or of an engine: it ends the worker
                    note_failure(maker.folder.store, shard, error)
                    raise


def _maker(url: str) -> ShardMaker:
    """The maker of a plan, new if the plan was replaced since."""
    folder = PlanFolder(open_store(url))
    known = _makers.get(url)
    if known is None or known.folder.list.sha256 != folder.list.sha256 or known.stop.is_set():
        _makers.clear()
        _makers[url] = known = ShardMaker(folder, load_settings())
    return known


def was_stopped(url: str) -> bool:
    """Whether SIGTERM has ended the work on a plan in this process.

    Args:
        url: the plan's folder.
    """
    maker = _makers.get(url)
    return maker is not None and maker.stop.is_set()


@contextmanager
def _stopped_by_signal(stop: threading.Event) -> Iterator[None]:
    """SIGTERM ends the shard in hand, of which nothing is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _parent_ends_with_it() -> Iterator[None]:
    """Kill the parent if this process is killed: a child waits for the end of a pipe that only this process holds."""
    parent, (read, write) = os.getppid(), os.pipe()
    watcher = os.fork()
    if not watcher:
        os.close(write)
        if not os.read(read, 1):
            os.kill(parent, signal.SIGKILL)
        os._exit(0)
    os.close(read)
    try:
        yield
    finally:
        os.write(write, b".")
        os.close(write)
        os.waitpid(watcher, 0)

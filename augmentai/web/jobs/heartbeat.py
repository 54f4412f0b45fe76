"""Runs work in its own thread and yields a heartbeat, so that a visitor can leave at any moment.

Gradio ends a generator only where it yields. A long step (a hosted call, reading a huge ZIP) would otherwise keep the
queue slot of a visitor who has left until that step ends.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

HEARTBEAT_SECONDS = 0.4
_MAX_THREADS = 8  # at work, or abandoned by visitors who left; each ends with its current step

T = TypeVar("T")
_lock = threading.Lock()
_running = 0


def run_with_heartbeat(
    work: Generator[T, None, None], first: T, stop: threading.Event, side_by_side: int = 1
) -> Generator[T, None, None]:
    """Run a generator in its own thread and yield its newest item at least every 0.4 s.

    Items that are not fetched in time are skipped, except the last one. If this generator is closed, `stop` is set and
    `work` is closed in its own thread at its next item, without waiting for it. If too many abandoned threads are still
    running, new work waits for one of them to end, with a heartbeat.

    Args:
        work: the generator to run.
        first: yielded at once, and repeated until `work` yields its first item.
        stop: set when this generator is closed.
        side_by_side: how many jobs may run at the same time.

    Yields:
        `first`, then the newest item of `work`.

    Raises:
        BaseException: anything that `work` raises.
    """
    yield first
    while not _acquire_slot(max(_MAX_THREADS, 2 * side_by_side)):
        if stop.wait(HEARTBEAT_SECONDS):
            break  # stopped before it started; the work itself reports that
        yield first
    else:
        yield from _watch(_Worker(work, first), stop)
        return
    yield from work


def _watch(worker: _Worker[T], stop: threading.Event) -> Iterator[T]:
    try:
        worker.start()
        while not worker.ended:
            yield worker.newest()
        if worker.error is not None:
            raise worker.error
        yield worker.newest()
    except GeneratorExit:
        stop.set()
        worker.abandon()
        raise


class _Worker(Generic[T]):
    def __init__(self, work: Generator[T, None, None], first: T) -> None:
        self._work, self._item = work, first
        self._changed = threading.Condition()
        self._fresh = self._abandoned = self.ended = False
        self.error: BaseException | None = None

    def start(self) -> None:
        """The thread gets the caller's context with the visitor's request: some engines need it."""
        threading.Thread(target=contextvars.copy_context().run, args=(self._run,), name="job", daemon=True).start()

    def abandon(self) -> None:
        self._abandoned = True

    def newest(self) -> T:
        with self._changed:
            if not self._fresh and not self.ended:
                self._changed.wait(HEARTBEAT_SECONDS)
            self._fresh = False
            return self._item

    def _run(self) -> None:
        try:
            for item in self._work:
                with self._changed:
                    self._item, self._fresh = item, True
                    self._changed.notify_all()
                if self._abandoned:
                    break
        except BaseException as error:
            self.error = error
        finally:
            self._work.close()
            _release_slot()
            with self._changed:
                self.ended = True
                self._changed.notify_all()


def _acquire_slot(limit: int) -> bool:
    global _running
    with _lock:
        if _running >= limit:
            return False
        _running += 1
        return True


def _release_slot() -> None:
    global _running
    with _lock:
        _running -= 1

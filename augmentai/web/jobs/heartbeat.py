"""Work in a thread of its own, watched with a heartbeat: whoever waits may leave at any moment.

Gradio ends a generator only where it yields. A long step (a hosted call, reading a huge ZIP) would keep the place in
the queue of a visitor who left, until it ends.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

BEAT_SECONDS = 0.4
_MOST_THREADS = 8  # at work or left behind by those who went; each ends with the step it is in

T = TypeVar("T")
_lock = threading.Lock()
_alive = 0


def beating(
    work: Generator[T, None, None], first: T, stop: threading.Event, side_by_side: int = 1
) -> Generator[T, None, None]:
    """Yields `first` at once, then the newest item of `work` whenever there is one, and at least every 0.4 s.

    Items that nobody fetched in time are passed over, the last one never. When the reader goes, `stop` is set, and
    `work` is closed in its own thread at its next item; nobody waits for that. What `work` raises is raised here.
    Where visitors left many threads behind, new work waits for one of them to end, beating meanwhile.
    """
    yield first
    while not _enter(max(_MOST_THREADS, 2 * side_by_side)):
        if stop.wait(BEAT_SECONDS):
            break  # it is over before it began; the work itself will say so
        yield first
    else:
        yield from _watched(_Worker(work, first), stop)
        return
    yield from work


def _watched(worker: _Worker[T], stop: threading.Event) -> Iterator[T]:
    try:
        worker.start()
        while not worker.ended:
            yield worker.newest()
        if worker.error is not None:
            raise worker.error
        yield worker.newest()
    except GeneratorExit:
        stop.set()
        worker.leave()
        raise


class _Worker(Generic[T]):
    def __init__(self, work: Generator[T, None, None], first: T) -> None:
        self._work, self._item = work, first
        self._news = threading.Condition()
        self._fresh = self._left = self.ended = False
        self.error: BaseException | None = None

    def start(self) -> None:
        """The thread sees the visitor's request as the caller does: some engines ask for it."""
        threading.Thread(target=contextvars.copy_context().run, args=(self._run,), name="job", daemon=True).start()

    def leave(self) -> None:
        self._left = True

    def newest(self) -> T:
        with self._news:
            if not self._fresh and not self.ended:
                self._news.wait(BEAT_SECONDS)
            self._fresh = False
            return self._item

    def _run(self) -> None:
        try:
            for item in self._work:
                with self._news:
                    self._item, self._fresh = item, True
                    self._news.notify_all()
                if self._left:
                    break
        except BaseException as error:
            self.error = error
        finally:
            self._work.close()
            _leave()
            with self._news:
                self.ended = True
                self._news.notify_all()


def _enter(most: int) -> bool:
    global _alive
    with _lock:
        if _alive >= most:
            return False
        _alive += 1
        return True


def _leave() -> None:
    global _alive
    with _lock:
        _alive -= 1

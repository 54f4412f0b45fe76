"""Work in several threads, in order and with few items in memory; or in one, in a process that is one of several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from augmentai.system.cpu import usable_cores

_MOST_WORKERS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")

_alone: list[bool] = []  # not empty in a process that works in one thread


def use_one_thread() -> None:
    """Make every executor of this process from now on work in the thread that hands it the work, at once."""
    _alone.append(True)


def executor(workers: int, name: str) -> Executor:
    """Threads to hand work to, or none; see `use_one_thread`.

    Args:
        workers: how many threads.
        name: of the threads.

    Example:
        >>> with executor(2, "example") as pool:
        ...     pool.submit(abs, -3).result()
        3
    """
    return AtOnce() if _alone else ThreadPoolExecutor(workers, name)


class AtOnce(Executor):
    """Does work when it is handed over.

    Example:
        >>> AtOnce().submit(abs, -3).done()
        True
    """

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function. Returns a future that is done, with its result or its exception."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], name: str, one_by_one: bool = False
) -> Iterator[Result]:
    """The results of a function over items, computed in several threads; only a few are in memory at a time.

    Args:
        function: called for each item, in any thread.
        items: what it is called for.
        name: of the threads.
        one_by_one: in this thread, each item before the next is made: for items that are large in memory.

    Example:
        >>> list(in_order(abs, [3, -2, -1], "example"))
        [3, 2, 1]
    """
    if one_by_one:
        yield from map(function, items)
        return
    workers = min(_MOST_WORKERS, usable_cores())
    ahead: deque[Future[Result]] = deque()
    with executor(workers, name) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()

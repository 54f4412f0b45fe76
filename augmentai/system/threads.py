"""Work in several threads, in order and with few items in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from augmentai.system.cpu import usable_cores

_MOST_WORKERS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    with ThreadPoolExecutor(workers, name) as pool:
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

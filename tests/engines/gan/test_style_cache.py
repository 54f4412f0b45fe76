"""The cache of styles under many threads and in several processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Event

import numpy as np

from augmentai.engines.gan.style_cache import SharedStyles, StyleCache
from augmentai.system.forks import fork


def test_an_image_without_a_style_is_known_all_the_same() -> None:
    cache = StyleCache()
    assert cache.look_up(("w", "a")) == (False, None)
    cache.remember(("w", "a"), None)
    assert cache.look_up(("w", "a")) == (True, None)
    assert cache.look_up(("other weights", "a")) == (False, None)


def test_what_was_used_last_stays() -> None:
    cache = StyleCache(size=2)
    for name in ("a", "b"):
        cache.remember(("w", name), None)
    cache.look_up(("w", "a"))
    cache.remember(("w", "c"), None)
    assert [cache.look_up(("w", name))[0] for name in "abc"] == [True, False, True]


def test_it_keeps_its_size_with_many_threads() -> None:
    cache = StyleCache(size=8)

    def work(number: int) -> None:
        for step in range(200):
            cache.remember(("w", str((number + step) % 16)), None)
            cache.look_up(("w", str(step % 16)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(cache.look_up(("w", str(number)))[0] for number in range(16)) == 8


def test_a_forked_process_and_this_one_find_each_others_styles() -> None:
    cache = StyleCache()
    cache.remember(("w", "before"), np.full(64, 1, np.float32))

    def work(pipe: Connection, stop: Event) -> None:
        known, style = cache.look_up(("w", "before"))
        cache.remember(("w", "there"), np.full(64, 2, np.float32))
        pipe.send((known, style))

    one = fork(work)
    known, style = one.pipe.recv()
    assert one.ended() == ""
    one.close()
    assert known
    assert style.tolist() == [1] * 64
    known, style = cache.look_up(("w", "there"))
    assert known
    assert style is not None
    assert style.tolist() == [2] * 64
    assert cache.look_up(("other weights", "there")) == (False, None)


def test_a_style_that_is_half_written_is_not_found() -> None:
    styles = SharedStyles(places=1)
    styles.remember(("w", "a"), np.ones(64, np.float32))
    styles._table[-1:] = b"\7"
    assert styles.look_up(("w", "a")) is None
    styles.remember(("w", "a"), np.ones(64, np.float32))
    styles.remember(("w", "b"), np.zeros(64, np.float32))  # takes its place
    assert styles.look_up(("w", "a")) is None
    assert styles.look_up(("w", "b")) is not None

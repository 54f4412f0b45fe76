"""The cache of styles under many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from augmentai.engines.gan.style_cache import StyleCache


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

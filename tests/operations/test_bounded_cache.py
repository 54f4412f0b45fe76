"""Values that are kept while there is room: the last ones used, counted in bytes, whatever they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.operations.bounded_cache import BoundedCache, bytes_of


@dataclass(frozen=True)
class Held:
    array: np.ndarray[Any, Any]
    name: str = ""


@dataclass(frozen=True)
class Counted(Held):
    size_bytes: int = 7


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        (Image.new("RGB", (10, 20)), 800),  # Pillow pads colours to 4 bytes
        (Image.new("LA", (10, 20)), 800),
        (Image.new("L", (10, 20)), 200),
        (Image.new("I;16", (10, 20)), 400),
        (np.zeros((3, 5), np.float64), 120),
        (b"12345", 105),
        ("12345", 105),
        (None, 0),
        ((np.zeros(50, np.uint8), b""), 250),
        ({"a": np.zeros(50, np.uint8)}, 251),
        (Held(np.zeros(50, np.uint8)), 250),
        (Counted(np.zeros(50, np.uint8)), 7),  # says itself how large it is
    ],
)
def test_bytes_of(value: Any, size_bytes: int) -> None:
    assert bytes_of(value) == size_bytes


def test_what_was_used_last_stays() -> None:
    cache: BoundedCache[np.ndarray[Any, Any]] = BoundedCache(300)
    made = []

    def ask(key: str) -> None:
        cache.get(key, lambda: made.append(key) or np.zeros(100, np.uint8))  # type: ignore[func-returns-value]

    for key in "abcabdacb":  # d pushes c out, c pushes b out, and b pushes d out
        ask(key)
    assert "".join(made) == "abcdcb"


def test_never_more_than_the_limit_whatever_is_asked_for() -> None:
    cache: BoundedCache[np.ndarray[Any, Any]] = BoundedCache(10_000)
    rng = Random(1)
    for _ in range(2_000):
        size = rng.randrange(3_000)
        cache.get(rng.randrange(300), lambda size=size: np.zeros(size, np.uint8))  # type: ignore[misc]
        assert cache.size_bytes <= 10_000
    assert cache.size_bytes == sum(size for _, size in cache._values.values())


def test_what_is_larger_than_the_limit_is_the_only_one() -> None:
    cache: BoundedCache[bytes] = BoundedCache(1_000)
    cache.get("small", lambda: b"")
    cache.get("large", lambda: b"x" * 5_000)
    assert len(cache) == 1
    cache.get("small", lambda: b"")
    assert (len(cache), cache.size_bytes) == (1, 100)


def test_nothing_is_also_an_answer() -> None:
    cache: BoundedCache[None] = BoundedCache(1_000)
    made: list[None] = []
    for _ in range(3):
        cache.get("a", lambda: made.append(None))
    assert made == [None]


def test_what_cannot_be_made_is_not_kept() -> None:
    cache: BoundedCache[int] = BoundedCache(1_000)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 5) == 5


def test_threads_that_share_it() -> None:
    cache: BoundedCache[np.ndarray[Any, Any]] = BoundedCache(5_000)

    def work(seed: int) -> bool:
        rng = Random(seed)
        keys = [rng.randrange(20) for _ in range(500)]
        return all(
            cache.get(key, lambda key=key: np.full(400, key, np.uint16))[0] == key  # type: ignore[misc]
            for key in keys
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert cache.size_bytes == sum(size for _, size in cache._values.values()) <= 5_000

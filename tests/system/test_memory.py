"""The allocator is asked for things that exist, or for nothing at all."""

from __future__ import annotations

import ctypes

import pytest

from augmentai.system import memory


@pytest.fixture(autouse=True)
def fresh_lookup() -> None:
    memory._libc.cache_clear()


def test_with_this_c_library() -> None:
    memory.use_one_arena()
    memory.release_freed_memory()


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    memory.use_one_arena()
    memory.release_freed_memory()


def test_memory_is_returned_after_many_images_or_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    returned: list[int] = []
    monkeypatch.setattr(memory, "release_freed_memory", lambda: returned.append(1))
    tidying = memory.Tidying()
    for _ in range(255):
        tidying.made(10)
    assert not returned
    tidying.made(0)
    assert len(returned) == 1
    tidying.made(12_000_000)
    assert len(returned) == 1
    tidying.made(13_000_000)
    assert len(returned) == 2

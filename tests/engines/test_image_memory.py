"""The memory of the images that a run has in hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.engines.image_memory import ImageMemory, working_bytes
from augmentai.images import Photo

KEY = ("a.png", "sha")


def photo(width: int = 1000, deep: bool = False) -> Photo:
    fine = np.zeros((1000, width, 3), np.uint16) if deep else None
    return Photo(Image.new("RGB", (width, 1000)), "PNG", "RGB", fine=fine)


@pytest.mark.parametrize(
    ("limit_mb", "fit"),
    [
        (4, 1),  # larger than the limit: alone
        (8, 1),
        (16, 2),
        (30, 3),
    ],
)
def test_as_many_are_in_hand_as_fit(limit_mb: float, fit: int) -> None:
    memory = ImageMemory(limit_mb)
    taken = 0
    while not memory.is_full:
        taken += 1
        memory.take(KEY, taken, photo())
    assert taken == fit
    memory.release(KEY, 1)
    assert not memory.is_full


def test_the_largest_says_what_the_next_one_takes() -> None:
    memory = ImageMemory(45)
    memory.take(KEY, 1, photo())
    memory.take(KEY, 2, photo(2000))
    assert not memory.is_full
    memory.take(KEY, 3, photo())
    assert memory.is_full
    memory.release(KEY, 2)
    assert not memory.is_full


def test_an_attempt_is_counted_once() -> None:
    memory = ImageMemory(20)
    for _ in range(3):
        memory.take(KEY, 1, photo())
    assert not memory.is_full
    memory.release(KEY, 1)
    memory.release(KEY, 1)  # what failed before it was begun


def test_16_bits_take_more() -> None:
    assert working_bytes(photo(deep=True)) == 4 * working_bytes(photo())


def test_small_sources_are_decoded_before_their_turn() -> None:
    memory = ImageMemory(300)
    assert memory.may_prepare(4032 * 3024)
    assert not memory.may_prepare(6000 * 4000)
    assert not memory.may_prepare(4032 * 3024, is_deep=True)


def test_processes_share_the_limit() -> None:
    memory = ImageMemory(limit_mb=64)
    shares = memory.share(2)
    assert memory.has_room_for(8_000_000)
    assert not memory.has_room_for(8_000_001)
    assert shares.has_room_for(4_000_000)
    assert not shares.has_room_for(4_000_001)


def test_sources_that_wait_for_a_service_are_counted_once() -> None:
    first, second = photo(), photo()
    width, height = first.size_wh
    memory = ImageMemory(2.5 * 4 * width * height / 1e6)
    assert memory.has_room_beside([])
    assert memory.has_room_beside([first, first, first])
    assert not memory.has_room_beside([first, second])
    assert not memory.has_room_beside([photo(deep=True)])

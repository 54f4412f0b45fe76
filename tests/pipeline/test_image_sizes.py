"""The mean size of a set's images is found from some of their headers."""

from __future__ import annotations

import pytest
from PIL import Image

from augmentai.pipeline.image_sizes import mean_pixels
from augmentai.types import Source
from tests.support.image_files import encoded


def sources(*sizes: tuple[int, int]) -> list[Source]:
    return [Source.from_bytes(f"{n}.png", encoded(Image.new("RGB", size))) for n, size in enumerate(sizes)]


def test_there_is_none_without_an_image() -> None:
    assert mean_pixels([Source.from_bytes("a.png", b"text")], 10**8) is None
    assert mean_pixels([], 10**8) is None


def test_images_are_spread_over_the_whole_set() -> None:
    assert mean_pixels(sources(*[(10, 10)] * 40, *[(20, 20)] * 40), 10**8) == pytest.approx(250, rel=0.1)

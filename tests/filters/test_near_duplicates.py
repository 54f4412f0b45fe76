"""Which images count as nearly the same, and how they are grouped."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from augmentai.filters.features import image_features
from augmentai.filters.near_duplicates import NearDuplicates, Thumbprint, correlation, grouped, thumbprint
from tests.support.image_files import encoded
from tests.support.unlike_images import unlike


def seen(data: bytes) -> Thumbprint:
    return thumbprint(image_features(Image.open(io.BytesIO(data))))


def resized(data: bytes, size_wh: tuple[int, int], file_format: str = "JPEG") -> bytes:
    return encoded(Image.open(io.BytesIO(data)).resize(size_wh), file_format)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (unlike(1), unlike(1), True),
        (unlike(1), resized(unlike(1), (128, 96)), True),  # larger
        (unlike(1), resized(unlike(1), (48, 36), "PNG"), True),  # smaller, in another format
        (unlike(1), unlike(2), False),
        (unlike(1), encoded(Image.open(io.BytesIO(unlike(1))).rotate(180)), False),
        # images of one colour show nothing that could be compared
        (encoded(Image.new("RGB", (40, 40), "red")), encoded(Image.new("RGB", (40, 40), "red")), False),
    ],
)
def test_what_is_nearly_the_same(one: bytes, other: bytes, same: bool) -> None:
    index = NearDuplicates()
    for data in (one, unlike(7), other):
        index.add(seen(data))
    assert index.groups() == ([[0, 2]] if same else [])


def test_many_that_are_all_alike_are_one_group() -> None:
    """Each is compared with the nearest few, and they still meet by way of others."""
    index, one = NearDuplicates(), seen(unlike(3))
    for _ in range(600):
        index.add(one)
    assert index.groups() == [list(range(600))]


def test_no_images_and_one_image_have_no_pairs() -> None:
    index = NearDuplicates()
    assert index.groups() == []
    index.add(seen(unlike(1)))
    assert index.groups() == []
    assert grouped(3, lambda: iter([])) == []


def test_correlation_tells_light_apart_from_content() -> None:
    image = Image.open(io.BytesIO(unlike(4)))
    darker = encoded(image.point(lambda value: value // 2))
    assert correlation(seen(unlike(4)), seen(darker)) > 0.99
    assert correlation(seen(unlike(4)), seen(unlike(5))) < 0.7

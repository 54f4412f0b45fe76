"""The data model of labels: objects that left the image, and boxes around polygons."""

from __future__ import annotations

import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape, box_around, objects_lost

CAT, DOG = Shape("cat", (0, 0, 9, 9)), Shape("dog", (5, 5, 8, 8))
EMPTY = Image.new("L", (8, 8))


def with_object(value: int = 1) -> Image.Image:
    mask = EMPTY.copy()
    mask.paste(value, (2, 2, 5, 5))
    return mask


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        (Labels((CAT, DOG)), Labels((CAT, DOG)), 0, "all are there"),
        (Labels((CAT, DOG)), Labels((DOG,)), 1, "one left the image"),
        (Labels(mask=with_object()), Labels(mask=EMPTY), 1, "nothing is left on the mask"),
        (Labels(mask=with_object()), Labels(mask=with_object(2)), 0, "something is left on the mask"),
        (Labels(mask=EMPTY), Labels(mask=EMPTY), 0, "there was nothing on the mask"),
        (Labels(mask=with_object(), other_masks=(with_object(),)), Labels(mask=EMPTY, other_masks=(EMPTY,)), 2, "two"),
        (Labels((CAT,), mask=with_object()), Labels(mask=EMPTY), 2, "a shape and a mask"),
        (Labels(mask=with_object().convert("RGB")), Labels(mask=EMPTY.convert("RGB")), 1, "a mask in colours"),
        (Labels(mask=with_object()), Labels(mask=Image.new("L", (8, 8), 1)), 0, "the object fills the image"),
        (
            Labels(mask=with_object(255).point(lambda v: v or 254)),
            Labels(mask=Image.new("L", (8, 8), 254)),
            1,
            "no zeros",
        ),
    ],
)
def test_objects_that_left_the_image(before: Labels, after: Labels, expected: int, why: str) -> None:
    assert objects_lost(before, after) == expected, why


def test_a_box_around_several_polygons() -> None:
    assert box_around(((1.5, 2), (3, 8)), ((0, 4), (2, 3), (9, 5))) == (0, 2, 9, 8)

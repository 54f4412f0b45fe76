"""How many variations of an image flips and quarter turns can make: counted, and found by drawing."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.annotations import Labels, Shape
from augmentai.operations import apply_operations, build_operations, warp_for
from augmentai.operations.few_ways import count_ways
from tests.support.image_files import colours

WIDE, SQUARE = (40, 30), (32, 32)
KEYPOINTS = Labels((Shape("person", (1, 1, 20, 20), keypoints=((4, 4, 2),)),))

COUNTED: dict[str, tuple[str, list[Any], tuple[int, int], int]] = {
    # geometry, operations, size, how many
    "a flip": ("flip", [], WIDE, 1),
    "a flip, as an operation": ("none", ["flip"], WIDE, 1),
    "two flips": ("flip", ["flip"], WIDE, 1),
    "a flip of every image": ("none", [{"flip": {"probability": 1.0}}], WIDE, 1),
    "two flips of every image give the image": ("none", [{"flip": {"probability": 1.0}}] * 2, WIDE, 0),
    "upside down": ("none", ["turn90"], WIDE, 1),
    "quarter turns": ("none", ["turn90"], SQUARE, 3),
    "upside down and flips": ("flip", ["turn90"], WIDE, 3),
    "quarter turns and flips": ("none", ["turn90", "flip"], SQUARE, 7),
    "quarter turns twice": ("none", ["turn90", "turn90"], SQUARE, 3),
}


@pytest.mark.parametrize(("geometry", "steps", "size_wh", "expected"), COUNTED.values(), ids=COUNTED)
def test_as_many_as_draws_give(geometry: str, steps: list[Any], size_wh: tuple[int, int], expected: int) -> None:
    operations, image = build_operations(steps), colours(size_wh)
    assert count_ways(geometry, operations, size_wh, None) == expected
    made = {
        apply_operations(image, None, operations, seed, first=warp_for(geometry, size_wh, seed)).image.tobytes()
        for seed in range(200)
    }
    assert len(made - {image.tobytes()}) == expected


UNCOUNTED: dict[str, tuple[str, list[Any]]] = {
    # geometry, operations
    "crops": ("light", []),
    "a crop among flips": ("flip", ["turn90", "crop"]),
    "what changes values": ("flip", ["noise"]),
}


@pytest.mark.parametrize(("geometry", "steps"), UNCOUNTED.values(), ids=UNCOUNTED)
def test_what_cannot_be_counted(geometry: str, steps: list[Any]) -> None:
    assert count_ways(geometry, build_operations(steps), WIDE, None) is None


def test_what_is_not_allowed_does_not_count() -> None:
    assert count_ways("flip", build_operations(["flip"]), WIDE, KEYPOINTS) == 0
    assert count_ways("flip", [], WIDE, None, mirror=False) == 0
    assert count_ways("flip", build_operations([{"noise": {"probability": 0.0}}]), WIDE, None) == 1

"""Where in an image a pasted object may go: beside objects of its class, or where it was in its own image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Literal

from augmentai.annotations import Box

Place = Literal["class", "same", "anywhere"]

_TRIES = 24  # places that are drawn
_KEPT = 4  # of these, among which the pixels decide
_NEAR = (1.1, 2.5)  # sizes of both objects that a pasted one is away from the one of its class
_JITTER = 0.06  # of the image's sides: standard deviation around the same place
_A_TOUCH = 0.1  # of a labelled object's box that may be hidden as if nothing were
_MOST_HIDDEN = 0.4  # where every place hides something

Point = tuple[float, float]


def draw_places(
    rng: Random,
    place: Place,
    object_wh: tuple[float, float],
    same: Point,
    size_wh: tuple[int, int],
    alike: Sequence[Box],
    labelled: Sequence[Box],
) -> list[Point]:
    """Draw middles for a pasted object, those first that hide least of what is labelled.

    Args:
        rng: the variation's own random numbers.
        place: "class": beside objects of its class if the image has some, else as "same"; "same": where it is in its
            own image, roughly; "anywhere".
        object_wh: its width and height in this image.
        same: where its middle is in its own image, 0 to 1 of the width and the height.
        size_wh: of the image in pixels.
        alike: boxes of the objects of its class in this image.
        labelled: boxes of all objects in this image.

    Returns:
        A few places, at each of which it is inside of the image; none if it is too large.

    Example:
        >>> draw_places(Random(1), "same", (10, 10), (0.5, 0.5), (100, 100), [], [])[0]
        (57.73, 58.7)
    """
    (width, height), (wide, high) = size_wh, object_wh
    if wide > width - 2 or high > height - 2:
        return []
    found: list[tuple[float, Point]] = []
    for _ in range(_TRIES):
        x, y = _drawn(rng, place, object_wh, same, size_wh, alike)
        x = min(max(x, wide / 2 + 1), width - wide / 2 - 1)
        y = min(max(y, high / 2 + 1), height - high / 2 - 1)
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        hidden = max((_hidden(box, other) for other in labelled), default=0.0)
        found.append((hidden if hidden > _A_TOUCH else 0.0, (round(x, 2), round(y, 2))))
    found.sort(key=lambda one: one[0])  # stable: equal ones stay in the order in which they were drawn
    least = found[0][0]
    most = max(least, _MOST_HIDDEN) if least else 0.0
    return [point for hidden, point in found if hidden <= most][:_KEPT]


def _drawn(
    rng: Random,
    place: Place,
    object_wh: tuple[float, float],
    same: Point,
    size_wh: tuple[int, int],
    alike: Sequence[Box],
) -> Point:
    width, height = size_wh
    if place == "anywhere":
        return rng.uniform(0, width), rng.uniform(0, height)
    if place == "class" and alike:
        x0, y0, x1, y1 = rng.choice(alike)
        angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(*_NEAR)
        reach = away / 2 * (math.hypot(x1 - x0, y1 - y0) + math.hypot(*object_wh)) / math.sqrt(2)
        return (x0 + x1) / 2 + reach * math.cos(angle), (y0 + y1) / 2 + reach * math.sin(angle)
    return rng.gauss(same[0], _JITTER) * width, rng.gauss(same[1], _JITTER) * height


def _hidden(box: Box, other: Box) -> float:
    """The share of another box that a box covers."""
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / max((other[2] - other[0]) * (other[3] - other[1]), 1e-9)

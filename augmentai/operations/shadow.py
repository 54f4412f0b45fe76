"""The operation `shadow`: something out of view keeps the light from a part of the scene."""

# ruff: noqa: RUF009 (`parameter` returns what `dataclasses.field` does)

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from augmentai.operations.base import DrawSettings
from augmentai.operations.overlay import dimmed
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.textures import Plane, clouds, enlarged, small_size, softened
from augmentai.recipe.kinds import Choice

if TYPE_CHECKING:
    from augmentai.annotations import Labels

Caster = Literal["any", "object", "leaves"]

_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
_MOST_PX = 320  # long side at which a shadow is drawn: its edges are soft
_SKY = (1.12, 1.0, 0.88)  # of the exponent: the sky lights shadows, so they are bluish
_LEAVES = 34  # spots of light along the long side
_CROWN = 0.05  # of the long side: how far the edge of a tree's shadow fades
_CORNERS = (4, 7)


@dataclass(frozen=True)
class Shadow(PixelOperation):
    """Darkens the inside of a polygon that reaches into the image, with soft edges.

    Attributes:
        strength: the share of the value that the shadowed part loses, drawn from this range.
        caster: "object" for straight edges, "leaves" for spots of light within them, "any" for either.

    Example:
        >>> Shadow(strength=0.4, caster="object").as_step()
        {'shadow': {'strength': [0.4, 0.4], 'caster': 'object'}}
    """

    name = "shadow"
    title = "Shadow"
    blurb = "something out of view keeps the light off"
    neutral = MappingProxyType({"strength": 0})

    strength: tuple[float, float] = parameter(
        (0.3, 0.6), Range(0, 0.95), "Share of the value that the shadowed part loses."
    )
    caster: Caster = parameter(
        "any", Choice(Caster, ("Either", "An object with straight edges", "Leaves of a tree")), "What casts it."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        caster = rng.choice(["object", "leaves"]) if self.caster == "any" else self.caster
        drawn = {"strength": strength, "caster": caster, "corners": _polygon(rng), "blur": rng.uniform(0.003, 0.018)}
        return {**drawn, "seed": rng.getrandbits(32)} if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        left = 1 - drawn["strength"]
        return dimmed(values, shaded(drawn, (width, height)), [left**exponent for exponent in _SKY])


def shaded(drawn: Mapping[str, Any], size_wh: tuple[int, int]) -> Plane:
    """How deep in the shadow each pixel is, 0 to 1.

    Shape:
        output: (height, width) of float32.
    """
    import cv2

    small = small_size(size_wh, _MOST_PX)
    canvas = np.zeros(small[::-1], np.uint8)
    corners = (np.array(drawn["corners"]) * small - 0.5) * (1 << _SHIFT)
    cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    leaves = drawn["caster"] == "leaves"
    blur = _CROWN if leaves else drawn["blur"]
    mask = softened(canvas, blur * max(small)).astype(np.float32) * np.float32(1 / 255)
    if leaves:  # the crown is dense inside, and its edge is open
        spots = clouds(drawn["seed"], small, _LEAVES)
        mask = mask * ((0.66 * mask - spots) / 0.24 + 0.5).clip(0, 1)
    return enlarged(mask, size_wh)


def _polygon(rng: Random) -> list[list[float]]:
    """A large polygon around a point near the border below or beside, as shares of the image's width and height."""
    towards, count = rng.uniform(-0.1 * math.pi, 1.1 * math.pi), rng.randint(*_CORNERS)
    center = 0.5 + rng.uniform(0.25, 0.6) * math.cos(towards), 0.5 + rng.uniform(0.25, 0.6) * math.sin(towards)
    start = rng.uniform(0, 2 * math.pi)
    corners = []
    for corner in range(count):
        turn = start + 2 * math.pi * (corner + rng.uniform(-0.3, 0.3)) / count
        reach = rng.uniform(0.3, 0.85)
        corners.append([round(center[0] + reach * math.cos(turn), 4), round(center[1] + reach * math.sin(turn), 4)])
    return corners

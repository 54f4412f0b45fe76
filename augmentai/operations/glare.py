"""The operation `glare`: a bright light shines into the lens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.operations.base import DrawSettings
from augmentai.operations.overlay import lit
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.textures import Plane, small_size, uniform

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_MOST_PX = 200  # long side at which it is computed: all of it is smooth
_BLADES = (12, 14, 16, 18)  # rays of a lens's opening


@dataclass(frozen=True)
class Glare(PixelOperation):
    """Adds a light source with its bloom and rays, reflections in the lens, and a veil over the image.

    Attributes:
        strength: 0 to 1, drawn from this range; at 1 little of what is around the light can be seen.

    Example:
        >>> Glare(strength=(0.3, 0.7)).as_step()
        {'glare': {'strength': [0.3, 0.7]}}
    """

    name = "glare"
    title = "Lens glare"
    blurb = "the sun or a lamp shines into the lens"
    neutral = MappingProxyType({"strength": 0})

    strength: tuple[float, float] = parameter(
        (0.3, 0.8), Range(0, 1), "How strong it is; at 1 little of what is around the light can be seen."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        drawn = {"strength": strength, "at": [rng.uniform(0.02, 0.98), rng.uniform(-0.05, 0.5)]}
        rays = {"blades": rng.choice(_BLADES), "turn": rng.uniform(0, 1), "warmth": rng.uniform(0, 1)}
        return {**drawn, **rays, "seed": rng.getrandbits(32)} if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        import cv2

        height, width = values.shape[:2]
        light = _light(drawn, small_size((width, height), _MOST_PX))
        own = light if values.shape[2] == 3 else np.ascontiguousarray(light[..., 1:2])
        return lit(values, np.asarray(cv2.resize(own, (width, height), interpolation=cv2.INTER_LINEAR)))


def _light(drawn: Mapping[str, Any], size_wh: tuple[int, int]) -> Values:
    """What is added: (height, width, 3), 0 to 1."""
    width, height = size_wh
    unit = max(size_wh)
    across = ((np.arange(width, dtype=np.float32) + 0.5 - drawn["at"][0] * width) / unit)[None, :]
    down = ((np.arange(height, dtype=np.float32) + 0.5 - drawn["at"][1] * height) / unit)[:, None]
    distance = np.sqrt(across**2 + down**2)
    strength = drawn["strength"]
    disk = np.exp(-((distance / (0.012 + 0.03 * strength)) ** 2))
    bloom = 0.8 * np.exp(-distance / (0.045 + 0.12 * strength))
    veil = 0.72 * np.exp(-distance / 0.48) + 0.08
    rays = 0.6 * _rays(drawn, np.arctan2(down, across)) * np.exp(-distance / (0.06 + 0.16 * strength))
    warm = 0.1 + 0.4 * drawn["warmth"]
    light = np.empty((height, width, 3), np.float32)
    for channel, cooler in enumerate((0.0, 0.45, 1.0)):  # red, green, blue: the further out, the warmer
        soft = 1 - warm * cooler
        clear = 1 - (disk * strength**0.25).clip(0, 1)
        clear *= 1 - (bloom + rays).clip(0, 1) * strength**0.5 * (1 - 0.5 * warm * cooler)
        light[..., channel] = 1 - clear * (1 - veil * strength * soft)
    for ghost in _ghosts(drawn):
        _add_ghost(light, ghost, strength, size_wh)
    return light


def _rays(drawn: Mapping[str, Any], angle: Plane) -> Plane:
    """The rays of the lens's opening and finer ones, by direction: 0 to 1."""
    blades, turn = drawn["blades"], 2 * math.pi * drawn["turn"]
    main = np.cos(angle * (blades / 2) + turn) ** 2
    main *= main * main  # the power of 24 by products, which are faster
    main *= main
    main *= main
    waves = uniform(drawn["seed"], 3, 2)
    fine = sum(np.cos(angle * (7 + round(24 * number)) + 6.3 * phase) for number, phase in waves)
    return np.asarray(0.75 * main + 0.25 * (fine / 6 + 0.5) ** 3, np.float32)


def _ghosts(drawn: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Reflections between the lenses: disks on the line from the light through the middle of the image."""
    x, y = drawn["at"]
    ghosts = []
    for along, size, hue, level in uniform(drawn["seed"] + 1, 6, 4):
        way = 0.5 + 1.7 * along  # 1 is the middle of the image
        place = x + (0.5 - x) * way, y + (0.5 - y) * way
        tint = 0.5 + 0.5 * np.cos(2 * math.pi * (hue + np.array((0.0, 0.33, 0.67))))
        ghosts.append({"at": place, "radius": 0.012 + 0.07 * size**2, "tint": tint, "level": 0.05 + 0.13 * level})
    return ghosts


def _add_ghost(light: Values, ghost: Mapping[str, Any], strength: float, size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    radius = ghost["radius"] * max(size_wh)
    x, y = ghost["at"][0] * width, ghost["at"][1] * height
    left, right = max(0, math.floor(x - radius - 2)), min(width, math.ceil(x + radius + 2))
    top, bottom = max(0, math.floor(y - radius - 2)), min(height, math.ceil(y + radius + 2))
    if left >= right or top >= bottom:
        return
    distance = np.hypot(np.arange(left, right) + 0.5 - x, (np.arange(top, bottom) + 0.5 - y)[:, None])
    disk = (radius - distance + 1).clip(0, 1) * (0.45 + 0.55 * (distance / radius) ** 3)
    opacity = (ghost["level"] * strength * disk)[..., None] * ghost["tint"]
    part = light[top:bottom, left:right]
    part += (1 - part) * opacity.astype(np.float32)

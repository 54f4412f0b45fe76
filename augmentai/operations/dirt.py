"""The operation `dirt`: drops or spots on the lens."""

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
from augmentai.operations.overlay import dimmed, for_channels, in_strips
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.textures import Plane, clouds, enlarged, small_size, uniform
from augmentai.recipe.kinds import Choice

if TYPE_CHECKING:
    from augmentai.annotations import Labels

Kind = Literal["any", "drops", "spots"]

_MOST_PX = 320  # long side at which they are drawn: what is on the lens is out of focus
_BLURRED_PX = 40  # long side of what is seen through a drop
_VIEW = 3.0  # how many of its own widths a drop shows
_DROPS, _SPOTS = 34, 60  # at strength 1
_CRUMBS = 40  # of a spot's texture, along the long side
_MUD = (0.3, 0.24, 0.16)  # the share of red, green and blue that comes through the thickest of it


@dataclass(frozen=True)
class Dirt(PixelOperation):
    """Puts something on the lens: drops, in which the scene stands on its head, or spots of dust and mud.

    Attributes:
        strength: 0 to 1, drawn from this range: a few to many.
        kind: "drops", "spots", or "any" for either.

    Example:
        >>> Dirt(strength=0.4, kind="drops").as_step()
        {'dirt': {'strength': [0.4, 0.4], 'kind': 'drops'}}
    """

    name = "dirt"
    title = "Dirty lens"
    blurb = "drops or spots on the lens"
    neutral = MappingProxyType({"strength": 0})
    mixes = True

    strength: tuple[float, float] = parameter((0.2, 0.7), Range(0, 1), "A few to many.")
    kind: Kind = parameter("any", Choice(Kind, ("Either", "Drops of water", "Dust and mud")), "What is on the lens.")

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        kind = rng.choice(["drops", "spots"]) if self.kind == "any" else self.kind
        return {"strength": strength, "kind": kind, "seed": rng.getrandbits(32)} if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        paint = _drops if drawn["kind"] == "drops" else _spots
        return paint(values, drawn["strength"], drawn["seed"])


def _drops(values: Values, strength: float, seed: int) -> Values:
    import cv2

    height, width, channels = values.shape
    small = small_size((width, height), _MOST_PX)
    scene: Any = cv2.resize(values, small_size((width, height), _BLURRED_PX), interpolation=cv2.INTER_AREA)
    scene = cv2.flip(scene, -1).reshape(*scene.shape[:2], channels)  # a drop is a lens: it turns the scene over
    seen, opacity = np.zeros((*small[::-1], channels), np.float32), np.zeros(small[::-1], np.float32)
    for x, y, size, squeeze in uniform(seed, max(1, round(_DROPS * strength)), 4):
        _add_drop(seen, opacity, scene, (x, y), (0.008 + 0.045 * size**3) * max(small), 0.85 + 0.3 * squeeze)
    light = np.asarray(cv2.resize(seen, (width, height))).reshape(values.shape)
    opacity = enlarged(opacity, (width, height))
    for some, rows in in_strips(values):
        step = light[rows].reshape(some.shape) - some
        step *= for_channels(opacity[rows], channels)
        some += step
    return values


def _add_drop(
    seen: Values, opacity: Plane, scene: Values, at: tuple[float, float], radius: float, squeeze: float
) -> None:
    import cv2

    height, width, channels = seen.shape
    x, y = at[0] * width, at[1] * height
    reach = math.ceil(radius * 1.4 + 1)
    left, right = max(0, round(x) - reach), min(width, round(x) + reach)
    top, bottom = max(0, round(y) - reach), min(height, round(y) + reach)
    if left >= right or top >= bottom:
        return
    across = ((np.arange(left, right, dtype=np.float32) + 0.5 - x) / (radius * squeeze))[None, :]
    down = ((np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / (radius / squeeze))[:, None]
    distance = np.sqrt(across**2 + down**2)
    scale = scene.shape[1] / width
    middle, step = np.array(scene.shape[1::-1]) * (1 - np.array(at)), radius * _VIEW * scale
    map_x = np.broadcast_to(middle[0] + across * step, distance.shape).astype(np.float32)
    map_y = np.broadcast_to(middle[1] + down * step, distance.shape).astype(np.float32)
    view = cv2.remap(scene, map_x, map_y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    view = view.reshape(*distance.shape, channels)
    shade = 1 + (0.35 * down - 0.15) * (distance**2).clip(0, 1)  # light gathers at the lower rim
    colours = channels - (channels in {2, 4})  # transparency has no shade
    view[..., :colours] *= shade[..., None]
    soft = ((1.15 - distance) / 0.35).clip(0, 1)
    opaque = 0.92 * soft * soft * (3 - 2 * soft)
    over = opaque[..., None]
    part, own = seen[top:bottom, left:right], opacity[top:bottom, left:right]
    part += (view - part) * np.where(own[..., None] > 0, over, 1)
    np.maximum(own, opaque, out=own)


def _spots(values: Values, strength: float, seed: int) -> Values:
    height, width, channels = values.shape
    small = small_size((width, height), _MOST_PX)
    clear = np.ones(small[::-1], np.float32)
    for x, y, size, level in uniform(seed, max(1, round(_SPOTS * strength)), 4):
        _add_spot(clear, (x, y), (0.006 + 0.07 * size**4) * max(small), level)
    opacity = (1 - clear) * (0.2 + 1.6 * clouds(seed, small, _CRUMBS, octaves=2)).clip(0, 1)
    factors = _MUD if channels > 2 else _MUD[1:2]
    return dimmed(values, enlarged(opacity, (width, height)), factors if channels in {1, 3} else (*factors, 1.0))


def _add_spot(clear: Plane, at: tuple[float, float], radius: float, level: float) -> None:
    height, width = clear.shape
    x, y = at[0] * width, at[1] * height
    reach = math.ceil(radius * 1.5 + 1)
    left, right = max(0, round(x) - reach), min(width, round(x) + reach)
    top, bottom = max(0, round(y) - reach), min(height, round(y) + reach)
    across = ((np.arange(left, right, dtype=np.float32) + 0.5 - x) / radius)[None, :]
    down = ((np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / radius)[:, None]
    soft = ((1.5 - np.sqrt(across**2 + down**2)) / 1.2).clip(0, 1)
    clear[top:bottom, left:right] *= 1 - (0.25 + 0.6 * level) * soft * soft * (3 - 2 * soft)

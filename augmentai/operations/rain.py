"""The operation `rain`: streaks of drops, near and far, and the haze behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import WEATHER, DrawSettings
from augmentai.operations.fog import AIR, haze
from augmentai.operations.overlay import scene_light, veiled
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.textures import Particles, falling

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_HAZE = 0.75  # optical depth of the far distance at strength 1
_DARKER = 0.22  # the share of the light that clouds take at strength 1
_LAYERS = (  # at strength 1
    Particles(count=1300, length=0.035, thickness=0, opacity=0.34),
    Particles(count=420, length=0.085, thickness=0, opacity=0.42),
    Particles(count=60, length=0.2, thickness=0.0045, opacity=0.44, blur=0.0025),
)


@dataclass(frozen=True)
class Rain(PixelOperation):
    """Draws streaks at three distances, all in one direction, and dims and veils the scene behind them.

    Attributes:
        strength: 0 to 1, drawn from this range: a drizzle to a downpour.
        slant: degrees from the vertical, drawn from this range; above 0 it falls towards the left.

    Example:
        >>> Rain(strength=(0.3, 0.7)).as_step()
        {'rain': {'strength': [0.3, 0.7]}}
    """

    name = "rain"
    title = "Rain"
    blurb = "streaks of drops and a slight haze"
    group = WEATHER
    neutral = MappingProxyType({"strength": 0})

    strength: tuple[float, float] = parameter((0.25, 0.75), Range(0, 1), "A drizzle to a downpour.")
    slant: tuple[float, float] = parameter(
        (-20, 20), Range(-60, 60), "Degrees from the vertical; above 0 it falls towards the left."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        drawn = {"strength": strength, "slant_deg": rng.uniform(*self.slant), "seed": rng.getrandbits(32)}
        return drawn if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        strength, light = drawn["strength"], scene_light(values)
        veil = haze(drawn["seed"], (width, height), _HAZE * strength, 0.35, 0.8)
        drops = [replace(layer, count=layer.count * strength) for layer in _LAYERS]
        clear = 1 - falling(drops, drawn["seed"], drawn["slant_deg"], (width, height))
        clear *= 1 - veil
        bright = 0.25 + 0.6 * light
        return veiled(values, 1 - clear, [bright * part for part in AIR], gain=1 - _DARKER * strength)

"""The operation `snow`: flakes, near and far, and the white air behind them."""

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

_HAZE = 1.0  # optical depth of the far distance at strength 1
_LAYERS = (  # at strength 1
    Particles(count=2600, length=0.002, thickness=0.004, opacity=0.8, flutter_deg=60),
    Particles(count=520, length=0.006, thickness=0.009, opacity=0.9, blur=0.0016, flutter_deg=30),
    Particles(count=55, length=0.02, thickness=0.024, opacity=0.75, blur=0.006, flutter_deg=15),
)


@dataclass(frozen=True)
class Snow(PixelOperation):
    """Draws flakes at three distances, the nearest out of focus, and veils the scene behind them.

    What lies on the ground stays as it is.

    Attributes:
        strength: 0 to 1, drawn from this range: some flakes to heavy snow.
        slant: degrees from the vertical, drawn from this range; above 0 it falls towards the left.

    Example:
        >>> Snow(strength=(0.3, 0.7)).as_step()
        {'snow': {'strength': [0.3, 0.7]}}
    """

    name = "snow"
    title = "Snow"
    blurb = "flakes near and far"
    group = WEATHER
    neutral = MappingProxyType({"strength": 0})

    strength: tuple[float, float] = parameter((0.2, 0.7), Range(0, 1), "Some flakes to heavy snow.")
    slant: tuple[float, float] = parameter(
        (-30, 30), Range(-60, 60), "Degrees from the vertical; above 0 it falls towards the left."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        drawn = {"strength": strength, "slant_deg": rng.uniform(*self.slant), "seed": rng.getrandbits(32)}
        return drawn if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        strength, bright = drawn["strength"], 0.35 + 0.65 * scene_light(values)
        flakes = [replace(layer, count=layer.count * strength) for layer in _LAYERS]
        clear = 1 - falling(flakes, drawn["seed"], drawn["slant_deg"], (width, height))
        clear *= 1 - haze(drawn["seed"], (width, height), _HAZE * strength, 0.35, 0.8)
        return veiled(values, 1 - clear, [bright * part for part in AIR])

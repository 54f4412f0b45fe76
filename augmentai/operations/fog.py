"""The operation `fog`: mist in the air, thicker towards the distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.operations.base import WEATHER, DrawSettings
from augmentai.operations.overlay import scene_light, veiled
from augmentai.operations.parameters import Number, Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.textures import SMOOTH_PX, Plane, clouds, enlarged, small_size

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_THICKEST = 3.2  # optical depth of the far distance at strength 1: 4 % of its light come through
_PATCHES = 0.45  # how much thicker or thinner drifts are than their surroundings
_DRIFTS = 3  # along the long side
AIR = (0.985, 1.0, 1.012)  # the colour of mist: slightly blue


@dataclass(frozen=True)
class Fog(PixelOperation):
    """Mixes the image with the light of the mist, exponentially with distance (Koschmieder 1924).

    A photograph does not say how far its parts are: the upper ones count as far, the lowest as near.

    Attributes:
        strength: 0 to 1, drawn from this range; 1 hides the distance.
        depth: how much thicker it is towards the top; 0 is the same everywhere, as for images from above.

    Example:
        >>> Fog(strength=(0.2, 0.4), depth=0).as_step()
        {'fog': {'strength': [0.2, 0.4], 'depth': 0.0}}
    """

    name = "fog"
    title = "Fog"
    blurb = "mist that hides the distance"
    group = WEATHER
    neutral = MappingProxyType({"strength": 0})

    strength: tuple[float, float] = parameter((0.2, 0.7), Range(0, 1), "How thick it is; 1 hides the distance.")
    depth: float = parameter(0.8, Number(0, 1), "How much thicker it is towards the top; 0 = the same everywhere.")

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        strength = rng.uniform(*self.strength)
        drawn = {"strength": strength, "depth": self.depth, "horizon": rng.uniform(0.25, 0.5)}
        return {**drawn, "seed": rng.getrandbits(32)} if strength else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        opacity = haze(drawn["seed"], (width, height), _THICKEST * drawn["strength"], drawn["horizon"], drawn["depth"])
        bright = 0.22 + 0.74 * scene_light(values)
        return veiled(values, opacity, [bright * part for part in AIR])


def haze(seed: int, size_wh: tuple[int, int], thickness: float, horizon: float, depth: float) -> Plane:
    """How opaque the air is: more with the distance, and in drifts.

    Args:
        seed: of the drifts.
        size_wh: of the image.
        thickness: optical depth of the far distance.
        horizon, depth: see `distance`.

    Shape:
        output: (height, width) of float32, 0 to 1.
    """
    small = small_size(size_wh, SMOOTH_PX)
    drifts = 1 + _PATCHES * (2 * clouds(seed, small, _DRIFTS) - 1)
    opacity = 1 - np.exp(-thickness * distance(small[1], horizon, depth)[:, None] * drifts)
    return enlarged(opacity.astype(np.float32), size_wh)


def distance(height: int, horizon: float, depth: float) -> Values:
    """How far the rows of an image count as, 0 to 1.

    Args:
        height: of the image in pixels.
        horizon: a share of the height, from the top; what is above it is as far as can be.
        depth: how much nearer the lowest row is: 1 for no distance at all, 0 for the same everywhere.

    Shape:
        output: (height) of float32.

    Example:
        >>> [round(float(far), 2) for far in distance(5, 0.2, 1)]
        [1.0, 0.88, 0.62, 0.38, 0.12]
    """
    down = (np.arange(height, dtype=np.float32) + 0.5) / height
    near = ((down - horizon) / (1 - horizon)).clip(0, 1)
    return np.asarray(1 - depth * near, np.float32)

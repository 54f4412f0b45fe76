"""The operation `exposure`: more or less light on the sensor, and another rendering of its tones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import DrawSettings
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import Values, encoded, linear
from augmentai.operations.tones import ToneOperation

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Exposure(ToneOperation):
    """Multiplies the light, then bends the tones by a power.

    Attributes:
        stops: drawn from this range; each doubles the light, or halves it below 0.
        gamma: the power, drawn from this range; below 1 brightens the shadows, above 1 darkens them.

    Example:
        >>> Exposure(stops=(-1, 1)).as_step()
        {'exposure': {'stops': [-1.0, 1.0]}}
    """

    name = "exposure"
    title = "Exposure"
    blurb = "brighter or darker"
    neutral = MappingProxyType({"stops": 0, "gamma": 1})

    stops: tuple[float, float] = parameter(
        (-0.8, 0.8), Range(-4, 4), "Stops; each doubles the light, or halves it below 0."
    )
    gamma: tuple[float, float] = parameter(
        (0.85, 1.2), Range(0.2, 5), "Power of the tones; below 1 brightens the shadows."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        stops, gamma = rng.uniform(*self.stops), rng.uniform(*self.gamma)
        return {"stops": stops, "gamma": gamma} if (stops, gamma) != (0, 1) else None

    def curve(self, values: Values, drawn: Mapping[str, Any], channel: int) -> Values:
        made: Values = encoded(linear(values) * 2.0 ** drawn["stops"]).clip(0, 1) ** drawn["gamma"]
        return made

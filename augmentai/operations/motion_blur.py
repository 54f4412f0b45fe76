"""The operation `motion_blur`: the camera moved while the shutter was open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import DrawSettings
from augmentai.operations.blur import blurred, line_kernel, reduction_for
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class MotionBlur(PixelOperation):
    """Blurs along a straight line of any direction.

    Attributes:
        length: of the line, drawn from this range, as a share of the image's shorter side.

    Example:
        >>> MotionBlur(length=0.02).as_step()
        {'motion_blur': {'length': [0.02, 0.02]}}
    """

    name = "motion_blur"
    title = "Motion blur"
    blurb = "the camera moved"
    neutral = MappingProxyType({"length": 0})
    mixes = True

    length: tuple[float, float] = parameter(
        (0.005, 0.025), Range(0, 0.2), "Length of the movement, as a share of the image's shorter side."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        length_px = rng.uniform(*self.length) * min(size_wh)
        return {"length_px": length_px, "angle_deg": rng.uniform(0, 180)} if length_px else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        reduction = reduction_for(drawn["length_px"])
        return blurred(values, line_kernel(drawn["length_px"] / reduction, drawn["angle_deg"]), reduction)

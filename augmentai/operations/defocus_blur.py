"""The operation `defocus_blur`: the lens was out of focus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import DrawSettings
from augmentai.operations.blur import blurred, disk_kernel, reduction_for
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class DefocusBlur(PixelOperation):
    """Spreads each point to a disk, the shape of a lens's opening.

    Attributes:
        radius: of the disk, drawn from this range, as a share of the image's shorter side.

    Example:
        >>> DefocusBlur(radius=0.01).as_step()
        {'defocus_blur': {'radius': [0.01, 0.01]}}
    """

    name = "defocus_blur"
    title = "Defocus blur"
    blurb = "the lens was out of focus"
    neutral = MappingProxyType({"radius": 0})
    mixes = True

    radius: tuple[float, float] = parameter(
        (0.003, 0.01), Range(0, 0.1), "Radius of the disk, as a share of the image's shorter side."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        radius_px = rng.uniform(*self.radius) * min(size_wh)
        return {"radius_px": radius_px} if radius_px else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        reduction = reduction_for(2 * drawn["radius_px"])
        # A sharp pixel is a spot of half a pixel's radius already.
        return blurred(values, disk_kernel(0.5 + drawn["radius_px"] / reduction), reduction)

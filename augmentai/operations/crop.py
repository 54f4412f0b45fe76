"""The operation `crop`: a part of the image, enlarged to its full size."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Placement
from augmentai.operations.label_constraints import LabelConstraints
from augmentai.operations.parameters import Range, parameter


@dataclass(frozen=True)
class Crop(GeometricOperation):
    """Cuts out a part of the image, of the image's own proportions, and enlarges it to the full size.

    Attributes:
        scale: the share of the image's area that is kept, drawn from this range; 1 is the whole image.

    Example:
        >>> Crop(scale=(0.5, 1)).as_step()
        {'crop': {'scale': [0.5, 1.0]}}
    """

    name = "crop"
    title = "Crop"
    blurb = "enlarges a part of the image"
    neutral = MappingProxyType({"scale": 1})

    scale: tuple[float, float] = parameter(
        (0.64, 1.0), Range(0.04, 1.0), "Share of the image's area that is kept; 1 = all of it."
    )

    def place(self, rng: Random, limits: LabelConstraints) -> Placement:
        center = rng.uniform(-1, 1), rng.uniform(-1, 1)
        return Placement(zoom=rng.uniform(*self.scale) ** -0.5, center=center)

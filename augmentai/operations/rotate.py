"""The operation `rotate`: the image turned about its centre."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Placement
from augmentai.operations.label_constraints import LabelConstraints
from augmentai.operations.parameters import Number, parameter


@dataclass(frozen=True)
class Rotate(GeometricOperation):
    """Rotates the image about its centre by an angle drawn from -degrees to degrees.

    If objects are labelled, it zooms in until no border shows; if they have boxes only, it rotates less.

    Attributes:
        degrees: the largest angle to either side.

    Example:
        >>> Rotate(degrees=15).as_step()
        {'rotate': {'degrees': 15.0}}
    """

    name = "rotate"
    title = "Rotate"
    blurb = "turns the image slightly"
    neutral = MappingProxyType({"degrees": 0})

    degrees: float = parameter(8.0, Number(0, 45), "Largest angle to either side.")

    def place(self, rng: Random, limits: LabelConstraints) -> Placement:
        return Placement(rotation_deg=rng.uniform(-self.degrees, self.degrees) * limits.rotation)

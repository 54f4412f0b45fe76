"""The operation `perspective`: the image seen from the side, from above or from below."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Placement
from augmentai.operations.label_constraints import LabelConstraints
from augmentai.operations.parameters import Number, parameter


@dataclass(frozen=True)
class Perspective(GeometricOperation):
    """Tilts the image across and down, as if it were seen at an angle.

    If objects are labelled, it zooms in until no border shows; if they have boxes only, it tilts less.

    Attributes:
        tilt: how much nearer one side comes at most, as a share of the distance.

    Example:
        >>> Perspective(tilt=0.1).as_step()
        {'perspective': {'tilt': 0.1}}
    """

    name = "perspective"
    title = "Perspective"
    blurb = "as if seen at an angle"
    neutral = MappingProxyType({"tilt": 0})

    tilt: float = parameter(0.15, Number(0, 0.3), "How much nearer one side comes at most.")

    def place(self, rng: Random, limits: LabelConstraints) -> Placement:
        across, down = (rng.uniform(-self.tilt, self.tilt) * limits.rotation for _ in range(2))
        return Placement(tilt=(across, down))

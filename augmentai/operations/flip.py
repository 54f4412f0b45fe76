"""The operation `flip`: left and right swapped."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Matrix, Placement, mirroring
from augmentai.operations.label_constraints import LabelConstraints
from augmentai.operations.parameters import Number, parameter


@dataclass(frozen=True)
class Flip(GeometricOperation):
    """Swaps left and right, by default in half of the variations.

    Images with labelled keypoints are left as they are, unless the set says which of them change places.

    Example:
        >>> Flip(probability=1).as_step()
        {'flip': {'probability': 1.0}}
    """

    name = "flip"
    title = "Horizontal flip"
    blurb = "swaps left and right"
    mirrors = True

    probability: float = parameter(0.5, Number(0, 1), "Share of the variations that are flipped.")

    def place(self, rng: Random, limits: LabelConstraints) -> Placement | None:
        return Placement(mirrored=True) if limits.may_mirror else None

    def all_moves(self, size_wh: tuple[int, int], limits: LabelConstraints) -> list[Matrix]:
        return [mirroring(size_wh)] if limits.may_mirror else []

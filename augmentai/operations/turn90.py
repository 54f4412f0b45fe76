"""The operation `turn90`: the image turned by quarter turns."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Homography, Matrix, quarter_turns
from augmentai.operations.label_constraints import LabelConstraints
from augmentai.operations.parameters import Number, parameter

_SQUARE, _OTHER = (1, 2, 3), (2,)  # quarter turns; a variation has its source's width and height


@dataclass(frozen=True)
class Turn90(GeometricOperation):
    """Turns a square image by 90, 180 or 270 degrees, any other image by 180 degrees; by default in three of four.

    For images without an up and down: from above, or through a microscope. Pixels and labels only change their places,
    so nothing is lost or blurred. A variation has its source's width and height, so images that are not square are not
    turned by 90 degrees; cut these into squares first if you want that.

    Example:
        >>> Turn90(probability=1).as_step()
        {'turn90': {'probability': 1.0}}
    """

    name = "turn90"
    title = "Quarter turns"
    blurb = "turns by 90, 180 or 270 degrees"

    probability: float = parameter(0.75, Number(0, 1), "Share of the variations that are turned.")

    def homography(self, rng: Random, size_wh: tuple[int, int], limits: LabelConstraints) -> Homography:
        turns = rng.choice(_turns(size_wh))
        return Homography(quarter_turns(turns, size_wh), rotation_deg=90.0 * turns)

    def all_moves(self, size_wh: tuple[int, int], limits: LabelConstraints) -> list[Matrix]:
        return [quarter_turns(turns, size_wh) for turns in _turns(size_wh)]


def _turns(size_wh: tuple[int, int]) -> tuple[int, ...]:
    return _SQUARE if size_wh[0] == size_wh[1] else _OTHER

"""How many different variations a recipe can make of an image, where flips and quarter turns are all that it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from augmentai.operations.base import Operation
from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.homography import Matrix, mirroring
from augmentai.operations.label_constraints import LabelConstraints, label_constraints

if TYPE_CHECKING:
    from augmentai.annotations import Labels


def count_ways(
    geometry: str, operations: Sequence[Operation], size_wh: tuple[int, int], labels: Labels | None, mirror: bool = True
) -> int | None:
    """How many different variations there are of an image that no engine repaints, the image itself not counted.

    Args:
        geometry: a preset, resolved: not "auto".
        operations: of the recipe, in its order.
        size_wh: width and height of the image in pixels.
        labels: of the image.
        mirror: of the recipe.

    Returns:
        None if there are more than can be counted.

    Example:
        >>> from augmentai.operations.turn90 import Turn90
        >>> count_ways("flip", [], (40, 30), None), count_ways("flip", [Turn90()], (30, 30), None)
        (1, 7)
    """
    if geometry not in {"none", "flip"}:
        return None
    limits = label_constraints(labels)
    reached: list[Matrix] = [np.eye(3)]
    if geometry == "flip" and mirror and limits.may_mirror:
        reached.append(mirroring(size_wh))
    for operation in operations:
        moves = _moves(operation, size_wh, limits)
        if moves is None:
            return None
        reached = _different(move @ before for before in reached for move in moves)
    return sum(not np.array_equal(one, np.eye(3)) for one in reached)


def _moves(operation: Operation, size_wh: tuple[int, int], limits: LabelConstraints) -> list[Matrix] | None:
    """What an operation may do to an image; None if that cannot be counted."""
    if operation.is_idle:
        return [np.eye(3)]
    found = operation.all_moves(size_wh, limits) if isinstance(operation, GeometricOperation) else None
    if found is None:
        return None
    stays = operation.probability < 1 or not found
    return [*found, *([np.eye(3)] if stays else [])]


def _different(matrices: Iterable[Matrix]) -> list[Matrix]:
    return list({matrix.tobytes(): matrix for matrix in (one + 0.0 for one in matrices)}.values())

"""How the pixels of a variation moved in all, read from its manifest, so that its source can be shown beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from augmentai import registry
from augmentai.operations.canvas import is_move
from augmentai.operations.homography import Homography
from augmentai.operations.pixels import PixelOperation


def whole_move(details: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The geometry and the operations of a variation as one record of geometry.

    Args:
        details: of the variation.

    Returns:
        What `warp_from_manifest` reads; None if nothing moved, or if an operation did more than move all pixels alike.

    Example:
        >>> whole_move({"operations": [{"name": "noise", "drawn": {"amount": 0.1, "seed": 7}}]}) is None
        True
    """
    moves = [details["geometry"]] if "geometry" in details else []
    for record in details.get("operations", ()):
        try:
            operation = registry.find("operations", record["name"])()
        except registry.RegistryError:
            return None
        if is_move(operation):
            moves.append({"name": record["name"], **record["drawn"]})
        elif not isinstance(operation, PixelOperation):
            return None
    if len(moves) < 2:
        return moves[0] if moves else None
    matrix = np.eye(3)
    for move in moves:
        matrix = np.array(move["matrix"], np.float64) @ matrix
    mirrored = bool(np.linalg.det(matrix) < 0)
    return {"name": "operations", **Homography(matrix, mirrored).as_record()}

"""Homographies: mirroring, cropping, rotation and perspective as one (3, 3) matrix from the source to the variation.

Coordinates are those of labels: the first pixel covers 0 to 1, so an image covers (0, 0) to (width, height).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.floating[Any]]]

_ATTEMPTS = 24  # each makes a homography that does not fit a fifth milder; the last one does not rotate or tilt at all
_BISECTIONS = 40
_SLACK_PX = 1e-6


@dataclass(frozen=True)
class Placement:
    """Mirroring, crop, rotation and perspective, in this order, before they are one matrix.

    Attributes:
        mirrored: left and right are swapped.
        rotation_deg: counter-clockwise, in degrees.
        zoom: 1 keeps the scale; 2 shows a quarter of the area.
        tilt: perspective, across and down: how much nearer one side comes, as a share of the distance.
        center: of the crop, across and down: -1 and 1 touch the image's border, 0 is the image's own centre.
    """

    mirrored: bool = False
    rotation_deg: float = 0.0
    zoom: float = 1.0
    tilt: tuple[float, float] = (0.0, 0.0)
    center: tuple[float, float] = (0.0, 0.0)

    def matrix(self, size_wh: tuple[int, int], amount: float = 1.0) -> Matrix:
        """The homography of it.

        Args:
            size_wh: width and height of the image in pixels.
            amount: the share of the rotation and the perspective that is applied, 0 to 1.

        Returns:
            (3, 3): maps a point (x, y, 1) of the source to the variation.
        """
        width, height = size_wh
        rotation_deg, tilt = self.rotation_deg * amount, (self.tilt[0] * amount, self.tilt[1] * amount)
        freedom = max(0.0, 1 - 1 / self.zoom) / 2  # how far the crop's centre may be from the image's
        center = width * (0.5 + self.center[0] * freedom), height * (0.5 + self.center[1] * freedom)
        cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
        mirror = mirroring(size_wh) if self.mirrored else np.eye(3)
        rotate = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        perspective = np.array([[1, 0, 0], [0, 1, 0], [tilt[0] / (width / 2), tilt[1] / (height / 2), 1]])
        steps = translation(width / 2, height / 2) @ np.diag([self.zoom, self.zoom, 1.0]) @ perspective @ rotate
        return steps @ translation(-center[0], -center[1]) @ mirror


@dataclass(frozen=True)
class Homography:
    """A homography and the numbers that it was made from, as the manifest records them.

    Attributes:
        matrix: (3, 3), float64: maps a point (x, y, 1) of the source to the variation, in pixels.
        mirrored: left and right are swapped.
        rotation_deg: counter-clockwise, in degrees.
        zoom: 1 keeps the scale; 2 shows a quarter of the area.
        tilt: perspective, across and down: how much nearer one side comes, as a share of the distance.
    """

    matrix: Matrix
    mirrored: bool = False
    rotation_deg: float = 0.0
    zoom: float = 1.0
    tilt: tuple[float, float] = (0.0, 0.0)

    def as_record(self) -> dict[str, Any]:
        """Everything as JSON can hold it. `matrix` is exact and is all that is needed to repeat it; the rest, rounded,
        explains it."""
        return {
            "mirrored": self.mirrored,
            "rotation_deg": round(self.rotation_deg, 3) + 0.0,
            "zoom": round(self.zoom, 4),
            "tilt": [round(tilt, 4) + 0.0 for tilt in self.tilt],
            "matrix": self.matrix.tolist(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Homography:
        """The way back from `as_record`, as it is read from a manifest."""
        tilt_x, tilt_y = record["tilt"]
        matrix = np.array(record["matrix"], np.float64)
        return cls(matrix, record["mirrored"], record["rotation_deg"], record["zoom"], (tilt_x, tilt_y))


def fitted(placement: Placement, size_wh: tuple[int, int], max_reflection: float, max_extra_zoom: float) -> Homography:
    """The homography of a placement, zoomed in further until little or nothing beyond the image's border shows.

    If the largest extra zoom is not enough, rotation and perspective are made milder instead.

    Args:
        placement: what is wanted.
        size_wh: width and height of the image in pixels.
        max_reflection: how far beyond the border the frame may reach, as a share of each side; 0 for not at all. There,
            the image is reflected.
        max_extra_zoom: the largest extra zoom, 1 or more.

    Example:
        >>> fitted(Placement(rotation_deg=10), (400, 300), 0.0, 1.6).zoom > 1.2
        True
    """
    for attempt in range(_ATTEMPTS + 1):
        amount = 0.0 if attempt == _ATTEMPTS else 0.8**attempt
        matrix = placement.matrix(size_wh, amount)
        extra = _least_zoom(matrix, size_wh, max_reflection, max_extra_zoom)
        if extra is not None:
            tilt = placement.tilt[0] * amount, placement.tilt[1] * amount
            matrix, zoom = _zoomed(matrix, size_wh, extra), placement.zoom * extra
            return Homography(matrix, placement.mirrored, placement.rotation_deg * amount, zoom, tilt)
    raise AssertionError("a crop that is neither rotated nor tilted is within the image")


def translation(x: float, y: float) -> Matrix:
    """(3, 3): moves points by x to the right and y down, in pixels."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def mirroring(size_wh: tuple[int, int]) -> Matrix:
    """(3, 3): swaps left and right of an image of this size, in pixels."""
    return np.array([[-1, 0, size_wh[0]], [0, 1, 0], [0, 0, 1]], np.float64)


def quarter_turns(turns: int, size_wh: tuple[int, int]) -> Matrix:
    """(3, 3): turns an image by so many times 90 degrees, counter-clockwise; all numbers are whole.

    Args:
        turns: 0 to 3; 1 and 3 only for a square image, since the size stays.
        size_wh: width and height in pixels.

    Example:
        >>> transform_points(quarter_turns(1, (8, 8)), np.array([[8.0, 1.0]])).tolist()
        [[1.0, 0.0]]
    """
    width, height = size_wh
    columns = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, -1, height], [1, 0, 0]],
    }
    return np.array([*columns[turns], [0, 0, 1]], np.float64)


def corners_in_source(matrix: Matrix, size_wh: tuple[int, int]) -> Matrix:
    """Where the four corners of the variation are in the source: (4, 2), in order around it."""
    width, height = size_wh
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64)
    return _flattened(corners @ np.linalg.inv(matrix).T)


def transform_points(matrix: Matrix, points: Matrix) -> Matrix:
    """(N, 2) points moved by a homography."""
    ahead = np.ones((len(points), 3))
    ahead[:, :2] = points
    return _flattened(ahead @ matrix.T)


def _flattened(ahead: Matrix) -> Matrix:
    """Points (x, y, distance) as they are seen: (N, 3) -> (N, 2)."""
    return np.asarray(ahead[:, :2] / ahead[:, 2:])


def _zoomed(matrix: Matrix, size_wh: tuple[int, int], zoom: float) -> Matrix:
    if zoom == 1:
        return matrix
    x, y = size_wh[0] / 2, size_wh[1] / 2
    larger = np.array([[zoom, 0.0, 0.0], [0.0, zoom, 0.0], [0.0, 0.0, 1.0]])
    return translation(x, y) @ larger @ translation(-x, -y) @ matrix


def _least_zoom(matrix: Matrix, size_wh: tuple[int, int], max_reflection: float, max_zoom: float) -> float | None:
    """The least extra zoom about the centre with which the frame is within bounds; None if `max_zoom` is too little."""
    if _is_within(matrix, size_wh, max_reflection):
        return 1.0
    if not _is_within(_zoomed(matrix, size_wh, max_zoom), size_wh, max_reflection):
        return None
    low, high = 1.0, max_zoom
    for _ in range(_BISECTIONS):  # frames nest as the zoom grows, so bisection finds the first that is within
        middle = (low + high) / 2
        is_within = _is_within(_zoomed(matrix, size_wh, middle), size_wh, max_reflection)
        low, high = (low, middle) if is_within else (middle, high)
    return high


def _is_within(matrix: Matrix, size_wh: tuple[int, int], max_reflection: float) -> bool:
    across, down = (max_reflection * side + _SLACK_PX for side in size_wh)
    width, height = size_wh
    # Four points are compared faster one by one than by NumPy.
    return all(
        -across <= x <= width + across and -down <= y <= height + down
        for x, y in corners_in_source(matrix, size_wh).tolist()
    )

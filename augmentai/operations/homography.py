"""Which way one variation is moved: a homography drawn from its seed.

Coordinates are those of labels: the first pixel reaches from 0 to 1, a picture from (0, 0) to (width, height).
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.floating[Any]]]

_TRIES = 24  # each makes a warp that cannot be covered a fifth milder; after the last it does not turn at all


@dataclass(frozen=True)
class Reach:
    """How far a geometry goes. Draws are uniform within these bounds.

    turn_deg: to either side. zoom: from, to; 1 keeps the scale. tilt: how much nearer one side comes, as a share of the
    distance (the perspective). border: how far beyond the picture it may look, as a share of each side; there the
    picture is reflected. cover: the most that it zooms in besides, so as not to look further.
    """

    turn_deg: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    tilt: float = 0.0
    border: float = 0.0
    cover: float = 1.0


REACHES: Mapping[str, Reach] = MappingProxyType(
    {
        "none": Reach(),
        "flip": Reach(),
        "light": Reach(turn_deg=8, zoom=(1.0, 1.25), border=0.1, cover=1.3),
        "strong": Reach(turn_deg=20, zoom=(0.9, 1.6), tilt=0.15, border=0.2, cover=1.6),
    }
)
BARE_BOX_TURN = 0.4  # of the turn and tilt, where only boxes are known: a box that turns grows larger than its thing


@dataclass(frozen=True)
class Draw:
    """What was drawn. matrix: (3, 3), takes a point (x, y, 1) of the source to its place in the variation."""

    matrix: Matrix
    mirrored: bool
    rotation_deg: float
    zoom: float
    tilt: tuple[float, float]


def draw(
    geometry: str, size_wh: tuple[int, int], seed: int, mirror: bool = True, cover: bool = False, turn: float = 1.0
) -> Draw:
    """The warp of the variation with this seed; the same for the same arguments.

    geometry: one of REACHES. mirror: it may swap left and right, which every second variation then does.
    cover: zoom in until nothing beyond the picture shows, rather than reflect the picture there. turn: share of the
    rotation and the perspective that is carried out, 0 to 1.
    """
    reach = REACHES[geometry]
    digest = hashlib.sha256(f"{seed}:geometry".encode()).digest()
    stream = random.Random(int.from_bytes(digest[:8], "big"))
    # Every number is drawn each time, so that one geometry flips the same variations as another.
    mirrored = stream.random() < 0.5 and mirror and geometry != "none"
    rotation, tilt_x, tilt_y, place_x, place_y = (stream.uniform(-1, 1) for _ in range(5))
    zoom = stream.uniform(*reach.zoom)
    rotation *= reach.turn_deg * turn
    tilt = tilt_x * reach.tilt * turn, tilt_y * reach.tilt * turn
    border = 0.0 if cover else reach.border
    amount = 1.0
    for trial in range(_TRIES + 1):
        amount = 0.0 if trial == _TRIES else 0.8**trial
        turned = rotation * amount
        tilted = tilt[0] * amount, tilt[1] * amount
        matrix = _matrix(size_wh, mirrored, turned, zoom, tilted, (place_x, place_y))
        extra = _least_zoom(matrix, size_wh, border, reach.cover)
        if extra is not None:
            return Draw(_zoomed(matrix, size_wh, extra), mirrored, turned, zoom * extra, tilted)
    raise AssertionError("without a turn, a zoom-crop looks nowhere beyond the picture")


def _matrix(
    size_wh: tuple[int, int],
    mirrored: bool,
    rotation_deg: float,
    zoom: float,
    tilt: tuple[float, float],
    place: tuple[float, float],
) -> Matrix:
    """Mirror, bring the crop's centre to the origin, turn, tilt, zoom, and bring the origin to the picture's centre."""
    width, height = size_wh
    freedom = max(0.0, 1 - 1 / zoom) / 2  # how far a crop's centre may lie from the picture's
    centre = width * (0.5 + place[0] * freedom), height * (0.5 + place[1] * freedom)
    cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    mirror = np.array([[-1, 0, width], [0, 1, 0], [0, 0, 1]] if mirrored else np.eye(3), np.float64)
    rotate = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    perspective = np.array([[1, 0, 0], [0, 1, 0], [tilt[0] / (width / 2), tilt[1] / (height / 2), 1]])
    steps = shifted(width / 2, height / 2) @ np.diag([zoom, zoom, 1.0]) @ perspective @ rotate
    return steps @ shifted(-centre[0], -centre[1]) @ mirror


def shifted(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def _zoomed(matrix: Matrix, size_wh: tuple[int, int], zoom: float) -> Matrix:
    if zoom == 1:
        return matrix
    x, y = size_wh[0] / 2, size_wh[1] / 2
    return shifted(x, y) @ np.diag([zoom, zoom, 1.0]) @ shifted(-x, -y) @ matrix


def _least_zoom(matrix: Matrix, size_wh: tuple[int, int], border: float, most: float) -> float | None:
    """The least further zoom about the centre with which no more than `border` beyond the picture is seen."""
    if _within(matrix, size_wh, border):
        return 1.0
    if not _within(_zoomed(matrix, size_wh, most), size_wh, border):
        return None
    low, high = 1.0, most
    for _ in range(40):  # the frames nest as the zoom grows, so halving finds the first that lies within
        middle = (low + high) / 2
        low, high = (low, middle) if _within(_zoomed(matrix, size_wh, middle), size_wh, border) else (middle, high)
    return high


def _within(matrix: Matrix, size_wh: tuple[int, int], border: float) -> bool:
    size = np.array(size_wh, np.float64)
    seen = frame_in_source(matrix, size_wh)
    slack = border * size + 1e-6
    return bool(((seen >= -slack) & (seen <= size + slack)).all())


def frame_in_source(matrix: Matrix, size_wh: tuple[int, int]) -> Matrix:
    """Where the four corners of the variation lie in the source: (4, 2), around it in order."""
    width, height = size_wh
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    return transform_points(np.linalg.inv(matrix), corners)


def transform_points(matrix: Matrix, points: Matrix) -> Matrix:
    """(N, 2) points moved by a homography."""
    ahead = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return ahead[:, :2] / ahead[:, 2:]

"""Circles and ellipses as outlines of many points, and back from an outline that geometry has moved.

Wherever pixels are moved, by any homography, an ellipse stays one, as long as the border of the image does not cut it.
Angles are in degrees, clockwise as one sees them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augmentai.annotations import Box, Polygon

_POINTS = 64  # the outline is within a thousandth of the radius of the curve
_LEAST_POINTS = 32  # four corners lie on an ellipse as well
_TOLERANCE = 0.01  # of the radius: how far points may be from the curve that is fitted to them
_WHOLE = 0.98  # of the area: an outline with less is a part of an ellipse
_ROUND = 0.002  # of the radius: how far the two radii of a circle may differ


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in pixels.

    Attributes:
        x, y: its centre.
        rx, ry: its radii along its own axes.
        angle_deg: of the axis of `rx`.

    Example:
        >>> Ellipse(10, 20, 4, 2).box
        (6.0, 18.0, 14.0, 22.0)
        >>> found = fitted_ellipse(Ellipse(10, 20, 4, 2, 30).ring)
        >>> [round(value, 6) for value in (found.x, found.y, found.rx, found.ry, found.angle_deg)]
        [10.0, 20.0, 4.0, 2.0, 30.0]
    """

    x: float
    y: float
    rx: float
    ry: float
    angle_deg: float = 0.0

    @property
    def is_circle(self) -> bool:
        """Whether both radii are the same."""
        return abs(self.rx - self.ry) <= _ROUND * max(self.rx, self.ry)

    @property
    def box(self) -> Box:
        """The box around it."""
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        half_width, half_height = math.hypot(self.rx * cos, self.ry * sin), math.hypot(self.rx * sin, self.ry * cos)
        return self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height

    @property
    def ring(self) -> Polygon:
        """Its outline."""
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        turns = (math.tau * i / _POINTS for i in range(_POINTS))
        own = ((self.rx * math.cos(turn), self.ry * math.sin(turn)) for turn in turns)
        return tuple((self.x + u * cos - v * sin, self.y + u * sin + v * cos) for u, v in own)


def fitted_ellipse(ring: Polygon) -> Ellipse | None:
    """The ellipse that an outline is; None if it is none, such as one that the border has cut.

    Args:
        ring: of as many points as `Ellipse.ring` has.
    """
    if len(ring) < _LEAST_POINTS:
        return None
    points = np.asarray(ring, np.float64)
    middle, spread = points.mean(0), float(points.std())
    if not spread > 0:
        return None
    x, y = ((points - middle) / spread).T
    terms = np.column_stack([x * x, x * y, y * y, x, y])  # a conic: terms @ (a, b, c, d, e) = 1
    (a, b, c, d, e), *_ = np.linalg.lstsq(terms, np.ones(len(points)), rcond=None)
    if np.abs(terms @ (a, b, c, d, e) - 1).max() > 2 * _TOLERANCE or 4 * a * c - b * b <= 0:
        return None
    shape = np.array([[a, b / 2], [b / 2, c]])
    centre = np.linalg.solve(2 * shape, [-d, -e])
    values, axes = np.linalg.eigh(shape / (1 + centre @ shape @ centre))
    if not (values > 0).all():
        return None
    radii = spread / np.sqrt(values)
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 * spread**2
    if area < _WHOLE * math.pi * radii[0] * radii[1]:
        return None
    angle = math.degrees(math.atan2(axes[1, 0], axes[0, 0]))
    turns = round(angle / 90)  # the axis nearest to level is the first one, as most ellipses are drawn level
    rx, ry = (radii if turns % 2 == 0 else radii[::-1]).tolist()
    x0, y0 = (middle + spread * centre).tolist()
    tilt = angle - 90 * turns
    return Ellipse(x0, y0, rx, ry, 0.0 if abs(tilt) < 1e-6 else tilt)

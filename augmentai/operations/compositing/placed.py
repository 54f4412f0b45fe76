"""Where a cut-out object goes in another image: its pixels, its outline and its points at the new size and place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augmentai.annotations import Box, Keypoint, Polygon, Shape, box_around, mask_to_box
from augmentai.operations.compositing.cutout import Cutout
from augmentai.operations.compositing.labelled_objects import Values, Window

_UNSCALED = 0.02  # a scale this near to 1 resamples nothing


@dataclass(frozen=True)
class Placed:
    """A cut-out object at its new size, at a place of another image.

    Attributes:
        cutout: the object as it was cut out.
        size_wh: of its window at the new size, in whole pixels.
        corner: where the upper left corner of the window is in the other image.
        mirrored: left and right are swapped.

    Example:
        >>> from augmentai.operations.compositing.labelled_objects import LabelledObject
        >>> one = LabelledObject("cat", (10, 10, 20, 20))
        >>> cutout = Cutout(one, (8, 8, 22, 22), np.ones((14, 14), bool), np.zeros((14, 14), bool))
        >>> placed(cutout, 1.0, False, (50.0, 30.0)).box
        (45.0, 25.0, 55.0, 35.0)
    """

    cutout: Cutout
    size_wh: tuple[int, int]
    corner: tuple[int, int]
    mirrored: bool

    @property
    def window(self) -> Window:
        """Left, top, right, bottom in the other image."""
        (width, height), (left, top) = self.size_wh, self.corner
        return left, top, left + width, top + height

    @property
    def box(self) -> Box:
        """Around the object as it is labelled."""
        return self.moved_box(self.cutout.one.box)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the image that it was cut from, in pixels, at its new place."""
        left, top, right, bottom = self.cutout.window
        across = (right - x if self.mirrored else x - left) * self.size_wh[0] / (right - left)
        return self.corner[0] + across, self.corner[1] + (y - top) * self.size_wh[1] / (bottom - top)

    def moved_box(self, box: Box) -> Box:
        """A box at its new place."""
        return box_around((self.point(*box[:2]), self.point(*box[2:])))

    def resized(self, values: Values, nearest: bool = False) -> Values:
        """Values of the window, at its new size.

        Args:
            values: whole numbers or floats; those that are not `nearest` come back as floats.
            nearest: no new values, for masks of classes.

        Shape:
            values: (height, width) or (height, width, channels) of the cutout's window.
        """
        import cv2

        own = np.ascontiguousarray(values[:, ::-1]) if self.mirrored else values
        height, width = own.shape[:2]
        if nearest:
            rows = ((np.arange(self.size_wh[1]) + 0.5) * height / self.size_wh[1]).astype(int)
            columns = ((np.arange(self.size_wh[0]) + 0.5) * width / self.size_wh[0]).astype(int)
            return np.asarray(own[rows[:, None], columns[None]])
        floats: Any = own.astype(np.float32 if own.dtype in (np.uint8, np.bool_, np.uint16, np.float32) else np.float64)
        if (width, height) == self.size_wh:
            return floats
        kind = cv2.INTER_AREA if self.size_wh[0] < width else cv2.INTER_LINEAR
        made: Any = cv2.resize(floats, self.size_wh, interpolation=kind)
        return np.asarray(made)

    def mask(self) -> Values:
        """The object's pixels at the new size: those of which it covers half or more."""
        return np.asarray(self.resized(self.cutout.mask) >= 0.5)

    def shape(self, full_wh: tuple[int, int], donor_path: str) -> Shape | None:
        """The object as the other image's labels hold it; None for an area of a mask.

        Args:
            full_wh: width and height of the other image in pixels.
            donor_path: of the image that it was cut from.
        """
        one = self.cutout.one.shape
        if one is None:
            return None
        polygons: tuple[Polygon, ...] = tuple(tuple(self.point(x, y) for x, y in ring) for ring in one.polygons)
        bitmap = None
        box = None if one.box is None else self.moved_box(one.box)
        if one.mask is not None:
            bitmap = in_frame(self.mask(), self.window, full_wh)
            box = mask_to_box(bitmap) if box is not None else None
        extra = {"pasted": {**one.extra, "from": donor_path}}
        keypoints = self._keypoints(one)
        return replace(one, box=box, polygons=polygons, mask=bitmap, keypoints=keypoints, extra=extra)

    def _keypoints(self, one: Shape) -> tuple[Keypoint, ...]:
        own = one.keypoints
        if self.mirrored and len(one.flip_order) == len(own):
            own = tuple(own[number] for number in one.flip_order)
        return tuple((*self.point(x, y), seen) if seen else (0.0, 0.0, 0.0) for x, y, seen in own)


def placed(cutout: Cutout, scale: float, mirrored: bool, centre: tuple[float, float]) -> Placed:
    """A cut-out object at a new size, its middle at a point of another image as nearly as whole pixels allow.

    Args:
        cutout: the object.
        scale: how much larger it becomes.
        mirrored: left and right are swapped.
        centre: where the middle of its box goes, in pixels.
    """
    left, top, right, bottom = cutout.window
    width, height = right - left, bottom - top
    if abs(scale - 1) > _UNSCALED:
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    at_origin = Placed(cutout, (width, height), (0, 0), mirrored)
    x0, y0, x1, y1 = at_origin.box
    return replace(at_origin, corner=(round(centre[0] - (x0 + x1) / 2), round(centre[1] - (y0 + y1) / 2)))


def in_frame(values: Values, window: Window, size_wh: tuple[int, int]) -> Values:
    """A bitmap of a window as one of the whole image.

    Example:
        >>> in_frame(np.ones((1, 2), bool), (-1, 0, 1, 1), (2, 1)).tolist()
        [[True, False]]
    """
    whole = np.zeros(size_wh[::-1], bool)
    part, own = overlap(window, size_wh)
    whole[part] = values[own]
    return whole


def overlap(window: Window, size_wh: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a window that is in an image: (rows and columns of the image, rows and columns of the window)."""
    left, top, right, bottom = window
    x0, y0, x1, y1 = max(0, left), max(0, top), min(size_wh[0], right), min(size_wh[1], bottom)
    x1, y1 = max(x0, x1), max(y0, y1)
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))

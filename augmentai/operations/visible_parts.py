"""How much of each labelled object is hidden when rectangles of an image are covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.annotations import Box, Labels, Polygon, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

Mask = np.ndarray[Any, Any]
Frame = tuple[int, int, int, int]  # x0, y0, x1, y1 in whole pixels

_MOST_VALUES = 64  # of a mask whose objects are told apart by their connected areas; above, each value is one


@dataclass
class _Part:
    """An object: the frame that it is in, which pixels of that (None for all), how many, and how many are hidden.

    Polygons are filled when a rectangle comes near them: `rings` is what is still to be filled.
    """

    frame: Frame
    pixels: Mask | None
    count: int
    hidden: int = 0
    rings: tuple[Polygon, ...] = ()


@dataclass
class _Areas:
    """The objects of a mask: (height, width) of their numbers, how many pixels each has, and how many are hidden."""

    numbers: Mask
    counts: Mask
    hidden: Mask


class VisibleParts:
    """The pixels of every labelled object of an image, and which of them are covered.

    An object is what its bitmap or its polygons cover, else its box, else its lines or keypoints. In a mask it is each
    connected area of one value other than 0, since one class may be on several objects.

    Args:
        labels: of the image, in its pixels.
        size_wh: of the image.

    Example:
        >>> parts = VisibleParts(Labels((Shape("cat", (0, 0, 4, 4)), Shape("dog", (4, 0, 8, 4)))), (8, 4))
        >>> parts.most_hidden((3, 0, 5, 4))
        0.25
        >>> parts.cover((3, 0, 5, 4))
        >>> parts.most_hidden((0, 0, 1, 4))
        0.5
    """

    def __init__(self, labels: Labels, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._covered = np.zeros(size_wh[::-1], bool)
        self._parts = [part for shape in labels.shapes if (part := _part(shape, size_wh)) is not None]
        self._areas = [_areas(mask) for mask in (labels.mask, *labels.other_masks) if mask is not None]

    def most_hidden(self, rectangle: Frame) -> float:
        """The largest share of one object that would be hidden if this were covered too; 0 if it is on no object.

        Args:
            rectangle: within the image.
        """
        shares = [(part.hidden + self._newly_hidden(part, rectangle)) / part.count for part in self._beneath(rectangle)]
        for areas in self._areas:
            found = self._newly_in(areas, rectangle)
            shares.append(float(((areas.hidden + found) / areas.counts)[found > 0].max(initial=0.0)))
        return max(shares, default=0.0)

    def cover(self, rectangle: Frame) -> None:
        """Cover a rectangle within the image."""
        for part in self._beneath(rectangle):
            part.hidden += self._newly_hidden(part, rectangle)
        for areas in self._areas:
            areas.hidden = areas.hidden + self._newly_in(areas, rectangle)
        x0, y0, x1, y1 = rectangle
        self._covered[y0:y1, x0:x1] = True

    def _beneath(self, rectangle: Frame) -> list[_Part]:
        found = []
        for number, part in enumerate(self._parts):
            if part.rings and _meet(part.frame, rectangle):
                part = self._parts[number] = _filled(part, self._size_wh)
            if _meet(part.frame, rectangle):
                found.append(part)
        return found

    def _newly_hidden(self, part: _Part, rectangle: Frame) -> int:
        left, top = part.frame[:2]
        x0, y0 = max(left, rectangle[0]), max(top, rectangle[1])
        x1, y1 = min(part.frame[2], rectangle[2]), min(part.frame[3], rectangle[3])
        free = ~self._covered[y0:y1, x0:x1]
        if part.pixels is not None:
            free &= part.pixels[y0 - top : y1 - top, x0 - left : x1 - left]
        return int(np.count_nonzero(free))

    def _newly_in(self, areas: _Areas, rectangle: Frame) -> Mask:
        """For each number, how many pixels are hidden in addition."""
        x0, y0, x1, y1 = rectangle
        numbers = areas.numbers[y0:y1, x0:x1][~self._covered[y0:y1, x0:x1]]
        found = np.bincount(numbers, minlength=len(areas.counts))
        found[0] = 0
        return found


def _part(shape: Shape, size_wh: tuple[int, int]) -> _Part | None:
    """One object; None if it has no place in the image."""
    if shape.mask is not None:
        return _trimmed((0, 0, *size_wh), np.asarray(shape.mask, bool))
    if shape.polygons:
        frame = _around([point for ring in shape.polygons for point in ring], size_wh)
        return _Part(frame, None, 0, rings=shape.polygons) if frame is not None else None
    if shape.box is not None:
        box = _whole_pixels(shape.box, size_wh)
        return _Part(box, None, (box[2] - box[0]) * (box[3] - box[1])) if box is not None else None
    seen = tuple(((x, y),) for x, y, visibility in shape.keypoints if visibility > 0)
    return _paths(shape.lines or seen, size_wh)


def _meet(one: Frame, other: Frame) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _filled(part: _Part, size_wh: tuple[int, int]) -> _Part:
    """An object of polygons with its pixels."""
    from augmentai.operations.compositing.objects import filled

    left, top, right, bottom = part.frame
    moved = [tuple((x - left, y - top) for x, y in ring) for ring in part.rings]
    pixels = filled(moved, (right - left, bottom - top))
    thin = _Part(part.frame, None, (right - left) * (bottom - top))
    return _trimmed(part.frame, pixels) or _paths(part.rings, size_wh) or thin


def _trimmed(frame: Frame, pixels: Mask) -> _Part | None:
    """The object of these pixels in a frame; None if there are none."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return None
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    own = pixels[top:bottom, left:right]
    inner = (frame[0] + left, frame[1] + top, frame[0] + right, frame[1] + bottom)
    return _Part(inner, own, int(np.count_nonzero(own)))


def _around(points: Sequence[tuple[float, float]], size_wh: tuple[int, int]) -> Frame | None:
    """The frame of whole pixels around some points, within the image; None if it is empty."""
    array = np.asarray(points, np.float64)
    left, top = np.clip(np.floor(array.min(0)), 0, size_wh).astype(int).tolist()
    right, bottom = np.clip(np.ceil(array.max(0)), 0, size_wh).astype(int).tolist()
    return (left, top, right, bottom) if left < right and top < bottom else None


def _paths(paths: Sequence[Polygon], size_wh: tuple[int, int]) -> _Part | None:
    """What is thin: the pixels along it."""
    import cv2

    canvas = np.zeros(size_wh[::-1], np.uint8)
    for path in paths:
        cv2.polylines(canvas, [np.floor(np.asarray(path, np.float64)).astype(np.int32)], False, 1)
    return _trimmed((0, 0, *size_wh), canvas.astype(bool))


def _whole_pixels(box: Box, size_wh: tuple[int, int]) -> Frame | None:
    """The pixels of which a box covers at least half, but at least one in each direction; None if it is outside."""
    bounds = []
    for low, high, side in ((box[0], box[2], size_wh[0]), (box[1], box[3], size_wh[1])):
        start, end = max(0, min(side, round(low))), max(0, min(side, round(high)))
        if end <= start:
            start, end = int(low), int(low) + 1
        if not 0 <= start < end <= side:
            return None
        bounds.append((start, end))
    (x0, x1), (y0, y1) = bounds
    return x0, y0, x1, y1


def _areas(mask: Image) -> _Areas:
    numbers = _numbered(np.asarray(mask))
    counts = np.maximum(np.bincount(numbers.ravel()), 1)
    return _Areas(numbers, counts, np.zeros(len(counts), np.int64))


def _numbered(values: Mask) -> Mask:
    """The objects of a mask, numbered from 1; 0 is the background.

    Shape:
        values: (height, width), or (height, width, channels) if classes have colours; output: (height, width) of int32.
    """
    import cv2

    if values.ndim == 3:
        values = np.dot(values.astype(np.int32), 1 << 8 * np.arange(values.shape[2]))  # one number for each colour
    narrow = values.dtype in (np.uint8, np.bool_)
    found = np.flatnonzero(np.bincount(values.ravel().astype(np.uint8))) if narrow else np.unique(values)
    found = found[found != 0]
    if len(found) > _MOST_VALUES:
        ranks = np.minimum(np.searchsorted(found, values), len(found) - 1)
        return np.where(values == 0, 0, ranks + 1).astype(np.int32)
    numbers, total = np.zeros(values.shape, np.int32), 0
    for value in found:
        pixels = values == value
        rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
        inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        count, areas = cv2.connectedComponents(pixels[inner].astype(np.uint8))
        np.add(areas, total, out=numbers[inner], where=areas > 0)
        total += count - 1
    return numbers

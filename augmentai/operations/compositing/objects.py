"""Which pixels labelled objects cover: exactly where they have an outline, by GrabCut where they have only a box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Polygon, Shape
from augmentai.operations.base import OperationSkippedError
from augmentai.operations.compositing.grab_cut import grab_cut

_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
_FINER = 4  # times the resolution in which outlines are filled
_LARGE_PX = 1 << 20  # area from which a pixel more or less along the outline is not seen
_MARGIN = 0.3  # of the box's sides that GrabCut sees around it
_MOST_PX = 200  # long side in which GrabCut works
_FILLED = (0.25, 0.97)  # the share of its box that a believable object covers
_LEAST_BOX_PX = 8

Mask = np.ndarray[Any, Any]


def filled(polygons: Iterable[Polygon], size_wh: tuple[int, int]) -> Mask:
    """The pixels of which polygons cover at least half.

    Shape:
        output: (height, width) of bool.

    Example:
        >>> filled([((1, 1), (3, 1), (3, 2), (1, 2))], (4, 3)).astype(int).tolist()
        [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    import cv2

    out = np.zeros(size_wh[::-1], bool)
    for ring in polygons:
        points = np.asarray(ring, np.float64)
        left, top = np.clip(np.floor(points.min(0)).astype(int), 0, size_wh)
        right, bottom = np.clip(np.ceil(points.max(0)).astype(int), 0, size_wh)
        width, height = int(right - left), int(bottom - top)
        if width <= 0 or height <= 0:
            continue
        scale = _FINER if width * height <= _LARGE_PX else 1
        fine = np.zeros((height * scale, width * scale), np.uint8)
        corners = ((points - (left, top)) * scale - 0.5) * (1 << _SHIFT)  # the first pixel's middle is at 0.5
        cv2.fillPoly(fine, [np.rint(corners).astype(np.int32)], 1, shift=_SHIFT)
        # A pixel of which all is covered has 240 levels, and each of its sixteen parts 15 of them.
        share: Any = cv2.resize(fine * 240, (width, height), interpolation=cv2.INTER_AREA)
        out[top:bottom, left:right] |= share >= 120
    return out


def object_mask(rgb: Image.Image, shape: Shape) -> Mask:
    """The pixels of one labelled object.

    Args:
        rgb: the image, RGB.
        shape: the object, in its pixels.

    Raises:
        OperationSkippedError: it has only a box, and no believable object was found in that.

    Shape:
        output: (height, width) of bool.
    """
    if shape.mask is not None:
        return np.asarray(shape.mask, bool)
    if shape.polygons:
        return filled(shape.polygons, rgb.size)
    if shape.box is None:
        raise OperationSkippedError(f"nothing says which pixels belong to the object {shape.category!r}")
    return _cut_from_box(rgb, shape.box, shape.category)


def labelled_pixels(rgb: Image.Image, labels: Labels) -> Mask:
    """The pixels of everything that is labelled in an image.

    Args:
        rgb: the image, RGB.
        labels: in its pixels.

    Raises:
        OperationSkippedError: it cannot be told for one of the objects.

    Shape:
        output: (height, width) of bool.

    Example:
        >>> box = Labels((Shape("cat", None, (((1, 1), (3, 1), (3, 2), (1, 2)),)),))
        >>> int(labelled_pixels(Image.new("RGB", (4, 3)), box).sum())
        2
    """
    out = np.zeros(rgb.size[::-1], bool)
    for shape in labels.shapes:
        out |= object_mask(rgb, shape)
    for mask in (labels.mask, *labels.other_masks):
        if mask is not None:
            values = np.asarray(mask)
            out |= (values != 0).any(-1) if values.ndim == 3 else values != 0
    return out


def _cut_from_box(rgb: Image.Image, box: Box, category: str) -> Mask:
    """The object in a box, by GrabCut (Rother et al. 2004): what differs from what is around the box."""
    import cv2

    x0, y0, x1, y1 = box
    if min(x1 - x0, y1 - y0) < _LEAST_BOX_PX:
        raise OperationSkippedError(f"the object {category!r} is too small to be cut out by its box")
    wide, high = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
    left, top = max(0, int(x0 - wide)), max(0, int(y0 - high))
    right, bottom = min(rgb.width, int(np.ceil(x1 + wide))), min(rgb.height, int(np.ceil(y1 + high)))
    view = rgb.crop((left, top, right, bottom))
    scale = min(1.0, _MOST_PX / max(view.size))
    small = view.resize((max(1, round(view.width * scale)), max(1, round(view.height * scale))), Image.Resampling.BOX)
    inside = [round((value - start) * scale) for value, start in zip(box, (left, top, left, top), strict=True)]
    marks = np.full(small.size[::-1], cv2.GC_BGD, np.uint8)
    marks[inside[1] : inside[3], inside[0] : inside[2]] = cv2.GC_PR_FGD
    if not (marks == cv2.GC_BGD).any() or not (marks == cv2.GC_PR_FGD).any():
        raise OperationSkippedError(
            f"the object {category!r} fills the image, so that its box does not show its outline"
        )
    found = grab_cut(np.asarray(small), marks)
    share = found[inside[1] : inside[3], inside[0] : inside[2]].mean()
    if not _FILLED[0] <= share <= _FILLED[1]:
        raise OperationSkippedError(f"no outline of the object {category!r} could be found in its box")
    levels = np.asarray(Image.fromarray(found.astype(np.uint8) * 255).resize(view.size, Image.Resampling.BILINEAR))
    out = np.zeros(rgb.size[::-1], bool)
    out[top:bottom, left:right] = levels > 127
    return out

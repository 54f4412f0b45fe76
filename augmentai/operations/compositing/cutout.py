"""Labelled objects cut out of an image to be put into another: which ones may lend, and which pixels are theirs.

Outlines, bitmaps and masks say it exactly. What has only a box is cut out by GrabCut, and poor results are refused,
since a pasted piece of background would teach a model that backgrounds are objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Shape
from augmentai.dataset.formats.drawn_shapes import foreign_attributes
from augmentai.operations.base import OperationSkippedError
from augmentai.operations.compositing.grab_cut import grab_cut
from augmentai.operations.compositing.labelled_objects import (
    LabelledObject,
    Values,
    Window,
    pixel_values,
)
from augmentai.operations.compositing.objects import filled, object_mask
from augmentai.operations.donor import Donor

_BORDER_PX = 1.5  # an object this near to the border of its image may be cut off there
_LEAST_SIDE_PX = 5
_MOST_AREA = 0.3  # of the image, of a box around what can be moved as one thing
_NOT_WHOLE = ("iscrowd", "truncated", "occluded")  # attributes of objects of which a part is missing
_MOST_SHARED = 0.1  # of a box without an outline, that other boxes may cover
_MAIN_PART = 0.9  # of a cut-out object, in one piece
_FILLS_BOX = 0.65  # intersection over union of its box and the box around what GrabCut found
_FILLS_ROTATED = 0.5  # of a rotated box, that an object covers
_UPRIGHT = 0.9  # of the window around it, that a rotated box covers if it is hardly rotated
_FILLED = (0.3, 0.97)  # the share of its box that an object covers
_MOST_PX = 200  # long side in which GrabCut works
_LEAST_SOLID = 0.8  # of the convex hull: less is ragged
_LEAST_CONTRAST = 8  # grey levels between an object and what is around it
_RING = 0.15  # of an object's size: how wide the ring around it is
_RING_PX = (6, 24)
_FROM_MASK = 0.6  # intersection over union of an object's box and that of an area in a mask beside


@dataclass(frozen=True)
class Cutout:
    """An object with what is around it.

    Attributes:
        one: the object as it is labelled.
        window: what was cut, a ring around the object included; it may reach beyond the image.
        mask: the object's pixels.
        ring: pixels around it that show the background.

    Shape:
        mask, ring: bool (bottom - top, right - left) of the window.
    """

    one: LabelledObject
    window: Window
    mask: Values = field(repr=False)
    ring: Values = field(repr=False)


def may_lend(donor: Donor) -> list[int]:
    """The numbers of a donor's objects that are whole, and of a size that can be put elsewhere.

    Args:
        donor: an image with labels.
    """
    return [number for number, one in enumerate(donor.objects) if _is_whole(one, donor.size_wh)]


def _is_whole(one: LabelledObject, size_wh: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = one.box
    width, height = size_wh
    if min(x0, y0) < _BORDER_PX or x1 > width - _BORDER_PX or y1 > height - _BORDER_PX:
        return False
    if min(x1 - x0, y1 - y0) < _LEAST_SIDE_PX or (x1 - x0) * (y1 - y0) > _MOST_AREA * width * height:
        return False
    if one.shape is None:
        return True
    if one.shape.lines and not one.shape.has_outline:
        return False
    said = {**one.shape.extra.get("fields", {}), **foreign_attributes(one.shape)}
    return not any(str(said.get(name, 0)).casefold() in {"1", "true", "yes"} for name in _NOT_WHOLE)


def cut_out(donor: Donor, number: int) -> Cutout:
    """One object of a donor; worked out once while there is room for it.

    Args:
        donor: the image.
        number: of the object among `Donor.objects`.

    Raises:
        OperationSkippedError: which pixels belong to it cannot be told.
    """
    found: Cutout | str = donor.memory.get(f"cutout {number}", lambda: _cut_or_reason(donor, number))
    if isinstance(found, str):
        raise OperationSkippedError(found)
    return found


def _cut_or_reason(donor: Donor, number: int) -> Cutout | str:
    try:
        return _cut(donor, number)
    except OperationSkippedError as refused:
        return str(refused)


def _cut(donor: Donor, number: int) -> Cutout:
    objects = donor.objects
    one = objects[number]
    inner = one.window
    pixels = _pixels(donor, one, [other.box for place, other in enumerate(objects) if place != number])
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not rows.size:
        raise OperationSkippedError(f"no pixel of the object {one.category!r} could be found")
    margin = int(np.clip(round(_RING * max(pixels.shape)), *_RING_PX)) + 2
    left, top = inner[0] + int(columns[0]) - margin, inner[1] + int(rows[0]) - margin
    own = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mask = np.pad(own, margin)
    window = (left, top, left + mask.shape[1], top + mask.shape[0])
    return Cutout(one, window, mask, _ring(mask, window, donor.size_wh, objects, number))


def _ring(
    mask: Values, window: Window, size_wh: tuple[int, int], objects: Sequence[LabelledObject], number: int
) -> Values:
    """Background around an object: neither its blurred edge nor another object, if anything else is left."""
    import cv2

    ring = ~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    ring &= inside(window, size_wh)
    free = ring.copy()
    for place, other in enumerate(objects):
        if place != number:
            x0, y0, x1, y1 = other.window
            free[max(0, y0 - window[1]) : max(0, y1 - window[1]), max(0, x0 - window[0]) : max(0, x1 - window[0])] = (
                False
            )
    return free if free.sum() * 4 >= ring.sum() else ring


def inside(window: Window, size_wh: tuple[int, int]) -> Values:
    """Which pixels of a window are in an image.

    Example:
        >>> inside((-1, 0, 2, 1), (5, 5)).tolist()
        [[False, True, True]]
    """
    left, top, right, bottom = window
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    return ((rows >= 0) & (rows < size_wh[1]))[:, None] & ((columns >= 0) & (columns < size_wh[0]))[None]


def _pixels(donor: Donor, one: LabelledObject, others: Sequence[Box]) -> Values:
    """The pixels of an object in the window of its box."""
    left, top, right, bottom = one.window
    if one.pixels is not None:
        return one.pixels
    shape = one.shape
    assert shape is not None
    if shape.mask is not None:
        return np.asarray(shape.mask, bool)[top:bottom, left:right]
    rings = [tuple((x - left, y - top) for x, y in ring) for ring in shape.polygons]
    if rings and not shape.oriented:
        return filled(rings, (right - left, bottom - top))
    beside = _from_masks(donor, one)
    return beside if beside is not None else _from_box(donor, one, others)


def _from_masks(donor: Donor, one: LabelledObject) -> Values | None:
    """The area in a mask of instances beside the boxes that agrees with a box; None if there is none."""
    left, top, right, bottom = one.window
    labels = donor.labels
    assert labels is not None
    for number in labels.extra.get("instance_masks", ()):
        values = pixel_values(labels.masks[number])
        inner = values[top:bottom, left:right]
        found, counts = np.unique(inner[inner != 0], return_counts=True)
        for value in found[np.argsort(-counts, kind="stable")][:2]:
            pixels = inner == value
            if np.count_nonzero(values == value) == np.count_nonzero(pixels) and _box_share(pixels) >= _FROM_MASK:
                return pixels
    return None


def _box_share(pixels: Values) -> float:
    """How much of a window the box around some of its pixels covers."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not rows.size:
        return 0.0
    return float((rows[-1] + 1 - rows[0]) * (columns[-1] + 1 - columns[0]) / pixels.size)


def _from_box(donor: Donor, one: LabelledObject, others: Sequence[Box]) -> Values:
    """The object in a box, by GrabCut, if the result is believable."""
    assert one.shape is not None
    if _shared(one.box, others) > _MOST_SHARED:
        raise OperationSkippedError(f"other objects are in the box of the object {one.category!r}")
    left, top, right, bottom = one.window
    view = donor.photo.rgb.crop(one.window)
    rings = [tuple((x - left, y - top) for x, y in ring) for ring in one.shape.polygons]
    region = filled(rings, view.size) if rings else np.ones((bottom - top, right - left), bool)
    if region.mean() < _UPRIGHT:
        found = _found_within(view, region)
    else:
        upright = Shape(one.category, one.box)
        region, found = np.ones_like(region), object_mask(donor.photo.rgb, upright)[top:bottom, left:right]
    main = _main_part(found)
    if fault := fault_in_cut(found, main, region, view):
        raise OperationSkippedError(f"the object {one.category!r} could not be cut out by its box: {fault}")
    return main


def _found_within(view: Image.Image, region: Values) -> Values:
    """What GrabCut finds in a rotated box, whose corners leave background in the window around it."""
    import cv2

    scale = min(1.0, _MOST_PX / max(view.size))
    size = max(1, round(view.width * scale)), max(1, round(view.height * scale))
    small: Any = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    if small.all() or not small.any():
        raise OperationSkippedError("its box shows no background, so that its outline cannot be found")
    marks = np.where(small > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    found = grab_cut(np.asarray(view.resize(size, Image.Resampling.BOX)), marks)
    levels: Any = cv2.resize(found.astype(np.float32), view.size, interpolation=cv2.INTER_LINEAR)
    return np.asarray((levels >= 0.5) & region)


def _shared(box: Box, others: Sequence[Box]) -> float:
    """The largest share of a box that another one covers."""
    x0, y0, x1, y1 = box
    shares = [
        max(0.0, min(x1, other[2]) - max(x0, other[0])) * max(0.0, min(y1, other[3]) - max(y0, other[1]))
        for other in others
    ]
    return max(shares, default=0.0) / max((x1 - x0) * (y1 - y0), 1e-9)


def _main_part(pixels: Values) -> Values:
    """The largest piece, without thin threads and holes."""
    import cv2

    opened = cv2.morphologyEx(pixels.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, areas, found, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return np.zeros_like(pixels)
    main = (areas == 1 + int(found[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    contours: Any = cv2.findContours(main, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(main, contours, -1, 1, cv2.FILLED)
    return main.astype(bool)


def fault_in_cut(found: Values, main: Values, region: Values, view: Image.Image) -> str:
    """Why a mask that GrabCut found in a box is not believed, in words; "" if nothing is wrong with it.

    Args:
        found: all that was found in the box.
        main: the largest piece of it, without holes.
        region: the box; all of the view, unless it is rotated.
        view: the pixels of the box, RGB.

    Shape:
        found, main, region: bool (height, width) of the view.
    """
    import cv2

    if not main.any() or main.sum() < _MAIN_PART * found.sum():
        return "it is in several pieces"
    fills = _box_share(main) >= _FILLS_BOX if region.all() else main.sum() >= _FILLS_ROTATED * region.sum()
    if not fills or main.sum() < _FILLED[0] * region.sum():
        return "what was found does not reach the sides of its box"
    if main.sum() > _FILLED[1] * region.sum():
        return "nothing of the background shows in its box"
    contours: Any = cv2.findContours(main.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    hull = np.zeros(main.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(max(contours, key=len)), 1)
    if main.sum() < _LEAST_SOLID * hull.sum():
        return "its outline is ragged"
    pixels = np.asarray(view, np.float32)
    around = ~main
    contrast = np.abs(np.median(pixels[main], 0) - np.median(pixels[around], 0)).max()
    return "it hardly differs from what is around it" if contrast < _LEAST_CONTRAST else ""

"""Which part of an image an engine paints anew, and the source's own pixels laid back over the rest.

A service changes what it was told to keep: it encodes, rescales and recolours the whole image. So what must stay is
taken from the source again afterwards, at full resolution, with an edge that fades outside of it. Labels are exact then
whatever an engine returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Shape
from augmentai.operations.base import OperationError, OperationSkippedError
from augmentai.operations.compositing.blend import composite, soft
from augmentai.operations.compositing.objects import filled
from augmentai.operations.compositing.subject import find_subject

Mask = np.ndarray[Any, Any]
Part = Literal["background", "objects"]

_FEATHER = 0.006  # of the image's long side: how wide an edge fades
_LEAST_FEATHER_PX = 2.0
_MOST_FEATHER = 0.25  # of an object's shorter side, where the edge fades inside of it
_LEAST_PAINTED = 0.02  # of the image, if the background is repainted: less is no change worth making
_POINT = 0.01  # of the image's long side: radius of what is kept around a keypoint or an open line
_LEAST_OBJECT_PX = 8  # side of an object that can be painted anew
_KEPT = 255  # level of pixels that are the source's own


@dataclass(frozen=True)
class Region:
    """The part of one image that is painted anew.

    Attributes:
        of: which part it is.
        painted: its pixels.
        kept: how far each pixel of the result is the source's own: 255 entirely, 0 not at all.
        feather_px: over how many pixels the edge fades.
        focus: the box of the largest object that is painted anew; None if that is the background.
        by_subject: it follows the subject of an image that has no labels.
        fault: why this image cannot be repainted in part, in words; "" if it can.

    Shape:
        painted: (height, width) of bool.
        kept: (height, width) of uint8.
    """

    of: Part
    painted: Mask = field(repr=False)
    kept: Mask = field(repr=False)
    feather_px: float = 0.0
    focus: tuple[int, int, int, int] | None = None
    by_subject: bool = False
    fault: str = ""

    @property
    def share(self) -> float:
        """The share of the image that is painted anew, 0 to 1."""
        return float(self.painted.mean()) if self.painted.size else 0.0

    def as_record(self) -> dict[str, Any]:
        """What the manifest says of it."""
        record = {"of": self.of, "share": round(self.share, 4), "feather_px": round(self.feather_px, 1)}
        return record | ({"by": "subject"} if self.by_subject else {})

    def lay_back(self, source: Image.Image, painted: Image.Image) -> Image.Image:
        """The source's own pixels over what an engine returned, wherever they are to be kept.

        Args:
            source: RGB.
            painted: RGB of the same size.

        Example:
            >>> source, painted = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue")
            >>> region = find_region(source, Labels((Shape("cat", (10, 10, 30, 30)),)), "background")
            >>> result = region.lay_back(source, painted)
            >>> result.getpixel((10, 29)), result.getpixel((50, 40))
            ((255, 0, 0), (0, 0, 255))
        """
        return composite(source, painted, np.asarray(self.kept, np.float32) / _KEPT)


def find_region(rgb: Image.Image, labels: Labels | None, part: Part) -> Region:
    """Which pixels of an image are painted anew.

    Labelled objects count by their outlines where they have some, else by their boxes. Every pixel that an object
    touches is kept if the background is painted anew; only pixels entirely within it are painted anew otherwise.

    Args:
        rgb: the image, RGB.
        labels: in its pixels; None if it has no labels, so that its subject counts.
        part: what is painted anew.

    Returns:
        The region; with a `fault` if there is none that would leave the labels valid.

    Example:
        >>> photo = Image.new("RGB", (100, 50))
        >>> region = find_region(photo, Labels((Shape("cat", (10, 10, 60, 40)),)), "objects")
        >>> region.share, region.focus
        (0.3, (10, 10, 60, 40))
        >>> find_region(photo, Labels(), "objects").fault
        'nothing is labelled in it'
    """
    try:
        if labels is None:
            return _around_subject(rgb, part)
        return _background(rgb.size, labels) if part == "background" else _objects(rgb.size, labels)
    except (OperationSkippedError, OperationError) as error:
        nothing = np.zeros((0, 0), bool)
        return Region(part, nothing, nothing, by_subject=labels is None, fault=str(error))


def _around_subject(rgb: Image.Image, part: Part) -> Region:
    subject = find_subject(rgb)
    if subject.fault:
        raise OperationSkippedError(subject.fault)
    if part == "background":
        return _keeping(subject.mask, by_subject=True)
    return _painting([subject.mask], [(0, 0)], rgb.size, by_subject=True)


def _background(size_wh: tuple[int, int], labels: Labels) -> Region:
    """Everything but the objects. What is kept is never less than what is labelled."""
    kept = np.zeros(size_wh[::-1], bool)
    for shape in labels.shapes:
        _keep(kept, shape, size_wh)
    for mask in labels.masks:
        kept |= _labelled(mask, size_wh)
    if not kept.any():
        raise OperationSkippedError("nothing is labelled in it")
    return _keeping(kept)


def _keeping(kept: Mask, by_subject: bool = False) -> Region:
    share = 1 - kept.mean()
    if share < _LEAST_PAINTED:
        raise OperationSkippedError(f"its objects cover {1 - share:.0%} of it, which leaves no background to repaint")
    feather_px = max(_LEAST_FEATHER_PX, _FEATHER * max(kept.shape))
    levels = np.floor(soft(kept, feather_px) * _KEPT).astype(np.uint8)  # full on labelled pixels and nowhere else
    return Region("background", ~kept, levels, feather_px, by_subject=by_subject)


def _objects(size_wh: tuple[int, int], labels: Labels) -> Region:
    """Nothing but the objects, so that all around them stays."""
    if any(shape.keypoints or shape.lines for shape in labels.shapes):
        raise OperationSkippedError("it has keypoints or lines, which would not fit an object that is painted anew")
    pieces, corners = [], []
    left_alone = np.zeros(size_wh[::-1], bool)  # too small to be painted anew
    for shape in labels.shapes:
        if shape.mask is not None or shape.polygons:
            inside = _inside(shape, size_wh)
            box = _bounds(inside)
        else:
            box = _inner_box(shape, size_wh)
            inside = None
        if box is not None and min(box[2] - box[0], box[3] - box[1]) >= _LEAST_OBJECT_PX:
            x0, y0, x1, y1 = box
            pieces.append(np.ones((y1 - y0, x1 - x0), bool) if inside is None else inside[y0:y1, x0:x1])
            corners.append((x0, y0))
        else:
            _keep(left_alone, shape, size_wh)
    if not labels.shapes:
        for mask in labels.masks:
            labelled = _labelled(mask, size_wh)
            if labelled.any():
                pieces.append(labelled)
                corners.append((0, 0))
    if not pieces:
        what = (
            f"its objects are smaller than {_LEAST_OBJECT_PX} pixels" if labels.shapes else "nothing is labelled in it"
        )
        raise OperationSkippedError(what)
    region = _painting(pieces, corners, size_wh)
    if not left_alone.any():
        return region
    return replace(
        region, painted=region.painted & ~left_alone, kept=np.maximum(region.kept, left_alone * np.uint8(_KEPT))
    )


def _painting(
    pieces: list[Mask], corners: list[tuple[int, int]], size_wh: tuple[int, int], by_subject: bool = False
) -> Region:
    """Pieces, each with the place of its upper left corner, whose edges fade inside of them."""
    widest = max(_LEAST_FEATHER_PX, _FEATHER * max(size_wh))
    painted, levels = np.zeros(size_wh[::-1], bool), np.zeros(size_wh[::-1], np.uint8)
    used, largest, focus = 0.0, 0, None
    for piece, (x0, y0) in zip(pieces, corners, strict=True):
        height, width = piece.shape
        feather_px = max(1.0, min(widest, _MOST_FEATHER * min(height, width)))
        place = slice(y0, y0 + height), slice(x0, x0 + width)
        np.maximum(levels[place], _faded(piece, (x0, y0), size_wh, feather_px), out=levels[place])
        painted[place] |= piece
        used = max(used, feather_px)
        if (area := int(piece.sum())) > largest and (box := _bounds(piece)) is not None:
            largest, focus = area, (box[0] + x0, box[1] + y0, box[2] + x0, box[3] + y0)
    return Region("objects", painted, _KEPT - levels, used, focus, by_subject)


def _faded(piece: Mask, corner: tuple[int, int], size_wh: tuple[int, int], feather_px: float) -> Mask:
    """How far each pixel is painted anew, 0 to 255: less towards the edge, but not towards that of the image."""
    import cv2

    height, width = piece.shape
    (x0, y0), inside = corner, np.pad(piece.astype(np.uint8), 1)
    if y0 == 0:
        inside[0] = inside[1]
    if x0 == 0:
        inside[:, 0] = inside[:, 1]
    if y0 + height == size_wh[1]:
        inside[-1] = inside[-2]
    if x0 + width == size_wh[0]:
        inside[:, -1] = inside[:, -2]
    if inside.all():
        return np.full(piece.shape, _KEPT, np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(np.clip(depth / (feather_px + 1), 0, 1) * _KEPT, np.uint8)


def _keep(kept: Mask, shape: Shape, size_wh: tuple[int, int]) -> None:
    """Add all pixels that an object touches."""
    import cv2

    points = [(x, y) for x, y, visible in shape.keypoints if visible > 0]
    if shape.mask is not None:
        kept |= np.asarray(shape.mask, bool)
    elif shape.polygons:
        outlines = filled(shape.polygons, size_wh).astype(np.uint8)
        for ring in shape.polygons:  # and what the outline merely touches
            cv2.polylines(outlines, [np.floor(np.asarray(ring)).astype(np.int32)], True, 1)
        kept |= cv2.dilate(outlines, np.ones((3, 3), np.uint8)).astype(bool)
    elif shape.box is not None:
        x0, y0, x1, y1 = _outer(shape.box, size_wh)
        kept[y0:y1, x0:x1] = True
    elif not points and not shape.lines:
        raise OperationSkippedError(f"nothing says which pixels belong to the object {shape.category!r}")
    radius = max(2, round(_POINT * max(size_wh)))
    drawn = np.zeros(kept.shape, np.uint8)
    for x, y in points:
        cv2.circle(drawn, (int(x), int(y)), radius, 1, -1)
    for line in shape.lines:
        cv2.polylines(drawn, [np.floor(np.asarray(line)).astype(np.int32)], False, 1, 2 * radius + 1)
    kept |= drawn.astype(bool)


def _labelled(mask: Image.Image, size_wh: tuple[int, int]) -> Mask:
    """The pixels of a semantic mask that are not 0."""
    values = np.asarray(mask)
    if values.shape[:2] != size_wh[::-1]:
        raise OperationSkippedError(f"its mask is of {mask.width}x{mask.height} pixels and does not fit it")
    return np.asarray((values != 0).any(-1) if values.ndim == 3 else values != 0)


def _inside(shape: Shape, size_wh: tuple[int, int]) -> Mask:
    """The pixels that are entirely within an object's outline."""
    import cv2

    if shape.mask is not None:
        return np.asarray(shape.mask, bool)
    inside = filled(shape.polygons, size_wh).astype(np.uint8)
    return cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=1).astype(bool)


def _outer(box: Box, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """All pixels that a box touches."""
    return _clipped((np.floor(box[0]), np.floor(box[1]), np.ceil(box[2]), np.ceil(box[3])), size_wh)


def _inner_box(shape: Shape, size_wh: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The pixels that are entirely within an object's box."""
    if shape.box is None:
        raise OperationSkippedError(f"nothing says which pixels belong to the object {shape.category!r}")
    x0, y0, x1, y1 = shape.box
    return _clipped((np.ceil(x0), np.ceil(y0), np.floor(x1), np.floor(y1)), size_wh)


def _clipped(box: Iterable[float], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box
    width, height = size_wh
    left, top = min(max(int(x0), 0), width), min(max(int(y0), 0), height)
    return left, top, min(max(int(x1), left), width), min(max(int(y1), top), height)


def _bounds(mask: Mask) -> tuple[int, int, int, int] | None:
    """The smallest box around the pixels of a mask; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

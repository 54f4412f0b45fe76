"""Parts of images side by side in one frame, each with what is labelled in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Keypoint, Labels, Polygon, Shape, box_around, mask_to_box
from augmentai.clipping import without_slivers
from augmentai.operations.compositing.labelled_objects import Values, Window
from augmentai.operations.compositing.occlusion import shrunk
from augmentai.operations.homography import Homography
from augmentai.operations.move_labels import move_labels, visible_shares
from augmentai.operations.warp import Warp

_VIEWS = 24  # of an image that are drawn at most, until one cuts no object too far
_LEAST_SIDE_PX = 1.0  # of a box; a smaller one is of no use to any trainer


@dataclass(frozen=True)
class Tile:
    """A part of an image, and the part of the frame that it fills.

    Attributes:
        view: left, top, right, bottom in the image, in whole pixels.
        window: the same in the frame.

    Example:
        >>> Tile((0, 0, 40, 30), (20, 10, 40, 25)).point(40, 30)
        (40.0, 25.0)
    """

    view: Window
    window: Window

    @property
    def size_wh(self) -> tuple[int, int]:
        """In the frame."""
        left, top, right, bottom = self.window
        return right - left, bottom - top

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the image in the frame; it may be beyond the window."""
        (left, top, right, bottom), (width, height) = self.view, self.size_wh
        across, down = (x - left) * width / (right - left), (y - top) * height / (bottom - top)
        return self.window[0] + across, self.window[1] + down

    def nearest(self, values: Values) -> Values:
        """The part of a plane, by nearest neighbour.

        Shape:
            values: (H, W) or (H, W, C) of the image; output: those of the window.
        """
        left, top, right, bottom = self.view
        width, height = self.size_wh
        rows = top + ((np.arange(height) + 0.5) * (bottom - top) / height).astype(int)
        columns = left + ((np.arange(width) + 0.5) * (right - left) / width).astype(int)
        return np.asarray(values[rows[:, None], columns[None]])

    def pixels(self, image: Image.Image) -> Image.Image:
        """The part of an image at its size in the frame, in the image's mode."""
        if image.mode != "I;16":
            return image.resize(self.size_wh, Image.Resampling.HAMMING, box=self.view)
        floats = Image.fromarray(np.asarray(image, np.float32))
        made = floats.resize(self.size_wh, Image.Resampling.HAMMING, box=self.view)
        return Image.fromarray(np.rint(np.asarray(made)).astype(np.uint16))


def draw_tile(
    rng: Random,
    size_wh: tuple[int, int],
    window: Window,
    zoom: tuple[float, float],
    labels: Labels | None,
    least_visible: float,
) -> Tile:
    """Draw the part of an image that fills a window, without distorting it.

    Args:
        rng: the variation's own random numbers.
        size_wh: of the image.
        window: in the frame.
        zoom: from, to: how much larger than just filling the window.
        labels: of the image; a view is preferred that cuts no object so far that it loses its label.
        least_visible: 0 to 1, of an object.
    """
    wide, high = window[2] - window[0], window[3] - window[1]
    boxes = [shape.box for shape in labels.shapes if shape.box is not None] if labels is not None else []
    best: tuple[int, Window] | None = None
    for _ in range(_VIEWS):
        scale = max(wide / size_wh[0], high / size_wh[1]) * rng.uniform(*zoom)
        width, height = (max(1, min(own, round(side / scale))) for own, side in zip(size_wh, (wide, high), strict=True))
        left, top = rng.randint(0, size_wh[0] - width), rng.randint(0, size_wh[1] - height)
        view = (left, top, left + width, top + height)
        cut = sum(0 < _visible(box, view) < least_visible + 0.05 for box in boxes)
        if best is None or cut < best[0]:
            best = cut, view
        if not cut:
            break
    assert best is not None
    return Tile(best[1], window)


def _visible(box: Box, view: Window) -> float:
    across, down = min(box[2], view[2]) - max(box[0], view[0]), min(box[3], view[3]) - max(box[1], view[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


def shares_in(tile: Tile, shapes: Sequence[Shape], lent_wh: tuple[int, int]) -> list[float]:
    """How much of each object of an image is in a tile, 0 to 1.

    Args:
        tile: the part of the image.
        shapes: its objects, in its pixels.
        lent_wh: its width and height.

    Example:
        >>> boxes = [Shape("a", (0, 0, 9, 9)), Shape("b", (8, 0, 12, 9)), Shape("c", (20, 0, 29, 9))]
        >>> shares_in(Tile((0, 0, 10, 10), (0, 0, 5, 5)), boxes, (40, 10))
        [1.0, 0.5, 0.0]
    """
    outlined = [shape for shape in shapes if shape.mask is None]
    shares = iter(visible_shares(_warp(tile, lent_wh), outlined))
    return [next(shares) if shape.mask is None else _share_of_bitmap(tile, shape) for shape in shapes]


def tile_shapes(
    tile: Tile,
    shapes: Sequence[Shape],
    lent_wh: tuple[int, int],
    frame_wh: tuple[int, int],
    least_visible: float,
    shares: Sequence[float] | None = None,
) -> list[Shape]:
    """The objects of an image that are in a tile, where they are in the frame.

    Args:
        tile: the part of the image.
        shapes: its objects, in its pixels.
        lent_wh: its width and height.
        frame_wh: those of the frame.
        least_visible: 0 to 1; an object of which a smaller share is in the tile is left out.
        shares: what `shares_in` says of them, if that is known.
    """
    shares = shares_in(tile, shapes, lent_wh) if shares is None else shares
    outlined = [(shape, share) for shape, share in zip(shapes, shares, strict=True) if shape.mask is None]
    labels = Labels(tuple(shape for shape, _ in outlined))
    # The part of the image, as large as the image.
    seen = move_labels(_warp(tile, lent_wh), labels, least_visible, [share for _, share in outlined]).shapes
    whole = Tile((0, 0, *lent_wh), tile.window)
    made = [_moved(whole, shape) for shape in seen]
    made += [
        _bitmap(tile, shape, share, frame_wh, least_visible)
        for shape, share in zip(shapes, shares, strict=True)
        if shape.mask is not None
    ]
    return [shape for shape in made if shape is not None]


def _warp(tile: Tile, lent_wh: tuple[int, int]) -> Warp:
    """Enlarges the part of an image to the size of the image."""
    left, top, right, bottom = tile.view
    across, down = lent_wh[0] / (right - left), lent_wh[1] / (bottom - top)
    matrix = np.array([[across, 0, -left * across], [0, down, -top * down], [0, 0, 1]])
    return Warp("tile", lent_wh, Homography(matrix))


def _moved(tile: Tile, shape: Shape) -> Shape | None:
    """An object without a bitmap, all of which is in the tile."""
    box = None if shape.box is None else (*tile.point(*shape.box[:2]), *tile.point(*shape.box[2:]))
    if box is not None and min(box[2] - box[0], box[3] - box[1]) < _LEAST_SIDE_PX:
        return None
    moved = replace(
        shape,
        box=box,
        polygons=tuple(_path(tile, ring) for ring in shape.polygons),
        lines=tuple(_path(tile, line) for line in shape.lines),
        keypoints=_points(tile, shape),
    )
    kept = without_slivers(moved.polygons)
    if len(kept) == len(moved.polygons):
        return moved
    box = moved.box and shrunk(moved.box, box_around(*moved.polygons), box_around(*kept))
    return replace(moved, polygons=kept, box=box)


def _share_of_bitmap(tile: Tile, shape: Shape) -> float:
    own = np.asarray(shape.mask, bool)
    left, top, right, bottom = tile.view
    return int(np.count_nonzero(own[top:bottom, left:right])) / max(1, int(np.count_nonzero(own)))


def _bitmap(tile: Tile, shape: Shape, share: float, frame_wh: tuple[int, int], least_visible: float) -> Shape | None:
    """An object with a bitmap, as far as it is in the tile."""
    own = np.asarray(shape.mask, bool)
    visible = shape.visible * share
    if visible < least_visible:
        return None
    bitmap = np.zeros(frame_wh[::-1], bool)
    bitmap[tile.window[1] : tile.window[3], tile.window[0] : tile.window[2]] = tile.nearest(own)
    box = mask_to_box(bitmap)
    if box is None:
        return None
    own_box = box if shape.box is not None else None
    return replace(shape, box=own_box, mask=bitmap, keypoints=_points(tile, shape), visible=visible)


def _path(tile: Tile, points: Polygon) -> Polygon:
    return tuple(tile.point(x, y) for x, y in points)


def _points(tile: Tile, shape: Shape) -> tuple[Keypoint, ...]:
    """Keypoints in the frame; those beyond the tile become 0, 0, 0."""
    x0, y0, x1, y1 = tile.window
    moved = [(*tile.point(x, y), seen) for x, y, seen in shape.keypoints]
    return tuple((x, y, seen) if seen and x0 <= x <= x1 and y0 <= y <= y1 else (0.0, 0.0, 0.0) for x, y, seen in moved)


def as_record(tile: Tile) -> dict[str, list[int]]:
    """A tile as the manifest holds it."""
    return {"view": list(tile.view), "window": list(tile.window)}


def from_record(record: Mapping[str, Any]) -> Tile:
    """The tile that `as_record` describes."""
    view, window = (tuple(int(side) for side in record[key]) for key in ("view", "window"))
    return Tile(view, window)  # type: ignore[arg-type]

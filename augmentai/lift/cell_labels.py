"""What each cell of a view shows: a class, the ground, or too little of an object to say.

An object with a bitmap or polygons covers their pixels, one with a box the ellipse in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.object_shapes import class_of, objects_in
from augmentai.lift.views import Crop

Ints = np.ndarray[Any, np.dtype[np.int64]]

CELL_PX = 16
OBJECT, GROUND = 0.35, 0.10  # of a cell's area: what a class covers so much of is that class; what less, ground
UNCLEAR = -1


def objects_of(labels: Labels, label: str | None) -> list[tuple[str, Shape]]:
    """The objects of an image, each with its class; only those that cover pixels."""
    found = [(class_of(shape, labels, label), shape) for shape in objects_in(labels)]
    return [(name, shape) for name, shape in found if shape.has_outline or shape.box is not None]


def class_map(
    objects: Sequence[tuple[str, Shape]], numbers: Mapping[str, int], size_wh: tuple[int, int]
) -> Image.Image:
    """The class of each pixel; where objects overlap, that of the smaller one.

    Args:
        objects: with their classes; see `objects_of`.
        numbers: of the classes, from 1. Objects of other classes are unclear.
        size_wh: width and height in pixels.

    Returns:
        Mode "I": 0 is ground, `UNCLEAR` an object of another class.

    Example:
        >>> box = Shape("cat", (0, 0, 8, 8))
        >>> np.asarray(class_map([("cat", box)], {"cat": 1}, (16, 8)))[4, [4, 12]].tolist()
        [1, 0]
    """
    made = Image.new("I", size_wh, 0)
    draw = ImageDraw.Draw(made)
    for name, shape in sorted(objects, key=lambda one: -_extent(one[1])):
        number = numbers.get(name, UNCLEAR)
        if shape.mask is not None:
            made.paste(number, (0, 0, *size_wh), Image.fromarray(shape.mask.astype(np.uint8) * 255))
        elif shape.polygons:
            for ring in shape.polygons:
                if len(ring) > 2:
                    draw.polygon([(x - 0.5, y - 0.5) for x, y in ring], fill=number)  # a pixel's middle is at 0.5
        elif shape.box is not None:
            x0, y0, x1, y1 = shape.box
            draw.ellipse((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), fill=number)
    return made


def cell_classes(made: Image.Image, crop: Crop, side_px: int, classes: int) -> Ints:
    """What each cell of a view shows.

    Args:
        made: see `class_map`.
        crop: which part of it is seen, and whether mirrored.
        side_px: of the view.
        classes: how many there are, beside ground.

    Returns:
        0 for ground, the number of a class, or `UNCLEAR`: int64 (cells,), row by row.

    Example:
        >>> ground = Image.new("I", (64, 64), 0)
        >>> ground.paste(1, (0, 0, 32, 64))
        >>> cell_classes(ground, Crop((0, 0, 64, 64), mirrored=True), 32, classes=1).tolist()
        [0, 1, 0, 1]
    """
    values = np.asarray(made.resize((side_px, side_px), Image.Resampling.NEAREST, box=crop.box))
    values = values[:, ::-1] if crop.mirrored else values
    side = side_px // CELL_PX
    cells = values.reshape(side, CELL_PX, side, CELL_PX).transpose(0, 2, 1, 3).reshape(side * side, -1)
    kinds = classes + 2  # column 0: unclear, 1: ground
    places = cells + 1 + kinds * np.arange(len(cells))[:, None]
    shares = np.bincount(places.ravel(), minlength=kinds * len(cells)).reshape(-1, kinds) / cells.shape[1]
    best = shares[:, 2:].argmax(1)
    found = np.full(len(cells), UNCLEAR, np.int64)
    found[1 - shares[:, 1] < GROUND] = 0
    covered = shares[np.arange(len(cells)), best + 2] >= OBJECT
    found[covered] = best[covered] + 1
    return found


def _extent(shape: Shape) -> float:
    """About how large an object is, to draw small ones last."""
    if shape.mask is not None:
        return float(shape.mask.sum())
    points = [point for ring in shape.polygons for point in ring]
    if points:
        xs, ys = zip(*points, strict=True)
        return (max(xs) - min(xs)) * (max(ys) - min(ys))
    x0, y0, x1, y1 = shape.box or (0, 0, 0, 0)
    return (x1 - x0) * (y1 - y0)

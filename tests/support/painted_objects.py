"""Images of coloured objects whose labels are known, and what of them can be found in the pixels again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from augmentai.annotations import Box, Shape
from augmentai.operations import Warp

SIZE_WH = (240, 180)
BOXES = [(20, 15, 80, 60), (100, 20, 180, 50), (30, 90, 70, 170), (110, 80, 150, 120), (170, 110, 230, 170)]
COLOURS = [(230, 30, 30), (30, 200, 30), (40, 60, 240), (240, 220, 20), (220, 40, 220)]
SCALE = 8  # outlines are drawn at this many times the size, so that their edges are where they should be

Pixels = np.ndarray[Any, Any]


def rectangles() -> tuple[Image.Image, list[Shape]]:
    image = Image.new("RGB", SIZE_WH, (120, 120, 120))
    for box, colour in zip(BOXES, COLOURS, strict=True):
        image.paste(colour, box)
    return image, [Shape(str(i), box) for i, box in enumerate(BOXES)]  # type: ignore[arg-type]


def stars() -> tuple[Image.Image, list[Shape]]:
    """Outlines with corners that point inwards, which a box says little of."""
    large = Image.new("RGB", (SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE), (120, 120, 120))
    shapes = []
    for i, ((x0, y0, x1, y1), colour) in enumerate(zip(BOXES, COLOURS, strict=True)):
        ring = []
        for k in range(10):
            reach, turn = (1.0 if k % 2 else 0.45), k * math.pi / 5 + i
            x = (x0 + x1) / 2 + reach * math.cos(turn) * (x1 - x0) / 2
            y = (y0 + y1) / 2 + reach * math.sin(turn) * (y1 - y0) / 2
            ring.append((x, y))
        ImageDraw.Draw(large).polygon([(x * SCALE - 0.5, y * SCALE - 0.5) for x, y in ring], fill=colour)
        xs, ys = zip(*ring, strict=True)
        shapes.append(Shape(str(i), (min(xs), min(ys), max(xs), max(ys)), (tuple(ring),)))
    return large.resize(SIZE_WH, Image.Resampling.BOX), shapes


def seen(image: Image.Image, share: float = 0.5) -> list[Pixels]:
    """For each object, the pixels of which it covers at least this share."""
    pixels = np.asarray(image).astype(np.float32)
    colours, ground = np.array(COLOURS, np.float32), np.float32(120)
    nearest = np.stack([np.abs(pixels - colour).sum(-1) for colour in colours]).argmin(0)
    towards = [(pixels - ground) @ (colour - ground) / ((colour - ground) ** 2).sum() for colour in colours]
    return [(of > share) & (nearest == number) for number, of in enumerate(towards)]


def bounds(bitmap: Pixels) -> Box:
    columns, rows = np.flatnonzero(bitmap.any(0)), np.flatnonzero(bitmap.any(1))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def beyond(warp: Warp) -> Pixels:
    """The pixels that show a reflection."""
    width, height = SIZE_WH
    y, x = np.mgrid[0:height, 0:width] + 0.5
    back = np.linalg.inv(warp.matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    places = (back[:2] / back[2]).T
    outside = (places < -1e-6) | (places > np.array(SIZE_WH) + 1e-6)
    return outside.any(axis=1).reshape(height, width)


def filled(polygons: Any, size_wh: tuple[int, int] = SIZE_WH) -> Pixels:
    """The pixels of which polygons cover more than half; each is a list of points."""
    large = Image.new("1", (size_wh[0] * SCALE, size_wh[1] * SCALE))
    for ring in polygons:
        ImageDraw.Draw(large).polygon([(x * SCALE - 0.5, y * SCALE - 0.5) for x, y in ring], fill=1)
    return np.asarray(large.convert("L").resize(size_wh, Image.Resampling.BOX)) > 127


def overlap(one: Pixels, other: Pixels) -> float:
    return float((one & other).sum() / (one | other).sum())

"""Images with two coloured objects each, whose labels are known, and what any chain of operations shows of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Literal

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Polygon, Shape
from augmentai.images import Photo
from augmentai.operations import Donor, DonorPool, Donors, Operation, build_operations
from augmentai.recipe import Recipe
from augmentai.types import Source

SIZE_WH = (240, 180)
GROUND = 120
COLOURS = {
    "red": (230, 30, 30),
    "green": (30, 200, 30),
    "blue": (40, 60, 240),
    "yellow": (240, 220, 20),
    "magenta": (220, 40, 220),
    "cyan": (30, 220, 220),
    "white": (250, 250, 250),
    "black": (0, 0, 0),
}
FINER = 8  # times the resolution in which outlines are filled
_CELL_WH = (80, 90)  # three by two of them hold an object each

Pixels = np.ndarray[Any, Any]
Kind = Literal["outlines", "bitmaps", "mask", "boxes"]
Scene = tuple[Image.Image, Labels]


def scenes(seed: int, kind: Kind) -> list[Scene]:
    """Four images, and no colour twice. Objects of boxes are rectangles, the others are stars; those that are labelled
    by pixels have no soft edges."""
    rng = Random(f"{seed} {kind}")
    names = rng.sample(list(COLOURS), len(COLOURS))
    return [_scene(rng, names[start : start + 2], kind) for start in range(0, len(names), 2)]


def _scene(rng: Random, names: Sequence[str], kind: Kind) -> Scene:
    cells = rng.sample([(column, row) for column in range(3) for row in range(2)], len(names))
    image = np.full((*SIZE_WH[::-1], 3), GROUND, np.float64)
    classes = np.zeros(SIZE_WH[::-1], np.uint8)
    shapes = []
    for name, (column, row) in zip(names, cells, strict=True):
        across, down = rng.uniform(12, 36), rng.uniform(12, 40)
        x = column * _CELL_WH[0] + _CELL_WH[0] / 2 + rng.uniform(-1, 1) * (37 - across)
        y = row * _CELL_WH[1] + _CELL_WH[1] / 2 + rng.uniform(-1, 1) * (42 - down)
        ring = _rectangle(x, y, across, down) if kind == "boxes" else _star(x, y, across, down, rng.uniform(0, 6))
        share = cover([ring])
        if kind in {"bitmaps", "mask"}:
            share = (share > 0.5).astype(np.float64)  # what is labelled by pixels ends with them
        image += share[..., None] * (np.array(COLOURS[name]) - GROUND)
        inside = share > 0.5
        classes[inside] = list(COLOURS).index(name) + 1
        if kind != "mask":
            shapes.append(_shape(name, ring, inside, kind))
    pixels = Image.fromarray(np.rint(image).astype(np.uint8))
    return pixels, Labels(tuple(shapes), mask=Image.fromarray(classes) if kind == "mask" else None)


def _shape(name: str, ring: Polygon, inside: Pixels, kind: Kind) -> Shape:
    if kind == "bitmaps":
        return Shape(name, bounds(inside), mask=inside)
    xs, ys = zip(*ring, strict=True)
    return Shape(name, (min(xs), min(ys), max(xs), max(ys)), (ring,) if kind == "outlines" else ())


def _star(x: float, y: float, across: float, down: float, turn: float) -> Polygon:
    reach = [0.45 if k % 2 else 1.0 for k in range(10)]
    angles = [turn + k * math.pi / 5 for k in range(10)]
    return tuple(
        (x + far * across * math.cos(angle), y + far * down * math.sin(angle))
        for far, angle in zip(reach, angles, strict=True)
    )


def _rectangle(x: float, y: float, across: float, down: float) -> Polygon:
    left, top, right, bottom = round(x - across), round(y - down), round(x + across), round(y + down)
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def cover(rings: Iterable[Polygon]) -> Pixels:
    """The share of each pixel that outlines cover: counted at 64 points of it, so that no side weighs more."""
    width, height = SIZE_WH
    inside = np.zeros((height * FINER, width * FINER), bool)
    for ring in rings:
        crossed = np.zeros((height * FINER, width * FINER + 1), np.uint8)
        for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
            rows, columns = _crossings(np.asarray(start), np.asarray(end))
            np.add.at(crossed, (rows, columns), 1)
        inside |= crossed.cumsum(1, dtype=np.uint8)[:, :-1] % 2 == 1
    return np.asarray(inside.reshape(height, FINER, width, FINER).mean((1, 3)))


def _crossings(start: Pixels, end: Pixels) -> tuple[Pixels, Pixels]:
    """The fine rows whose middle an edge crosses, and the first column of each that is to the right of it."""
    if start[1] > end[1]:
        start, end = end, start
    rows = np.arange(SIZE_WH[1] * FINER)
    y = (rows + 0.5) / FINER
    meets = (start[1] <= y) & (y < end[1])
    x = start[0] + (y[meets] - start[1]) / (end[1] - start[1]) * (end[0] - start[0]) if meets.any() else y[meets]
    columns = np.floor(x * FINER - 0.5).astype(int) + 1
    return rows[meets], columns.clip(0, SIZE_WH[0] * FINER)


def lenders(images: Sequence[Scene]) -> Donors:
    """All but the first lend to it."""
    sources = [
        replace(Source.from_bytes(f"{number}.png", bytes([number])), labels=_Reader(labels))
        for number, (_, labels) in enumerate(images)
    ]

    def load(source: Source) -> Donor:
        pixels, labels = images[int(source.path.split(".")[0])]
        return Donor(source.path, source.sha256, None, Photo(pixels, "PNG", "RGB"), labels)

    return DonorPool(sources, load).beside(sources[0])


class _Reader:
    def __init__(self, labels: Labels) -> None:
        self._labels = labels

    def load(self) -> Labels:
        return self._labels


def operations_of(steps: Sequence[str]) -> tuple[Operation, ...]:
    """As a recipe has them."""
    return build_operations(Recipe(operations=list(steps)).operations)


def seen(image: Image.Image) -> dict[str, Pixels]:
    """For each colour, the pixels of which it covers more than half."""
    pixels = np.asarray(image).astype(np.float32)
    colours = np.array(list(COLOURS.values()), np.float32)
    nearest = np.stack([np.abs(pixels - colour).sum(-1) for colour in colours]).argmin(0)
    steps = colours - GROUND
    shares = [(pixels - GROUND) @ step / (step @ step) for step in steps]
    return {name: (shares[number] > 0.5) & (nearest == number) for number, name in enumerate(COLOURS)}


def labelled(labels: Labels) -> dict[str, Pixels]:
    """For each colour, the pixels that labels say it is on."""
    found = {name: np.zeros(SIZE_WH[::-1], bool) for name in COLOURS}
    if labels.mask is not None:
        classes = np.asarray(labels.mask)
        return {name: classes == number for number, name in enumerate(COLOURS, 1)}
    for shape in labels.shapes:
        if shape.mask is not None:
            found[shape.category] |= shape.mask
        else:
            found[shape.category] |= np.any([cover([ring]) > 0.5 for ring in shape.polygons], 0)
    return found


def bounds(bitmap: Pixels) -> Box:
    columns, rows = np.flatnonzero(bitmap.any(0)), np.flatnonzero(bitmap.any(1))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def beyond_the_edge(one: Pixels, other: Pixels, pixels: int) -> int:
    """How many pixels two areas disagree about that are further than this from the edges of both."""
    import cv2

    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    unlike = 0
    for inner, outer in ((one, other), (other, one)):
        wide = cv2.dilate(outer.astype(np.uint8), kernel, borderValue=0).astype(bool)
        unlike += int((inner & ~wide).sum())
    return unlike


def overlap(one: Pixels, other: Pixels) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


def drawn_by(details: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """What an operation drew."""
    return [record["drawn"] for record in details.get("operations", []) if record["name"] == name]

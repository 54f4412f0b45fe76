"""Pictures of each operation, before and after, for operations.md: `python docs/operation_pictures.py [NAME ...]`."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape, box_around
from augmentai.images import Photo
from augmentai.operations import BUILT_IN, Applied, Donor, DonorPool, apply_operations
from augmentai.registry import find
from augmentai.settings import EXAMPLES
from augmentai.types import Source

OUT = Path(__file__).parent / "images/operations"
SIDE_WH = (330, 220)
GAP_PX = 8
SEEDS = range(1, 13)
# What is labelled in each example: (class, centre, half axes) of an ellipse, as shares of the width and height.
OBJECTS = {
    "coffee.png": [("cup", (0.487, 0.285), (0.205, 0.26))],
    "chelsea.png": [("cat", (0.5, 0.45), (0.3, 0.45))],
    "flower.jpg": [("flower", (0.487, 0.518), (0.212, 0.318))],
    "dandelions_clemens_engelhardt.jpg": [("flower", (0.295, 0.325), (0.157, 0.243))],
    "china.jpg": [("pagoda", (0.4, 0.5), (0.25, 0.45))],
}
OUTDOORS = {"rain", "snow", "fog", "shadow", "glare", "dirt"}


def example(name: str) -> tuple[Image.Image, Labels]:
    """An example photograph at the size of the pictures, and its labels."""
    with Image.open(EXAMPLES / name) as opened:
        image = opened.convert("RGB").resize(SIDE_WH, Image.Resampling.LANCZOS)
    shapes = []
    for category, (x, y), (across, down) in OBJECTS[name]:
        turns = [2 * math.pi * step / 40 for step in range(40)]
        points = [(x + across * math.cos(turn), y + down * math.sin(turn)) for turn in turns]
        ring = tuple((px * SIDE_WH[0], py * SIDE_WH[1]) for px, py in points)
        shapes.append(Shape(category, box_around(ring), (ring,)))
    return image, Labels(tuple(shapes))


def load(source: Source) -> Donor:
    image, labels = example(source.path)
    return Donor(source.path, source.sha256, None, Photo(image, "PNG", "RGB"), labels)


def most_visible(name: str, image: Image.Image, labels: Labels) -> Applied:
    """The operation with its defaults, by the seed that changes most."""
    operation = replace(find("operations", name)(), probability=1.0)
    sources = [Source.from_bytes(path, path.encode()) for path in OBJECTS]
    donors = DonorPool(sources, load).beside(sources[0])
    made = [apply_operations(image, labels, [operation], seed, donors=donors) for seed in SEEDS]
    before = np.asarray(image).astype(int)
    return max(made, key=lambda one: float(np.abs(np.asarray(one.image) - before).mean()))


def outlined(image: Image.Image, labels: Labels | None) -> Image.Image:
    drawn = image.copy()
    for shape in labels.shapes if labels else ():
        for ring in shape.polygons:
            ImageDraw.Draw(drawn).line([*ring, ring[0]], fill=(0, 255, 200), width=2)
    return drawn


def picture(name: str) -> Image.Image:
    image, labels = example("china.jpg" if name in OUTDOORS else "coffee.png")
    made = most_visible(name, image, labels)
    moved = made.labels is not labels
    strip = Image.new("RGB", (2 * SIDE_WH[0] + GAP_PX, SIDE_WH[1]), "white")
    strip.paste(outlined(image, labels) if moved else image, (0, 0))
    strip.paste(outlined(made.image, made.labels) if moved else made.image, (SIDE_WH[0] + GAP_PX, 0))
    return strip


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for wanted in sys.argv[1:] or BUILT_IN:
        picture(wanted).save(OUT / f"{wanted}.jpg", quality=80)

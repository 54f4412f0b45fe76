"""Sets of painted rectangles in every image type and orientation, each with its label, and a run over such a set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import encoded, exif_with, stored_turned
from tests.support.labelled_sets import gathered
from tests.support.painted_objects import bounds
from tests.support.scripted_engine import Scripted

GROUND, PAINT = 60, 240
CLASSES = ("bolt", "nut", "washer")
SIZES = [(96, 72), (80, 80), (72, 96), (240, 40), (40, 240)]
SETTINGS = Settings()
# (type, ending, options).
TYPES: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "png", {}),
    ("JPEG", "jpg", {"quality": 95}),
    ("WEBP", "webp", {"lossless": True}),
    ("TIFF", "tif", {}),
    ("BMP", "bmp", {}),
    ("GIF", "gif", {}),
    ("HEIF", "heic", {"quality": 95}),
    ("AVIF", "avif", {"quality": 95}),
    ("JPEG2000", "jp2", {}),
]
_EVERY_TURN = tuple(range(1, 9))
# How each type may be stored; those that are not here cannot say their orientation.
TURNS = {"PNG": _EVERY_TURN, "JPEG": _EVERY_TURN, "WEBP": _EVERY_TURN, "TIFF": _EVERY_TURN, "AVIF": _EVERY_TURN}
TURNS["HEIF"] = (1, 3, 6, 8)  # what its writer can store as a property
EVERY_IMAGE = [(kind, turn) for kind, (name, *_) in enumerate(TYPES) for turn in TURNS.get(name, (1,))]


@dataclass(frozen=True)
class Painted:
    """One image of a rectangle.

    Attributes:
        kind: its type, by its place in `TYPES`.
        orientation: how it is stored, as EXIF numbers it.
        size_wh: width and height when upright, in pixels.
        box: x0, y0, x1, y1 of its rectangle when upright.
        on_stored: its label says where the rectangle is in the stored pixels.
        as_bitmap: its label is a bitmap (RLE) and not a polygon.
    """

    kind: int
    orientation: int
    size_wh: tuple[int, int]
    box: tuple[int, int, int, int]
    on_stored: bool
    as_bitmap: bool

    def file(self) -> bytes:
        """The image file."""
        pixels = np.full((self.size_wh[1], self.size_wh[0], 3), GROUND, np.uint8)
        pixels[_within(self.box)] = PAINT
        name, _, options = TYPES[self.kind]
        if name not in TURNS:
            return encoded(Image.fromarray(pixels), name, **options)
        stored = Image.fromarray(stored_turned(pixels, self.orientation))
        return encoded(stored, name, exif=exif_with(self.orientation), **options)

    def as_labelled(self) -> np.ndarray[Any, Any]:
        """The rectangle as its label has it: a bitmap of the upright image, or of the stored one."""
        area = np.zeros(self.size_wh[::-1], bool)
        area[_within(self.box)] = True
        return stored_turned(area, self.orientation) if self.on_stored and TYPES[self.kind][0] in TURNS else area


def _within(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def painted(rng: np.random.Generator, kind: int, turn: int) -> Painted:
    """An image with a rectangle of 1 px to all of a side, often at the border."""
    size_wh = SIZES[rng.integers(len(SIZES))]
    (x0, x1), (y0, y1) = _sides(rng, size_wh[0]), _sides(rng, size_wh[1])
    # Only width and height of the label file say which it is, and every tool opens HEIC upright.
    on_stored = bool(rng.integers(2)) and turn >= 5 and size_wh[0] != size_wh[1] and TYPES[kind][0] != "HEIF"
    return Painted(kind, turn, size_wh, (x0, y0, x1, y1), on_stored, as_bitmap=not rng.integers(3))


def _sides(rng: np.random.Generator, length: int) -> tuple[int, int]:
    side = int(
        rng.choice([1, rng.integers(2, 11), rng.integers(length // 3, length), rng.integers(length // 3, length)])
    )
    start = int(rng.choice([0, length - side, rng.integers(0, length - side + 1)]))
    return start, start + side


def coco_set(images: Sequence[Painted]) -> dict[str, bytes]:
    """These images, called by their numbers from 1, and annotations.json."""
    files, listed, annotations = {}, [], []
    for number, image in enumerate(images, 1):
        name = f"{number}.{TYPES[image.kind][1]}"
        files[name] = image.file()
        area = image.as_labelled()
        x0, y0, x1, y1 = map(int, bounds(area))
        listed.append({"id": number, "file_name": name, "width": area.shape[1], "height": area.shape[0]})
        outline = _rle(area) if image.as_bitmap else [[x0, y0, x1, y0, x1, y1, x0, y1]]
        where = {"segmentation": outline, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        annotations.append({"id": number, "image_id": number, "category_id": number % 3, "iscrowd": 0, **where})
    classes = [{"id": number, "name": name} for number, name in enumerate(CLASSES)]
    content = {"images": listed, "annotations": annotations, "categories": classes}
    return files | {"annotations.json": json.dumps(content).encode()}


def _rle(area: np.ndarray[Any, Any]) -> dict[str, Any]:
    """COCO's run lengths, column by column, from a run of zeros on."""
    flat = area.T.reshape(-1).astype(int)
    ends = [*(np.flatnonzero(np.diff(flat)) + 1), flat.size]
    counts = np.diff([0, *ends]).tolist()
    return {"size": list(area.shape), "counts": [0, *counts] if flat[0] else counts}


def run(given: Path, out: Path, layout: str, **recipe: Any) -> None:
    """A whole run by an engine that returns what it is given."""
    asked = Recipe(seed=9, engine="gan", filters=False, **{"geometry": "none", **recipe})
    job = Job(gathered(given, layout=layout), asked, SETTINGS, [Scripted(lambda task: task.photo.rgb)])
    assert all(outcome.ok for outcome in run_to_disk(job, out)), job.report.failures
    assert not job.report.failures

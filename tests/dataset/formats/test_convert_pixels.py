"""Painted objects through whole runs: every image type and orientation, written in one format, moved into another.

Each image shows one rectangle, from 1 px to all of a side, often at the border. The set is written in a first format,
as it is, and from there with geometry in a second one; what that says is compared with the pixels of its own images.
What holds, for objects of 3 px and more:

- a box contains what is seen of the object, to `MOST_PX`, and is as narrow where the border does not cut the object: of
  the tip that the border leaves of it no pixel may be filled by half;
- an outline covers it with an IoU of 0.95 from `LEAST_SIDE_PX` on both sides. Four corners (DOTA and YOLO, which here
  become rotated boxes) do so where the border does not cut them, and to `LEAST_IOU_OF_CORNERS` where it does.

Smaller ones are where the image is brightest, if their label is still there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from augmentai.annotations import Shape
from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.masks.raster import filled
from augmentai.dataset.formats.object_shapes import objects_in
from augmentai.images import decode
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import encoded, exif_with, stored_turned
from tests.support.labelled_sets import gathered, write
from tests.support.painted_objects import bounds, overlap
from tests.support.scripted_engine import Scripted

GROUND, PAINT = 60, 240
CLASSES = ("bolt", "nut", "washer")
LEAST_SIDE_PX = 40
LEAST_IOU, LEAST_IOU_OF_CORNERS = 0.95, 0.6
MOST_PX = 2.0  # 1.5 by the resampling, and half of one where a format has whole pixels
SIZES = [(96, 72), (80, 80), (72, 96), (240, 40), (40, 240)]
# (type, ending, options): whether a type can say its orientation is known by `TURNED`.
TYPES: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "png", {}),
    ("JPEG", "jpg", {"quality": 95}),
    ("WEBP", "webp", {"lossless": True}),
    ("TIFF", "tif", {}),
    ("BMP", "bmp", {}),
    ("GIF", "gif", {}),
    ("HEIF", "heic", {"quality": 95}),
    ("AVIF", "avif", {"quality": 95}),
]
TURNED = {"PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"}
HEIF_TURNS = (1, 3, 6, 8)  # what its writer can store as a property
WRITTEN = [name for name in BUILT_IN if format_named(name).writer is not None]
OUTLINES = {"yolo", "coco", "panoptic", "labelme", "cvat", "via", "supervisely", "masks"}
WAYS: list[dict[str, Any]] = [
    {"geometry": "flip"},
    {"geometry": "light"},
    {"geometry": "strong"},
    {"operations": ["crop(scale=0.5..0.9)"]},
    {"operations": ["rotate(degrees=20)"]},
    {"operations": ["perspective(tilt=0.15)"]},
]


@dataclass(frozen=True)
class Painted:
    """One image. box: x0, y0, x1, y1 of its rectangle when upright; on_stored: it is labelled as it is stored."""

    kind: int
    orientation: int
    size_wh: tuple[int, int]
    box: tuple[int, int, int, int]
    on_stored: bool

    def file(self) -> bytes:
        x0, y0, x1, y1 = self.box
        pixels = np.full((self.size_wh[1], self.size_wh[0], 3), GROUND, np.uint8)
        pixels[y0:y1, x0:x1] = PAINT
        name, _, options = TYPES[self.kind]
        if name not in TURNED:
            return encoded(Image.fromarray(pixels), name, **options)
        stored = Image.fromarray(stored_turned(pixels, self.orientation))
        return encoded(stored, name, exif=exif_with(self.orientation), **options)

    def as_labelled(self) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """Width and height of the image, and the rectangle, as its label file has them."""
        if not self.on_stored or TYPES[self.kind][0] not in TURNED:
            return self.size_wh, self.box
        area = np.zeros(self.size_wh[::-1], bool)
        area[self.box[1] : self.box[3], self.box[0] : self.box[2]] = True
        stored = stored_turned(area, self.orientation)
        x0, y0, x1, y1 = map(int, bounds(stored))
        return (stored.shape[1], stored.shape[0]), (x0, y0, x1, y1)


@st.composite
def painted(draw: Any, kind: int) -> Painted:
    size_wh = draw(st.sampled_from(SIZES))
    (x0, x1), (y0, y1) = draw(sides(size_wh[0])), draw(sides(size_wh[1]))
    turn = draw(st.sampled_from(HEIF_TURNS if TYPES[kind][0] == "HEIF" else range(1, 9)))
    # Only width and height of the label file say which it is, and every tool opens HEIC upright.
    on_stored = draw(st.booleans()) and turn >= 5 and size_wh[0] != size_wh[1] and TYPES[kind][0] != "HEIF"
    return Painted(kind, turn, size_wh, (x0, y0, x1, y1), on_stored)


@st.composite
def sides(draw: Any, length: int) -> tuple[int, int]:
    side = draw(st.one_of(st.just(1), st.integers(2, 10), st.integers(length // 3, length - 1)))
    start = draw(st.one_of(st.just(0), st.just(length - side), st.integers(0, length - side)))
    return start, start + side


SETS = st.tuples(*(painted(kind) for kind in range(len(TYPES))))


def coco_set(images: tuple[Painted, ...]) -> dict[str, bytes]:
    files, listed, annotations = {}, [], []
    for number, image in enumerate(images, 1):
        name = f"{number}.{TYPES[image.kind][1]}"
        files[name] = image.file()
        (width, height), (x0, y0, x1, y1) = image.as_labelled()
        listed.append({"id": number, "file_name": name, "width": width, "height": height})
        outline = {"segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]], "bbox": [x0, y0, x1 - x0, y1 - y0]}
        annotations.append({"id": number, "image_id": number, "category_id": number % 3, "iscrowd": 0, **outline})
    classes = [{"id": number, "name": name} for number, name in enumerate(CLASSES)]
    content = {"images": listed, "annotations": annotations, "categories": classes}
    return files | {"annotations.json": json.dumps(content).encode()}


def run(given: Path, out: Path, layout: str, **recipe: Any) -> None:
    asked = Recipe(seed=9, engine="gan", filters=False, **{"geometry": "none", **recipe})
    job = Job(gathered(given, layout=layout), asked, Settings(), [Scripted(lambda task: task.photo.rgb)])
    assert all(outcome.ok for outcome in run_to_disk(job, out)), job.report.failures
    assert not job.report.failures


def assert_true(images: tuple[Painted, ...], first: str, second: str, way: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        run(write(place / "given", coco_set(images)), place / "first", "coco", to=first, variations=1)
        run(place / "first", place / "second", first, to=second, variations=1, **way)
        has_outlines = {first, second} <= OUTLINES
        found = gathered(place / "second", layout=second)
        assert not found.failures
        named = 2 if "csv" in {first, second} else 4 * len(images)  # images without an object have no row there
        assert len(found.sources) >= named
        for source in found.sources:
            shapes = objects_in(source.labels.load()) if source.labels is not None else ()
            if {"masks", "panoptic"} & {first, second}:
                shapes = joined(shapes)
            assert_fits(source, shapes, images, has_outlines, exact=not {"dota", "yolo"} & {first, second})


def joined(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """As one object: the areas of a bitmap, into which a thin object falls apart when it is turned."""
    polygons = tuple(ring for shape in shapes for ring in shape.polygons)
    boxes = np.array([shape.box for shape in shapes]).reshape(-1, 4)
    box = (*boxes[:, :2].min(0, initial=np.inf), *boxes[:, 2:].max(0, initial=-np.inf))
    return tuple(replace(shape, polygons=polygons, box=box) for shape in shapes[:1])


def assert_fits(
    source: Source, shapes: tuple[Shape, ...], images: tuple[Painted, ...], has_outlines: bool, exact: bool
) -> None:
    """What is said of one image is where its pixels are."""
    number = int(Path(source.path).name.split(".")[0].split("__")[0])
    photo = decode(source.read(), source.path, Settings().max_pixels)
    cover = (np.asarray(photo.rgb.convert("L")).astype(float) - GROUND) / (PAINT - GROUND)
    seen = cover > 0.5
    is_original = "__" not in source.path
    assert len(shapes) == 1 if is_original else len(shapes) <= 1, source.path
    for shape in shapes:
        assert shape.category == CLASSES[number % 3]
        assert shape.box is not None
        low, high = np.array(shape.box[:2]), np.array(shape.box[2:])
        x0, y0, x1, y1 = images[number - 1].box
        if min(x1 - x0, y1 - y0) <= 2:
            (left, top), (right, bottom) = np.maximum(np.floor(low - 2), 0).astype(int), np.ceil(high + 2).astype(int)
            assert cover[top:bottom, left:right].max() >= cover.max() - 0.15, source.path
            continue
        assert seen.any(), source.path
        found = np.array(bounds(seen))
        assert not exact or ((low <= found[:2] + MOST_PX) & (high >= found[2:] - MOST_PX)).all(), source.path
        side = min(found[2:] - found[:2])
        cut = ((low < 1) | (high > np.array(photo.size_wh) - 1)).any()
        if exact and not cut:
            np.testing.assert_allclose(shape.box, found, atol=MOST_PX, err_msg=source.path)
        if has_outlines and side >= LEAST_SIDE_PX:
            least = LEAST_IOU if exact or not cut else LEAST_IOU_OF_CORNERS
            assert overlap(drawn(shape, photo.size_wh), seen) >= least, source.path


def drawn(shape: Shape, size_wh: tuple[int, int]) -> Any:
    x0, y0, x1, y1 = shape.box or (0, 0, 0, 0)
    polygons = shape.polygons or (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)
    return shape.mask if shape.mask is not None else filled(polygons, size_wh)


def targets(first: str) -> list[str]:
    return [name for name in WRITTEN if first in OUTLINES or name not in {"masks", "panoptic"}]


@pytest.mark.parametrize("first", WRITTEN)
@settings(
    max_examples=3, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(data=st.data())
def test_labels_fit_their_pixels(first: str, data: st.DataObject) -> None:
    images, second, way = data.draw(SETS), data.draw(st.sampled_from(targets(first))), data.draw(st.sampled_from(WAYS))
    assert_true(images, first, second, way)


@pytest.mark.nightly
@pytest.mark.parametrize("first", WRITTEN)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_labels_fit_their_pixels_in_thousands(first: str, data: st.DataObject) -> None:
    images, second, way = data.draw(SETS), data.draw(st.sampled_from(targets(first))), data.draw(st.sampled_from(WAYS))
    assert_true(images, first, second, way)

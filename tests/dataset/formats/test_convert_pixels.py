"""Painted objects through whole runs: every image type and orientation, written in one format, moved into another.

Each image shows one rectangle, from 1 px to all of a side, often at the border. The set is written in a first format,
as it is, and from there with geometry or operations in a second one; what that says is compared with the pixels of its
own images. What holds, for objects of 3 px and more:

- a box contains what is seen of the object, to `MOST_PX`, and is as narrow where the border does not cut the object: of
  the tip that the border leaves of it no pixel may be filled by half;
- an outline covers it with an IoU of 0.95 from `LEAST_SIDE_PX` on both sides. Four corners (DOTA and YOLO, which here
  become rotated boxes) do so where the border does not cut them, and to `LEAST_IOU_OF_CORNERS` where it does.

Smaller ones are where the image is brightest, if their label is still there. `pytest -m nightly` does it for every pair
of formats, with every image type in every orientation that it can be stored in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augmentai.annotations import Shape
from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.masks.raster import filled
from augmentai.dataset.formats.object_shapes import objects_in
from augmentai.images import decode
from augmentai.types import Source
from tests.support.labelled_sets import gathered, write
from tests.support.painted_objects import bounds, overlap
from tests.support.painted_sets import CLASSES, EVERY_IMAGE, GROUND, PAINT, SETTINGS, Painted, coco_set, painted, run

LEAST_SIDE_PX = 40
LEAST_IOU, LEAST_IOU_OF_CORNERS = 0.95, 0.6
MOST_PX = 2.0  # 1.5 by the resampling, and half of one where a format has whole pixels
WRITTEN = [name for name in BUILT_IN if format_named(name).writer is not None]
OUTLINES = {"yolo", "coco", "panoptic", "labelme", "cvat", "via", "supervisely", "masks"}
WAYS: list[dict[str, Any]] = [
    {"geometry": "flip", "output_format": "jpeg"},
    {"geometry": "light"},
    {"geometry": "strong", "output_format": "webp"},
    {"operations": ["flip(probability=1)"]},
    {"operations": ["crop(scale=0.5..0.9)"], "output_format": "png"},
    {"operations": ["rotate(degrees=20)"]},
    {"operations": ["perspective(tilt=0.15)"]},
    {"operations": ["turn90(probability=1)"]},
    # The others move nothing; strong blur and darkness are left out, after which no edge is where it was seen.
    {"operations": ["vignette(amount=0.1..0.3)", "exposure(stops=-0.2..0.2)", "white_balance", "noise", "jpeg"]},
]


@pytest.fixture(autouse=True)
def _no_diversity(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much the variations differ is not asked here, and takes longer than all else of a run."""
    monkeypatch.setattr("augmentai.pipeline.run.measure_diversity", lambda *_: None)


def drawn_images(seed: int, kinds: Sequence[tuple[int, int]]) -> tuple[Painted, ...]:
    """An image of each of these types and orientations."""
    rng = np.random.default_rng(seed)
    return tuple(painted(rng, kind, turn) for kind, turn in kinds)


def assert_true(images: tuple[Painted, ...], first: str, moves: dict[str, dict[str, Any]], place: Path) -> None:
    """moves: the second formats, and what is done on the way to each."""
    run(write(place / "given", coco_set(images)), place / "first", "coco", to=first, variations=1)
    for second, way in moves.items():
        run(place / "first", place / second, first, to=second, variations=1, **way)
        assert_labels_fit(images, {first, second}, place / second, second)


def assert_labels_fit(images: tuple[Painted, ...], formats: set[str], place: Path, layout: str) -> None:
    """formats: those that the set went through."""
    found = gathered(place, layout=layout)
    assert not found.failures
    named = 2 if "csv" in formats else 4 * len(images)  # images without an object have no row there
    assert len(found.sources) >= named
    for source in found.sources:
        shapes = objects_in(source.labels.load()) if source.labels is not None else ()
        if {"masks", "panoptic"} & formats:
            shapes = joined(shapes)
        assert_fits(source, shapes, images, formats <= OUTLINES, exact=not {"dota", "yolo"} & formats)


def joined(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """As one object: the areas of a bitmap, into which a thin object falls apart when it is turned."""
    polygons = tuple(ring for shape in shapes for ring in shape.polygons)
    masks = [shape.mask for shape in shapes if shape.mask is not None]
    mask = np.any(masks, axis=0) if masks else None
    boxes = np.array([shape.box for shape in shapes]).reshape(-1, 4)
    box = (*boxes[:, :2].min(0, initial=np.inf), *boxes[:, 2:].max(0, initial=-np.inf))
    return tuple(replace(shape, polygons=polygons, mask=mask, box=box) for shape in shapes[:1])


def assert_fits(
    source: Source, shapes: tuple[Shape, ...], images: tuple[Painted, ...], has_outlines: bool, exact: bool
) -> None:
    """What is said of one image is where its pixels are."""
    number = int(Path(source.path).name.split(".")[0].split("__")[0])
    photo = decode(source.read(), source.path, SETTINGS.max_pixels)
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
def test_labels_fit_their_pixels(first: str, tmp_path: Path) -> None:
    """A slice: each format, to another one, with every image type in one of its orientations."""
    turn, possible = WRITTEN.index(first), targets(first)
    images = drawn_images(turn, [one for place, one in enumerate(EVERY_IMAGE) if place % 8 == turn % 8])
    assert_true(images, first, {possible[(turn + 3) % len(possible)]: WAYS[turn % len(WAYS)]}, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("first", WRITTEN)
def test_labels_fit_their_pixels_in_every_pair(first: str, tmp_path: Path) -> None:
    """Every second format, each with another way; from one first format to the next the ways move on, and the odd
    orientations and the even ones take turns."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")  # other rectangles every night; pytest shows it where the test fails
    turn = WRITTEN.index(first)
    moves = {second: WAYS[(turn + place) % len(WAYS)] for place, second in enumerate(targets(first))}
    assert_true(drawn_images(seed, EVERY_IMAGE[(seed + turn) % 2 :: 2]), first, moves, tmp_path)

"""Every format to every format that is written, read by programs of other people or written after its description.

They find every object of the source in its image and split: boxes to `BOX_PX` or, where a format has whole pixels, to
half of one; outlines with an IoU of 0.98; bitmaps pixel by pixel; keypoints. Or the run says what it cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv

from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named
from augmentai.recipe import RecipeError
from tests.support import list_set_readers, set_readers, trainers
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import augmented, write
from tests.support.outlined_objects import CORNERS, Set, truth
from tests.support.outlined_sets import SOURCES
from tests.support.painted_objects import filled, overlap
from tests.support.set_readers import Found, Object

BOX_PX, LEAST_IOU, LEAST_IOU_OF_FITTED = 0.01, 0.98, 0.9
SIZE_WH = (96, 64)
# What reads each format: of other people (pycocotools, datasets), or written after its public description.
READERS: dict[str, Callable[[Path, str], Found]] = {
    "yolo": set_readers.yolo,  # data.yaml and a file per image, as Ultralytics documents them
    "coco": list_set_readers.coco,  # pycocotools
    "panoptic": list_set_readers.panoptic,  # ids of three bytes in PNG
    "voc": set_readers.voc,  # corners that count from 1
    "imagefolder": list_set_readers.imagefolder,  # datasets
    "labelme": set_readers.labelme,
    "cvat": list_set_readers.cvat,
    "createml": list_set_readers.createml,
    "via": list_set_readers.via,
    "csv": list_set_readers.csv_boxes,
    "supervisely": set_readers.supervisely,
    "dota": set_readers.dota,  # as its development kit splits the lines
    "masks": set_readers.masks,  # Pillow
}
SUPERVISION: dict[str, Callable[[Path], sv.DetectionDataset]] = {
    "coco": lambda out: sv.DetectionDataset.from_coco(
        str(out / "train"), str(out / "annotations/instances_train.json")
    ),
    "yolo": lambda out: sv.DetectionDataset.from_yolo(
        str(out / "images/train"), str(out / "labels/train"), str(out / "data.yaml")
    ),
    "voc": lambda out: sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations")),
    "labelme": lambda out: sv.DetectionDataset.from_labelme(str(out / "train"), str(out / "train")),
    "createml": lambda out: sv.DetectionDataset.from_createml(
        str(out / "train"), str(out / "train/_annotations.createml.json")
    ),
}
BOXES_ALONE = {"voc", "imagefolder", "createml", "csv"}
POINTS = {"yolo", "coco"}
BITMAPS = {"coco", "labelme", "cvat", "supervisely"}
PAIRS = [(name, to) for name in SOURCES for to in READERS]
# In the usual tests each source goes to two formats and each format comes from two sources or more, besides these.
FAULTS = [
    ("coco", "yolo"),  # an image of boxes alone in a set of outlines, whose outlines Ultralytics would drop
    ("coco", "labelme"),  # the parts of one object
    ("coco", "cvat"),
    ("labelme", "coco"),  # as one object again
    ("cvat", "coco"),
    ("panoptic", "coco"),  # recognised as COCO, and not what COCO's instances are
]
SLICE = [
    (name, list(READERS)[(place * 5 + step) % len(READERS)]) for place, name in enumerate(SOURCES) for step in (0, 7)
]
SLICE = list(dict.fromkeys([*FAULTS, *SLICE]))


def is_outlined(objects: Set) -> bool:
    return any(one.rings or one.area is not None for of in objects.values() for one in of)


def task_of(name: str, objects: Set) -> str:
    """What Ultralytics trains on such a set for."""
    if name in {"yolo corners", "dota"}:
        return "obb"
    if any(one.points for of in objects.values() for one in of):
        return "pose"
    return "segment" if is_outlined(objects) else "detect"


def expected(one: Object, to: str, task: str) -> Object | None:
    """An object as a format has it."""
    one = replace(one, points=one.points if to in POINTS else [])
    if to in BOXES_ALONE or (to == "yolo" and task in {"detect", "pose"}):
        return replace(one, area=None)
    if to in {"masks", "panoptic"}:
        return None if one.area is None else set_readers.bitmap(one.category, one.area)
    if to == "dota" or (to == "yolo" and one.area is None):
        return replace(one, area=filled([corners_around(one)], SIZE_WH))
    return one


def corners_around(one: Object) -> list[tuple[float, float]]:
    """Those of its box, or of the smallest rotated box around its pixels, as OpenCV finds it."""
    x0, y0, x1, y1 = one.box
    if one.area is None:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    y, x = np.nonzero(one.area)
    pixels = np.concatenate([np.stack([x + right, y + down], -1) for right in (0, 1) for down in (0, 1)])
    return cv2.boxPoints(cv2.minAreaRect(pixels.astype(np.float32))).tolist()


def in_parts(objects: list[Object]) -> list[Object]:
    """The parts of an object as objects of their own: their areas do not touch."""
    found = []
    for one in objects:
        pixels = np.zeros((1, 1), bool) if one.area is None else one.area
        count, numbers = cv2.connectedComponents(pixels.astype(np.uint8))
        parts = [set_readers.bitmap(one.category, numbers == number) for number in range(1, count)]
        found += parts if count > 2 else [one]
    return found


def as_classes(objects: list[Object]) -> list[Object]:
    """One object for each class, as a mask of classes has them."""
    areas: dict[str, set_readers.Area] = {}
    for one in objects:
        assert one.area is not None
        areas[one.category] = areas.get(one.category, np.zeros_like(one.area)) | one.area
    return [set_readers.bitmap(name, area) for name, area in areas.items()]


def assert_same(found: list[Object], wanted: list[Object], to: str) -> None:
    found, wanted = (sorted(of, key=lambda one: (one.category, one.box[0] > 50)) for of in (found, wanted))
    assert [one.category for one in found] == [one.category for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        if to != "dota":
            is_whole = (
                to in {"masks", "panoptic"} or other.is_bitmap or (other.area is not None and to in {"yolo", "via"})
            )
            np.testing.assert_allclose(one.box, other.box, atol=0.5 if to == "voc" else 1 if is_whole else BOX_PX)
        if to == "cvat" and one.area is None and other.area is not None:  # rotated boxes that are upright are boxes
            one = replace(one, area=filled([corners_around(one)], SIZE_WH))
        assert (one.area is None) == (other.area is None)
        if one.area is not None and other.area is not None:
            if one.is_bitmap and other.is_bitmap and to in BITMAPS:
                np.testing.assert_array_equal(one.area, other.area)
            assert overlap(one.area, other.area) >= (LEAST_IOU_OF_FITTED if to == "dota" else LEAST_IOU), one.category
        assert [v for *_, v in one.points] == [v for *_, v in other.points]
        np.testing.assert_allclose([p[:2] for p in one.points], [p[:2] for p in other.points], atol=BOX_PX)


def said_to_be_lost(name: str, to: str, objects: Set) -> list[str]:
    """What the run has to report of such a set."""
    drawn = [one for of in objects.values() for one in of]
    has_boxes = any(one.box is not None for one in drawn)
    has_outlines, has_bitmaps = is_outlined(objects), any(one.area is not None for one in drawn)
    rows = [
        (to in BOXES_ALONE and has_outlines, "polygons and bitmaps were written as the boxes around them"),
        (to not in POINTS and any(one.points for one in drawn), "keypoints were left out"),
        (to in {"yolo", "via"} and any(len(one.rings) > 1 for one in drawn), "objects in several parts became one"),
        (
            to in {"yolo", "via"} and has_bitmaps and name not in {"masks", to},
            "bitmaps (RLE) were written as the polygons",
        ),
        (to == "yolo" and has_boxes and has_outlines, "boxes next to polygons were written as four-corner polygons"),
        (to == "panoptic" and has_boxes, "objects without an outline were left out"),
        (to == "masks" and has_boxes, "the pixels of boxes without an outline are of no class (255)"),
        (to == "dota" and has_outlines and objects is not CORNERS, "outlines were written as the smallest rotated box"),
        (to == "dota" != name and "slim bolt" in {one.category for one in drawn}, "spaces in class names"),
    ]
    return [words for applies, words in rows if applies]


def assert_read(name: str, to: str, place: Path) -> None:
    write_files, objects = SOURCES[name]
    given, wanted, task = write(place / "in", write_files(objects)), truth(objects), task_of(name, objects)
    if to in {"masks", "panoptic"} and not is_outlined(objects):
        with pytest.raises(RecipeError, match="no outlines or masks"):
            augmented([given], place / "out", to=to, variations=1)
        return
    job = augmented([given], place / "out", to=to, variations=1)
    assert not job.report.failures
    found, said = READERS[to](place / "out", task), notices(job)
    assert found.keys() == wanted.keys()
    for key, of in wanted.items():
        kept = [made for one in of if (made := expected(one, to, task)) is not None]
        if "dota" in {name, to}:  # a class is one word there
            kept = [replace(one, category=one.category.replace(" ", "-")) for one in kept]
        if to == "masks":
            kept = as_classes(kept)
        if to == "via" or (to == "yolo" and task == "segment"):
            kept = in_parts(kept)
        assert_same(found[key], kept, to)
    for words in said_to_be_lost(name, to, objects):
        assert words in said


@pytest.mark.parametrize(("name", "to"), SLICE)
def test_other_readers_agree(name: str, to: str, tmp_path: Path) -> None:
    assert_read(name, to, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "to"), [pair for pair in PAIRS if pair not in SLICE])
def test_other_readers_agree_in_every_pair(name: str, to: str, tmp_path: Path) -> None:
    assert_read(name, to, tmp_path)


@pytest.mark.parametrize(("name", "to"), [("via", to) for to in SUPERVISION] + [("coco", "coco"), ("coco", "yolo")])
def test_supervision_agrees(name: str, to: str, tmp_path: Path) -> None:
    """The training images as it reads them: the boxes of all objects, which are half a pixel off in whole pixels."""
    write_files, objects = SOURCES[name]
    job = augmented([write(tmp_path / "in", write_files(objects))], tmp_path / "out", to=to, variations=1)
    assert not job.report.failures
    found = trainers.supervision(SUPERVISION[to](tmp_path / "out"))
    task = task_of(name, objects)
    for (split, stem), of in truth(objects).items():
        if split == "train":
            parts = in_parts(of) if to == "yolo" and task == "segment" else of
            boxes = sorted((one.category, one.box) for one in parts)
            assert [category for category, _ in sorted(found[stem])] == [category for category, _ in boxes]
            for (_, box), (_, other) in zip(sorted(found[stem]), boxes, strict=True):
                np.testing.assert_allclose(box, other, atol=1)


def test_every_written_format_has_a_reader() -> None:
    assert READERS.keys() == {name for name in BUILT_IN if format_named(name).writer is not None}

"""The operation `mosaic`: four images in one frame, in sets of several formats, compared with the pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from augmentai.annotations import Labels, Shape
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.images import Photo
from augmentai.operations import Donor, DonorPool, Donors, apply_operations
from augmentai.operations.mosaic import Mosaic
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.flat_scenes import (
    CLASSES,
    SIZE_WH,
    visible,
    write_coco,
    write_masks,
    write_panoptic,
    write_voc,
    write_yolo,
)
from tests.support.painted_objects import bounds, overlap


def made(folder: Path, out: Path, **more: Any) -> list[Outcome]:
    settings = Settings()
    # With the smallest share, nothing of an object is left without a label.
    asked = Recipe(seed=2, engine="none", variations=3, operations=["mosaic"], filters=False, least_visible=0.0, **more)
    job = Job(gather([folder], limits(settings)), asked, settings, available(settings))
    outcomes = list(run_to_disk(job, out))
    for outcome in outcomes:
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.details["operations"][0]["name"] == "mosaic"
    return outcomes


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def agrees(image: Image.Image, name: str, mask: Any) -> bool:
    """Soft edges weigh much in what is cut to a few pixels."""
    found = visible(image, name)
    return max(found.sum(), mask.sum()) < 40 or overlap(found, np.asarray(mask, bool)) > 0.85


@pytest.mark.parametrize("packed", [False, True], ids=["outlines", "run lengths"])
def test_coco(packed: bool, tmp_path: Path) -> None:
    outcomes = made(write_coco(tmp_path / "set", packed), tmp_path / "out")
    coco = COCO(str(tmp_path / "out" / "annotations.json"))
    by_file = {image["file_name"]: number for number, image in coco.imgs.items()}
    for outcome in outcomes:
        assert outcome.variation is not None
        file = outcome.variation.file
        annotations = coco.loadAnns(coco.getAnnIds(by_file[file]))
        assert len(annotations) >= 3
        for category in coco.cats.values():
            masks = [coco.annToMask(one).astype(bool) for one in annotations if one["category_id"] == category["id"]]
            together = np.any(masks, 0) if masks else np.zeros(SIZE_WH[::-1], bool)
            assert agrees(opened(tmp_path / "out" / file), category["name"], together), file


def test_yolo(tmp_path: Path) -> None:
    for outcome in made(write_yolo(tmp_path / "set"), tmp_path / "out"):
        assert outcome.variation is not None
        labels = outcome.variation.labels
        assert labels is not None
        for name in CLASSES:
            boxes = np.array([shape.box for shape in labels.shapes if shape.category == name])
            found = visible(opened(tmp_path / "out" / outcome.variation.file), name)
            if found.sum() > 40:
                np.testing.assert_allclose((*boxes[:, :2].min(0), *boxes[:, 2:].max(0)), bounds(found), atol=3)
        text = (tmp_path / "out" / outcome.variation.file.replace("images/", "labels/", 1)).with_suffix(".txt")
        assert len(text.read_text().splitlines()) == len(labels.shapes)


@pytest.mark.parametrize("kind", ["masks", "voc", "panoptic"])
def test_masks(kind: str, tmp_path: Path) -> None:
    """Classes by their values; single objects of four images have numbers of their own."""
    write = {"masks": write_masks, "voc": write_voc, "panoptic": write_panoptic}[kind]
    outcomes = made(write(tmp_path / "set"), tmp_path / "out")
    for outcome in outcomes:
        assert outcome.variation is not None
        image, labels = opened(tmp_path / "out" / outcome.variation.file), outcome.variation.labels
        assert labels is not None
        assert labels.mask is not None
        values = np.asarray(labels.mask)
        if kind == "panoptic":
            values = values.astype(int) @ [1 << 16, 1 << 8, 1]
            named = labels.extra["mask_classes"]
            for name in CLASSES:
                assert agrees(image, name, np.isin(values, [code for code, own in named.items() if own == name]))
            continue
        for number, name in enumerate(CLASSES, 1):
            assert agrees(image, name, values == number)
        if kind == "voc":
            single = np.asarray(labels.other_masks[0])
            for number in set(np.unique(single)) - {0}:
                assert len(set(np.unique(values[single == number]))) == 1  # never of two objects
    if kind == "panoptic":
        content = json.loads((tmp_path / "out" / "panoptic.json").read_text())
        for annotation in content["annotations"]:
            colours = np.asarray(opened(tmp_path / "out" / "panoptic" / annotation["file_name"])).astype(int)
            ids = set(np.unique(colours @ [1, 256, 65536]))
            assert ids == {one["id"] for one in annotation["segments_info"]}


def flat(colour: str, size_wh: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new("RGB", size_wh, colour)


def donors(count: int = 3, label: str | None = None, labels: Labels | None = None, other: str | None = None) -> Donors:
    colours = ("red", "lime", "blue")

    def load(source: Source) -> Donor:
        image = flat(colours[int(source.path[0])], (90, 30))
        return Donor(source.path, source.sha256, source.label, Photo(image, "PNG", "RGB"), labels)

    sources = [Source.from_bytes(f"{n}.png", bytes([n]), other or label) for n in range(count)]
    return DonorPool(sources, load).beside(Source.from_bytes("own.png", b"own", label))


def test_all_four_fill_their_quarter() -> None:
    for seed in range(1, 8):
        one = apply_operations(flat("white"), None, [Mosaic()], seed, donors=donors())
        pixels = np.asarray(one.image)
        assert one.image.size == (60, 40)
        found, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
        assert len(found) == 4
        assert counts.min() > 0.4 * 0.4 * 60 * 40 - 60
        paths = [donor["path"] for donor in one.details["operations"][0]["drawn"]["donors"]]
        assert sorted(paths) == ["0.png", "1.png", "2.png"]


def test_every_object_that_lost_its_label_is_counted() -> None:
    """Of the image itself all objects were there, of the others those that show at least in part."""
    boxes = [(x, y, x + 14.0, y + 8.0) for x in (0.0, 25.0, 50.0, 75.0) for y in (0.0, 11.0, 22.0)]
    lent = Labels(tuple(Shape("a", box) for box in boxes))
    own = Labels(tuple(Shape("a", (x, y, x + 12.0, y + 9.0)) for x in (1.0, 30.0, 48.0) for y in (2.0, 18.0)))
    cut = 0
    for seed in range(1, 13):
        one = apply_operations(flat("white"), own, [Mosaic(zoom=(1, 3))], seed, donors=donors(labels=lent))
        assert one.labels is not None
        expected = len(own.shapes)
        for tile in one.details["operations"][0]["drawn"]["tiles"]:
            x0, y0, x1, y1 = tile["view"]
            if tile["image"]:
                expected += sum(min(x1, c) > max(x0, a) and min(y1, d) > max(y0, b) for a, b, c, d in boxes)
        assert one.lost == expected - len(one.labels.shapes)
        cut += one.lost
    assert cut > 12


REFUSED = {
    # who lends, labels of the image, what is said
    "class folders of other classes": (
        donors(label="cats", other="dogs"),
        None,
        "mosaic was left out: it needs 3 other training images of the class 'cats': there are 0",
    ),
    "too few": (donors(2), None, "mosaic was left out: it needs 3 other training images that fit: there are 2"),
    "labels here and none there": (donors(), Labels(), "some images have labels and others have none"),
    "other classes of the whole image": (
        donors(labels=Labels(extra={"tags": ["sunny"]})),
        Labels(extra={"tags": ["rainy"]}),
        "the others have other classes of the whole image",
    ),
    "masks of another kind": (donors(labels=Labels()), Labels(mask=Image.new("L", (60, 40))), "masks of another kind"),
}


@pytest.mark.parametrize(("lenders", "labels", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_together(lenders: Donors, labels: Labels | None, words: str) -> None:
    image = flat("white")
    one = apply_operations(image, labels, [Mosaic()], 1, donors=lenders)
    assert one.image is image
    assert words in one.notices[0]


def test_class_folders_of_one_class() -> None:
    assert apply_operations(flat("white"), None, [Mosaic()], 1, donors=donors(label="cats")).moved


def test_keypoints_lines_and_rotated_boxes_move_along() -> None:
    ring = ((30.0, 8.0), (38.0, 12.0), (34.0, 20.0), (26.0, 16.0))
    shapes = (
        Shape("pose", (20, 5, 40, 25), keypoints=((30.0, 15.0, 2.0), (0.0, 0.0, 0.0))),
        Shape("ship", (26, 8, 38, 20), (ring,), oriented=True),
        Shape("wire", None, lines=(((20.0, 10.0), (40.0, 20.0)),)),
    )
    labels = Labels(shapes)
    one = apply_operations(flat("white"), labels, [Mosaic(zoom=1)], 3, donors=donors(labels=Labels()))
    assert one.labels is not None
    (tile,) = (tile for tile in one.details["operations"][0]["drawn"]["tiles"] if tile["image"] == 0)
    (left, top, right, _), (x0, y0, x1, _) = tile["view"], tile["window"]
    scale = (x1 - x0) / (right - left)
    pose, ship, wire = one.labels.shapes
    np.testing.assert_allclose(pose.keypoints[0][:2], (x0 + (30 - left) * scale, y0 + (15 - top) * scale), atol=0.5)
    assert pose.keypoints[1] == (0, 0, 0)
    assert len(ship.polygons[0]) == 4
    np.testing.assert_allclose(ship.polygons[0][0], (x0 + (30 - left) * scale, y0 + (8 - top) * scale), atol=0.5)
    np.testing.assert_allclose(wire.lines[0][1], (x0 + (40 - left) * scale, y0 + (20 - top) * scale), atol=0.5)

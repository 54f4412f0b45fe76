"""Every readable format to every format that is written, and read again: by us, and by readers of other people.

It is what was read, or the run says what is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
from PIL import Image, ImageDraw

from augmentai.annotations import Shape
from augmentai.dataset.formats import BUILT_IN
from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.masks.raster import filled
from augmentai.dataset.formats.object_shapes import objects_in
from augmentai.dataset.readers.gather import Gathered
from augmentai.recipe import RecipeError
from tests.support import list_readers, tool_readers, trainers
from tests.support.dataset_runs import notices
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.image_files import encoded
from tests.support.labelled_sets import LAYOUTS, SIZE_WH, augmented, gathered, write
from tests.support.painted_objects import overlap

READERS: dict[str, Callable[[Path], trainers.Boxes]] = {
    "yolo": lambda out: trainers.ultralytics(out / "data.yaml", "train"),
    "coco": lambda out: trainers.pycocotools(out / "annotations/instances_train.json", out / "train"),
    "voc": lambda out: voc_boxes(out),
    "cvat": lambda out: tool_readers.boxes_of(list_readers.cvat(out / "annotations.xml", out / "images", "train")),
    "createml": lambda out: tool_readers.boxes_of(list_readers.createml(out / "train/_annotations.createml.json")),
    "csv": lambda out: tool_readers.boxes_of(list_readers.csv_boxes(out / "train/_annotations.csv")),
    "via": lambda out: tool_readers.boxes_of(list_readers.via(out / "train/via_region_data.json")),
    "labelme": lambda out: tool_readers.boxes_of(tool_readers.labelme(out / "train")),
    "supervisely": lambda out: {
        stem: boxes
        for stem, boxes in tool_readers.boxes_of(tool_readers.supervisely(out)).items()
        if _is_train(out, stem)
    },
}
WRITTEN = [name for name in BUILT_IN if format_named(name).writer is not None]
SOURCES = ("yolo", "yolo polygons", "coco", "voc", "masks", "imagefolder jsonl", "labelme", "supervisely", "cvat")
SOURCES += ("createml", "csv", "via", "panoptic", "dota")
WITHOUT_OBJECTS = ("class folders", "class folders with splits", "imagefolder csv")
PAIRS = [(name, to) for name in SOURCES for to in WRITTEN]
OUTLINES = ("yolo", "coco", "panoptic", "labelme", "cvat", "via", "supervisely", "masks")
UNDECLARED = ("createml", "dota", "imagefolder")  # what names classes by their objects alone
PIXELS = ("dota", "panoptic", "masks")
Objects = dict[tuple[str | None, str], list[tuple[str, Any, Any]]]


def _is_train(out: Path, stem: str) -> bool:
    return any(path.stem == stem for path in (out / "train/img").iterdir())


def voc_boxes(out: Path) -> trainers.Boxes:
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    names = (out / "ImageSets/Main/train.txt").read_text("utf-8").splitlines()
    return {stem: boxes for stem, boxes in trainers.supervision(data).items() if stem in names}


def pixels(shape: Shape, size_wh: tuple[int, int]) -> Any:
    """Those of an object's outline; none if it has none."""
    return shape.mask if shape.mask is not None else filled(shape.polygons, size_wh)


def objects(found: Gathered, size_wh: tuple[int, int] = SIZE_WH) -> Objects:
    """Class, box and pixels of every object of the originals, by split and stem."""
    read: Objects = {}
    for source in (*found.sources, *found.holdout):
        if "__v" not in source.path:
            shapes = objects_in(source.labels.load()) if source.labels is not None else ()
            known = [(shape.category, shape.box, pixels(shape, size_wh)) for shape in shapes]
            read[source.split, Path(source.path).stem] = sorted(known, key=lambda one: (one[0], one[1]))
    return read


@pytest.mark.parametrize(("name", "to"), PAIRS)
def test_every_pair(name: str, to: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", LAYOUTS[name][1])
    before = objects(gathered(given))
    has_outlines = any(area.any() for found in before.values() for *_, area in found)
    if to in {"panoptic", "masks"} and not has_outlines:
        with pytest.raises(RecipeError, match="no outlines or masks"):
            augmented([given], tmp_path / "out", to=to, variations=1)
        return
    job = augmented([given], tmp_path / "out", to=to, variations=1)
    assert not job.report.failures
    again = gathered(tmp_path / "out", layout=to)
    assert not again.failures
    after, said = objects(again), notices(job)
    assert after.keys() == before.keys()
    for key, found in before.items():
        kept = found
        if to in {"panoptic", "masks"} and not all(area.any() for *_, area in found):
            assert "without an outline" in said
            kept = [one for one in found if one[2].any()]
        names = [category.replace(" ", "-") if to == "dota" else category for category, *_ in kept]  # one word
        assert [category for category, *_ in after[key]] == names, key
        for (_, box, area), (_, written, drawn) in zip(kept, after[key], strict=True):
            np.testing.assert_allclose(written, box, atol=1)
            # Four corners everywhere are rotated boxes, and upright ones are boxes in CVAT.
            if to in OUTLINES and area.any() and not (name in {"yolo polygons", "dota"} and to == "cvat"):
                assert overlap(area, drawn) > 0.95
    if name == "coco":
        assert ("1 unused class (never seen) left out" in said) == (to in UNDECLARED)
        classes = [*again.layout.class_names(), *again.layout.declared_classes()]
        if to != "coco" and to not in UNDECLARED and to != "masks":
            assert classes.index("never seen") == 3
    if to in READERS and to != name:  # a set in its own format keeps its folders
        read, expected = READERS[to](tmp_path / "out"), named_by_masks(name, expected_boxes("train", variations=1))
        if name == "dota":
            expected = {
                stem: [(category.replace(" ", "-"), box) for category, box in of] for stem, of in expected.items()
            }
        if "csv" in {name, to}:  # it names images by their objects
            read, expected = ({stem: boxes for stem, boxes in one.items() if boxes} for one in (read, expected))
        assert_boxes(read, expected)
    if has_outlines and to in {"voc", "imagefolder", "createml", "csv"}:
        assert "polygons and bitmaps were written as the boxes around them" in said
    if name in {"labelme", "cvat", "supervisely"} and to in {"yolo", "imagefolder", "createml", "csv", *PIXELS}:
        assert "attributes of objects" in said


@pytest.mark.parametrize("to", WRITTEN)
@pytest.mark.parametrize("name", WITHOUT_OBJECTS)
def test_sets_without_objects(name: str, to: str, tmp_path: Path) -> None:
    """Where nothing but a class or a text is known of an image, ImageFolder holds it; the others would be empty."""
    given = write(tmp_path / "in", LAYOUTS[name][1])
    if to != "imagefolder":
        with pytest.raises(
            RecipeError, match=f"to is {to}, and the set has no boxes, .*expected one of same, imagefolder"
        ):
            augmented([given], tmp_path / "out", to=to, variations=1)
        assert not (tmp_path / "out").exists()
        return
    augmented([given], tmp_path / "out", to=to, variations=1)
    again = gathered(tmp_path / "out")
    assert again.layout.name == "imagefolder"
    before = gathered(given)
    for source in (*again.sources, *again.holdout):
        stem = Path(source.path).stem.split("__")[0]
        (own,) = (one for one in (*before.sources, *before.holdout) if Path(one.path).stem == stem)
        assert (source.label, source.split) == (own.label, own.split)


RICH_WH = (96, 80)


def rich_areas() -> dict[str, Any]:
    """Objects that a box says little of: a ring, parts that meet at a corner, and lines of one pixel."""
    found = {}
    for name in ("ring", "parts", "line", "column"):
        image = Image.new("1", RICH_WH)
        draw = ImageDraw.Draw(image)
        if name == "ring":
            draw.ellipse((4, 4, 40, 44), fill=1)
            draw.ellipse((14, 16, 28, 32), fill=0)
        elif name == "parts":
            draw.rectangle((50, 6, 61, 17), fill=1)
            draw.rectangle((62, 18, 79, 29), fill=1)
        else:
            draw.line((4, 60, 60, 60) if name == "line" else (85, 20, 85, 70), fill=1)
        found[name] = np.asarray(image)
    return found


def rich_coco() -> bytes:
    from pycocotools import mask as masks

    annotations = []
    for number, area in enumerate(rich_areas().values(), 1):
        rle = masks.encode(np.asfortranarray(area.astype(np.uint8)))
        box = masks.toBbox(rle).tolist()
        outline = {"size": rle["size"], "counts": rle["counts"].decode()}
        annotations.append(
            {"id": number, "image_id": 1, "category_id": number, "bbox": box, "segmentation": outline, "iscrowd": 0}
        )
    categories = [{"id": number, "name": name} for number, name in enumerate(rich_areas(), 1)]
    image = {"id": 1, "file_name": "a.png", "width": RICH_WH[0], "height": RICH_WH[1]}
    return json.dumps({"images": [image], "annotations": annotations, "categories": categories}).encode()


@pytest.mark.parametrize("to", [to for to in OUTLINES if to != "coco"])
def test_bitmaps_keep_their_pixels_there_and_back(to: str, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    files = {"a.png": encoded(Image.new("RGB", RICH_WH, (90, 120, 60))), "labels.json": rich_coco()}
    augmented([write(tmp_path / "in", files)], tmp_path / "there", to=to, variations=1)
    augmented([tmp_path / "there"], tmp_path / "back", to="coco", layout=to, variations=1)
    coco = COCO(str(next((tmp_path / "back").rglob("instances*.json"))))
    (image,) = [number for number, one in coco.imgs.items() if one["file_name"] == "a.png"]
    found: dict[str, Any] = {}
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image])):
        name, drawn = coco.cats[annotation["category_id"]]["name"], coco.annToMask(annotation).astype(bool)
        found[name] = found.get(name, False) | drawn
    assert found.keys() == rich_areas().keys()
    for name, area in rich_areas().items():
        assert overlap(found[name], area) > 0.95, name

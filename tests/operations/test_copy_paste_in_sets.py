"""Sets of flat ellipses through a run with pasted objects: read by other programs, compared with the pixels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome
from tests.support.command_line import augmentai
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
from tests.support.runs import contents_of

OPERATION = {"copy_paste": {"objects": [1, 3], "probability": 1.0}}


def made(folder: Path, out: Path, **more: Any) -> list[Outcome]:
    """The outcomes of a run over a set."""
    settings = Settings()
    asked = Recipe(seed=4, engine="none", variations=4, geometry="none", operations=[OPERATION], filters=False, **more)
    job = Job(gather([folder], limits(settings)), asked, settings, available(settings))
    outcomes = list(run_to_disk(job, out))
    assert not [outcome.reason for outcome in outcomes if not outcome.ok]
    return outcomes


def pasted(outcomes: list[Outcome]) -> Iterator[tuple[str, Any]]:
    """(file, details) of the variations into which something was pasted, none of which lost an object."""
    count = 0
    for outcome in outcomes:
        assert outcome.variation is not None
        details = outcome.variation.details
        if details.get("operations") and "labels_hidden" not in details:
            count += 1
            yield outcome.variation.file, details
    assert count >= 10


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


def agrees(image: Image.Image, name: str, mask: Any) -> bool:
    """Of an object of 25 pixels, half a pixel of a soft edge all around is a tenth."""
    found = visible(image, name)
    return not (found.any() or mask.any()) or overlap(found, np.asarray(mask, bool)) > 0.86


@pytest.mark.parametrize("packed", [False, True], ids=["outlines", "run lengths"])
def test_coco_as_pycocotools_reads_it(packed: bool, tmp_path: Path) -> None:
    outcomes = made(write_coco(tmp_path / "set", packed), tmp_path / "out")
    coco = COCO(str(tmp_path / "out" / "annotations.json"))
    by_file = {image["file_name"]: number for number, image in coco.imgs.items()}
    for file, details in pasted(outcomes):
        annotations = coco.loadAnns(coco.getAnnIds(by_file[file]))
        image = opened(tmp_path / "out" / file)
        own = len(coco.getAnnIds(by_file[file.partition("__v")[0] + ".png"]))
        assert len(annotations) == own + len(details["operations"][0]["drawn"]["objects"])
        assert len({one["id"] for one in coco.anns.values()}) == len(coco.anns)
        for category in coco.cats.values():
            alike = [one for one in annotations if one["category_id"] == category["id"]]
            masks = [coco.annToMask(one).astype(bool) for one in alike]
            assert agrees(image, category["name"], np.any(masks, 0) if masks else np.zeros(SIZE_WH[::-1])), file
            for one, mask in zip(alike, masks, strict=True):
                x0, y0, x1, y1 = bounds(mask)
                np.testing.assert_allclose(one["bbox"], [x0, y0, x1 - x0, y1 - y0], atol=1.5)
                assert one["area"] == pytest.approx(mask.sum(), rel=0.06)
                assert one["iscrowd"] == 0
                assert isinstance(one["segmentation"], dict) == packed


@pytest.mark.parametrize("outlines", [False, True], ids=["boxes", "outlines"])
def test_yolo(outlines: bool, tmp_path: Path) -> None:
    """Boxes are cut out by GrabCut. An image without a label file gets one."""
    outcomes = made(write_yolo(tmp_path / "set", outlines), tmp_path / "out")
    empty = 0
    for file, _ in pasted(outcomes):
        image = opened(tmp_path / "out" / file)
        text = (tmp_path / "out" / file.replace("images/", "labels/", 1)).with_suffix(".txt").read_text()
        empty += "empty" in file
        around: dict[str, list[Any]] = {}
        for line in text.splitlines():
            number, *values = line.split()
            numbers = np.array(values, float).reshape(-1, 2) * SIZE_WH
            corners = numbers if outlines else np.array([numbers[0] - numbers[1] / 2, numbers[0] + numbers[1] / 2])
            around.setdefault(CLASSES[int(number)], []).append([*corners.min(0), *corners.max(0)])
        for name in CLASSES:
            found = visible(image, name)
            assert found.any() == (name in around), file
            if name in around:
                boxes = np.array(around[name])
                np.testing.assert_allclose((*boxes[:, :2].min(0), *boxes[:, 2:].max(0)), bounds(found), atol=2)
    assert empty == 4


def test_masks_of_classes(tmp_path: Path) -> None:
    outcomes = made(write_masks(tmp_path / "set"), tmp_path / "out")
    for file, _ in pasted(outcomes):
        mask = np.asarray(opened(tmp_path / "out" / file.replace("images/", "masks/")))
        assert set(np.unique(mask)) <= {0, 1, 2, 3}
        for number, name in enumerate(CLASSES, 1):
            assert agrees(opened(tmp_path / "out" / file), name, mask == number), file


def test_voc_with_masks_of_classes_and_objects(tmp_path: Path) -> None:
    """A pasted object has its class in one mask, a number of its own in the other, and a box around it in the XML."""
    outcomes = made(write_voc(tmp_path / "set"), tmp_path / "out")
    for file, details in pasted(outcomes):
        name = Path(file).stem
        root = ElementTree.parse(tmp_path / "out" / "Annotations" / f"{name}.xml").getroot()
        classes, single = (
            np.asarray(opened(tmp_path / "out" / part / f"{name}.png"))
            for part in ("SegmentationClass", "SegmentationObject")
        )
        image = opened(tmp_path / "out" / file)
        objects = root.findall("object")
        added = len(details["operations"][0]["drawn"]["objects"])
        assert [one.findtext("pose") for one in objects][-added:] == ["Unspecified"] * added
        assert len(objects) == len(set(np.unique(single)) - {0})
        for number, kind in enumerate(CLASSES, 1):
            assert agrees(image, kind, classes == number), file
        for number in set(np.unique(single)) - {0}:
            (kind,) = set(np.unique(classes[single == number]))
            assert kind != 0
            box = bounds(single == number)
            near = [one for one in objects if np.abs(np.subtract(corners_of(one), box)).max() <= 2.5]
            assert CLASSES[kind - 1] in {one.findtext("name") for one in near}, file


def corners_of(element: ElementTree.Element) -> list[float]:
    x0, y0, x1, y1 = (float(element.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax"))
    return [x0 - 1, y0 - 1, x1, y1]


def test_panoptic_segments(tmp_path: Path) -> None:
    """A pasted object is a segment of its own; sky is never pasted."""
    outcomes = made(write_panoptic(tmp_path / "set"), tmp_path / "out")
    content = json.loads((tmp_path / "out" / "panoptic.json").read_text())
    names = {one["id"]: one["name"] for one in content["categories"]}
    files = {one["id"]: one["file_name"] for one in content["images"]}
    listed = {files[one["image_id"]]: one for one in content["annotations"]}
    for file, details in pasted(outcomes):
        annotation = listed[Path(file).name]
        colours = np.asarray(opened(tmp_path / "out" / "panoptic" / annotation["file_name"])).astype(int)
        ids = colours @ [1, 256, 65536]
        segments = {one["id"]: one for one in annotation["segments_info"]}
        assert set(np.unique(ids)) == set(segments)
        assert {one["class"] for one in details["operations"][0]["drawn"]["objects"]} <= set(CLASSES)
        for number, one in segments.items():
            x0, y0, x1, y1 = bounds(ids == number)
            assert one["bbox"] == [x0, y0, x1 - x0, y1 - y0]
            assert one["area"] == (ids == number).sum()
        for name in CLASSES:
            own = [number for number, one in segments.items() if names[one["category_id"]] == name]
            assert agrees(opened(tmp_path / "out" / file), name, np.isin(ids, own)), file


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "masks"])
def test_written_in_another_format(to: Any, tmp_path: Path) -> None:
    """As many objects as the variation itself has, each class where it is visible."""
    outcomes = made(write_coco(tmp_path / "set"), tmp_path / "out", to=to)
    again = {source.path: source for source in gather([tmp_path / "out"], limits(Settings())).sources}
    for file, _ in pasted(outcomes):
        image, labels = opened(tmp_path / "out" / file), again[file].labels
        assert labels is not None
        read = labels.load()
        for number, name in enumerate(CLASSES, 1):
            found = visible(image, name)
            if to == "masks":
                assert agrees(image, name, np.asarray(read.mask) == number)
                continue
            boxes = np.array([shape.box for shape in read.shapes if shape.category == name])
            assert found.any() == bool(len(boxes))
            if len(boxes):
                np.testing.assert_allclose((*boxes[:, :2].min(0), *boxes[:, 2:].max(0)), bounds(found), atol=2)


def test_resumed_and_repeated_it_gives_the_same_bytes(tmp_path: Path) -> None:
    photos = write_coco(tmp_path / "set")
    settings = Settings()
    asked = Recipe(seed=4, engine="none", variations=3, operations=[OPERATION], filters=False)
    engines = available(settings)

    def outcomes(out: Path) -> Iterator[Outcome]:
        yield from run_to_disk(Job(gather([photos], limits(settings)), asked, settings, engines), out, [photos])

    whole = list(outcomes(tmp_path / "whole"))
    interrupted = outcomes(tmp_path / "cut")
    for _ in range(len(whole) // 2):
        next(interrupted)
    interrupted.close()  # type: ignore[attr-defined]
    assert len(list(outcomes(tmp_path / "cut"))) < len(whole)
    assert contents_of(tmp_path / "cut") == contents_of(tmp_path / "whole")
    again = augmentai("replay", tmp_path / "whole")
    assert again.returncode == 0, again.stderr
    assert f"{len(whole)} of {len(whole)} files are identical" in again.stderr


def test_nothing_of_a_validation_image_is_pasted(tmp_path: Path) -> None:
    folder = write_yolo(tmp_path / "set", True)
    for part, name in (("images", "b.png"), ("labels", "b.txt")):
        (folder / part / "val").mkdir()
        (folder / part / "train" / name).rename(folder / part / "val" / name)
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: {list(CLASSES)}\n")
    outcomes = made(folder, tmp_path / "out")
    lent = [donor["path"] for _, details in pasted(outcomes) for donor in details["operations"][0]["drawn"]["donors"]]
    assert {Path(path).name for path in lent} == {"a.png", "c.png", "d.png"}
    assert not any("val" in outcome.source.path for outcome in outcomes)
    before, after = (opened(root / "images" / "val" / "b.png") for root in (folder, tmp_path / "out"))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    "written", ["labelme", "cvat", "via", "supervisely", "createml", "csv", "dota", "imagefolder", "yolo", "voc"]
)
def test_every_format_takes_what_is_pasted(written: str, tmp_path: Path) -> None:
    """A set of the format, with pasted objects: read again, it has the objects that its variations have."""
    settings = Settings()
    first = Recipe(seed=1, engine="none", variations=1, operations=["flip(probability=1)"], to=written, filters=False)
    photos = gather([write_coco(tmp_path / "coco")], limits(settings))
    assert all(one.ok for one in run_to_disk(Job(photos, first, settings, available(settings)), tmp_path / "set"))
    asked = Recipe(seed=3, engine="none", variations=2, geometry="none", operations=[OPERATION], filters=False)
    job = Job(gather([tmp_path / "set"], limits(settings)), asked, settings, available(settings))
    outcomes = list(run_to_disk(job, tmp_path / "out"))
    again = {source.path: source for source in gather([tmp_path / "out"], limits(settings)).sources}
    pasted_ones = 0
    for outcome in outcomes:
        assert outcome.variation is not None, outcome.reason
        expected, reader = outcome.variation.labels, again[outcome.variation.file].labels
        assert expected is not None
        assert reader is not None
        pieces = sum(max(1, len(shape.polygons)) for shape in expected.shapes)
        found = reader.load().shapes
        assert len(expected.shapes) <= len(found) <= pieces
        pasted_ones += sum("pasted" in shape.extra for shape in expected.shapes)
        for shape in expected.shapes:
            assert shape.box is not None
            near = [one for one in found if one.category == shape.category and one.box is not None]
            if len(shape.polygons) < 2:
                assert min(np.abs(np.subtract(one.box, shape.box)).max() for one in near) <= 1.6  # type: ignore[arg-type]
    assert pasted_ones > 10


def test_with_balance_objects_become_as_many(tmp_path: Path) -> None:
    """Three red, two green, two blue: what is pasted makes up for what is missing."""
    counts = {}
    for balance in (False, True):
        outcomes = made(write_coco(tmp_path / f"set {balance}"), tmp_path / f"out {balance}", balance=balance)
        drawn = [
            one["class"]
            for outcome in outcomes
            if outcome.variation is not None and outcome.variation.details.get("operations")
            for one in outcome.variation.details["operations"][0]["drawn"]["objects"]
        ]
        counts[balance] = {name: drawn.count(name) for name in CLASSES}
    assert counts[False]["red"] > 4
    assert counts[True]["red"] == 0
    assert counts[True]["green"] + counts[True]["blue"] > 0

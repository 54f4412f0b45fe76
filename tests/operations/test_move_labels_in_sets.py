"""Whole datasets through a job with geometry: written, read again, and their labels compared with the pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.painted_objects import BOXES, SIZE_WH, bounds, filled, overlap, rectangles, seen, stars
from tests.support.scripted_engine import Scripted

NAMES = ["red", "green", "blue", "yellow", "pink"]


def yolo(folder: Path, image: Image.Image, shapes: list[Any], outlines: bool) -> None:
    width, height = SIZE_WH
    lines = []
    for number, shape in enumerate(shapes):
        x0, y0, x1, y1 = shape.box
        values = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
        if outlines:
            values = [value for x, y in shape.polygons[0] for value in (x / width, y / height)]
        lines.append(f"{number} {' '.join(map(str, values))}\n")
    for part in ("images", "labels"):
        (folder / part / "train").mkdir(parents=True)
    image.save(folder / "images" / "train" / "a.png")
    (folder / "labels" / "train" / "a.txt").write_text("".join(lines))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/train\nnames: {NAMES}\n")


def coco(folder: Path, image: Image.Image, shapes: list[Any], outlines: bool) -> None:
    """Outlines as polygons, or whole bitmaps as plain run lengths."""
    annotations = []
    for number, shape in enumerate(shapes):
        x0, y0, x1, y1 = shape.box
        if outlines:
            segmentation: Any = [[value for point in shape.polygons[0] for value in point]]
        else:
            flat = seen(image)[number].T.ravel()
            ends = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int), [0]])))
            counts = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
            segmentation = {"size": [SIZE_WH[1], SIZE_WH[0]], "counts": counts}
        annotations.append(
            {"id": number + 1, "image_id": 1, "category_id": number + 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            | {"segmentation": segmentation, "iscrowd": 0, "area": 1.0}
        )
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": SIZE_WH[0], "height": SIZE_WH[1]}],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)],
    }
    folder.mkdir(parents=True)
    image.save(folder / "a.png")
    (folder / "annotations.json").write_text(json.dumps(content))


def voc(folder: Path, image: Image.Image, shapes: list[Any], outlines: bool) -> None:
    objects = ""
    for name, (x0, y0, x1, y1) in zip(NAMES, BOXES, strict=True):  # VOC counts pixels from 1, both ends in the box
        box = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        objects += f"<object><name>{name}</name><bndbox>{box}</bndbox></object>"
    size = f"<size><width>{SIZE_WH[0]}</width><height>{SIZE_WH[1]}</height><depth>3</depth></size>"
    for part in ("Annotations", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    image.save(folder / "JPEGImages" / "a.png")
    (folder / "Annotations" / "a.xml").write_text(f"<annotation><filename>a.png</filename>{size}{objects}</annotation>")


def variations_of(folder: Path, out: Path, geometry: str, **recipe: Any) -> list[Source]:
    """The set in `folder` through a job, read again; its variations alone."""
    settings = Settings()
    asked = Recipe(seed=9, engine="gan", variations=16, geometry=geometry, filters=False, **recipe)
    job = Job(gather([folder], limits(settings)), asked, settings, [Scripted(lambda task: task.photo.rgb)])
    outcomes = list(run_to_disk(job, out))
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    again = gather([out], limits(settings))
    assert not again.failures
    found = [source for source in again.sources if "__v" in source.path]
    assert len(found) == 16
    return found


def opened(source: Source, folder: Path) -> Image.Image:
    with Image.open(source.file or folder / source.path) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("geometry", ["flip", "light", "strong"])
@pytest.mark.parametrize("write", [yolo, coco, voc])
def test_boxes_of_every_layout_agree_with_their_pixels(write: Any, geometry: str, tmp_path: Path) -> None:
    image, shapes = rectangles()
    write(tmp_path / "set", image, shapes, False)
    compared = 0
    for source in variations_of(tmp_path / "set", tmp_path / "out", geometry):
        objects = seen(opened(source, tmp_path / "out"), 0.2)
        assert source.labels is not None
        for shape in source.labels.load().shapes:
            found = bounds(objects[NAMES.index(shape.category)])
            np.testing.assert_allclose(shape.box, found, atol=1.5 + (write is voc), err_msg=source.path)  # type: ignore[arg-type]
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("geometry", ["light", "strong"])
@pytest.mark.parametrize(("write", "outlines"), [(yolo, True), (coco, True), (coco, False)])
def test_outlines_and_bitmaps_of_every_layout_agree_with_their_pixels(
    write: Any, outlines: bool, geometry: str, tmp_path: Path
) -> None:
    image, shapes = stars()
    write(tmp_path / "set", image, shapes, outlines)
    compared = 0
    for source in variations_of(tmp_path / "set", tmp_path / "out", geometry):
        objects = seen(opened(source, tmp_path / "out"))
        assert source.labels is not None
        for shape in source.labels.load().shapes:
            bitmap = objects[NAMES.index(shape.category)]
            mine = filled(shape.polygons) if outlines else shape.mask
            assert mine is not None
            if bitmap.sum() > 200:  # of a rest at the border single pixels would weigh too much
                assert overlap(mine, bitmap) > 0.88, source.path
                compared += 1
    assert compared > 50


@pytest.mark.parametrize("geometry", ["light", "strong"])
def test_masks_beside_images_agree_with_their_pixels(geometry: str, tmp_path: Path) -> None:
    image, _ = stars()
    for part in ("images", "masks"):
        (tmp_path / "set" / part).mkdir(parents=True)
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    for number, bitmap in enumerate(seen(image)):
        values[bitmap] = number + 1
    for name in ("a", "b"):
        image.save(tmp_path / "set" / "images" / f"{name}.png")
        Image.fromarray(values).save(tmp_path / "set" / "masks" / f"{name}.png")
    settings = Settings()
    asked = Recipe(seed=9, engine="gan", variations=4, geometry=geometry, filters=False)
    gathered = gather([tmp_path / "set"], limits(settings))
    job = Job(gathered, asked, settings, [Scripted(lambda task: task.photo.rgb)])
    for outcome in run_to_disk(job, tmp_path / "out"):
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.labels is not None
        assert outcome.variation.labels.mask is not None
        ((file, _),) = outcome.variation.beside
        with Image.open(tmp_path / "out" / file) as written:
            mask = np.asarray(written)
        np.testing.assert_array_equal(mask, np.asarray(outcome.variation.labels.mask))
        with Image.open(tmp_path / "out" / outcome.variation.file) as made:
            objects = seen(made.convert("RGB"))
        for number, bitmap in enumerate(objects):
            assert bitmap.sum() < 200 or overlap(mask == number + 1, bitmap) > 0.88


def test_a_mask_whose_object_left_the_frame_is_reported(tmp_path: Path) -> None:
    """A crack in the corner: where a zoom crops it away, the variation's mask is empty, and the report counts it."""
    for part in ("images", "masks"):
        (tmp_path / "set" / part).mkdir(parents=True)
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    values[:3, :3] = 255
    stars()[0].save(tmp_path / "set" / "images" / "a.png")
    Image.fromarray(values).save(tmp_path / "set" / "masks" / "a.png")
    settings = Settings()
    asked = Recipe(seed=3, engine="gan", variations=16, geometry="strong", filters=False)
    job = Job(gather([tmp_path / "set"], limits(settings)), asked, settings, [Scripted(lambda task: task.photo.rgb)])
    empty = 0
    for outcome in run_to_disk(job, tmp_path / "out"):
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.labels is not None
        assert outcome.variation.labels.mask is not None
        gone = not np.asarray(outcome.variation.labels.mask).any()
        assert bool(outcome.variation.details.get("labels_dropped")) == gone
        empty += gone
    assert 0 < empty < 16
    assert job.report.labels_dropped == empty

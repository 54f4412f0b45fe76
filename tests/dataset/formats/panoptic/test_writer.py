"""Any set converted to COCO panoptic, and read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.formats.object_shapes import objects_in
from augmentai.recipe import RecipeError
from tests.support import trainers
from tests.support.dataset_runs import converted
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.labelled_sets import augmented, contents, gathered, imagefolder, write


@pytest.mark.parametrize("name", ["yolo polygons", "masks", "coco"])
def test_to_panoptic(name: str, tmp_path: Path) -> None:
    """Every segment is what the pixels of its PNG are, and they are the objects that were drawn."""
    out, _ = converted(name, "panoptic", tmp_path)
    for split in ("train", "val", "test"):
        written = trainers.json_of(out / f"annotations/panoptic_{split}.json")
        classes = {one["id"]: one["name"] for one in written["categories"]}
        names = {one["id"]: one["file_name"] for one in written["images"]}
        found = {}
        for one in written["annotations"]:
            with Image.open(out / f"annotations/panoptic_{split}" / one["file_name"]) as opened:
                ids = np.asarray(opened).astype(int) @ np.array([1, 256, 65536])
            assert set(np.unique(ids).tolist()) - {0} == {segment["id"] for segment in one["segments_info"]}
            assert all(segment["area"] == (ids == segment["id"]).sum() for segment in one["segments_info"])
            boxes = [(classes[s["category_id"]], s["bbox"]) for s in one["segments_info"]]
            found[Path(names[one["image_id"]]).stem] = [(c, (x, y, x + w, y + h)) for c, (x, y, w, h) in boxes]
        assert_boxes(found, named_by_masks(name, expected_boxes(split)))


def test_read_again_as_coco_or_by_its_name(tmp_path: Path) -> None:
    out, _ = converted("yolo polygons", "panoptic", tmp_path)
    for layout, expected in (("auto", "coco"), ("panoptic", "panoptic")):
        found = gathered(out, layout=layout)
        assert (found.layout.name, found.notices, found.failures) == (expected, (), ())
        boxes = {
            Path(source.path).stem: [(shape.category, shape.box) for shape in objects_in(source.labels.load())]
            for source in found.sources
            if source.labels is not None
        }
        assert_boxes(boxes, expected_boxes("train"))
    augmented([out], tmp_path / "again", variations=1, layout="panoptic", to="panoptic", geometry="flip")
    again = json.loads(contents(tmp_path / "again")["annotations/panoptic_train.json"])
    assert len(again["annotations"]) == 2 * len(
        trainers.json_of(out / "annotations/panoptic_train.json")["annotations"]
    )


def test_boxes_alone_cannot_be_written(tmp_path: Path) -> None:
    given = write(tmp_path / "in", imagefolder())
    with pytest.raises(RecipeError, match="no outlines or masks"):
        augmented([given], tmp_path / "out", to="panoptic")

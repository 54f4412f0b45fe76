"""What a format says of an object's place beside its shape is not carried to other formats once the object moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.dataset_runs import notices
from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, augmented, contents, write

COCO_FIELDS = {"attributes": {"rotation": 30.0, "occluded": True, "colour": "red"}}
COCO: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 32}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 10], "area": 200, **COCO_FIELDS}],
    "categories": [{"id": 1, "name": "car"}],
}
BOX = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>24</xmax><ymax>14</ymax></bndbox>"
OBJECT = f"<name>car</name><pose>Left</pose><truncated>1</truncated>{BOX}<part><name>door</name>{BOX}</part>"
SIZE = "<size><width>48</width><height>32</height><depth>3</depth></size>"
VOC = f"<annotation><filename>a.jpg</filename>{SIZE}<object>{OBJECT}</object></annotation>"
SETS: dict[str, Files] = {
    "coco": {"a.jpg": jpeg(size_wh=(48, 32)), "a.json": json.dumps(COCO).encode()},
    "voc": {"JPEGImages/a.jpg": jpeg(size_wh=(48, 32)), "Annotations/a.xml": VOC.encode()},
}
# (set, format written, what the variation no longer says, what it still says)
CASES = [
    ("coco", "labelme", "rotation", '"colour": "red"'),
    ("coco", "cvat", "rotation", "red"),
    ("coco", "via", "rotation", '"colour": "red"'),
    ("coco", "supervisely", "rotation", '"red"'),
    ("voc", "coco", '"pose"', '"truncated": 1'),
    ("voc", "labelme", '"pose"', '"truncated"'),
]


@pytest.mark.parametrize(("name", "to", "untrue", "kept"), CASES)
def test_places_beside_the_shape_go_where_pixels_move(
    name: str, to: str, untrue: str, kept: str, tmp_path: Path
) -> None:
    inputs = [write(tmp_path / "set", SETS[name])]
    for geometry, count in (("flip", 1), ("none", 2)):
        out = tmp_path / geometry
        job = augmented(inputs, out, seed=4, variations=1, to=to, geometry=geometry, originals="copy")  # which mirrors
        texts = [data.decode() for path, data in contents(out).items() if path.endswith((".json", ".xml"))]
        written = "".join(text for text in texts if "manifest" not in text)
        tags = "meta.json" in contents(out)  # Supervisely lists the names of its tags there
        assert written.count(untrue) == count + tags, (geometry, written)
        assert kept in written
        assert (" is removed from geometrically transformed images" in notices(job)) is (geometry == "flip")


def test_parts_of_objects_that_are_lost_are_reported(tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "set", SETS["voc"])], tmp_path / "out", variations=1, to="coco", geometry="none")
    assert "parts of objects were left out: only Pascal VOC has them" in notices(job)

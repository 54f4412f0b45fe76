"""What labels lose where pixels move is said before a run, by its name, in every format, and nothing else is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from augmentai.pipeline.moved_labels import lost_when_moved
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import augmented, contents, gathered, photo, write

FLIP = {"operations": ["flip(probability=1)"], "variations": 1}
PHOTO = photo([("red car", 4, 6, 24, 20)])
POINTS = [[4, 6], [24, 20]]


def _labelme(**fields: Any) -> dict[str, bytes]:
    shape = {"label": "car", "points": POINTS, "shape_type": "rectangle", "group_id": None, **fields}
    content = {"imagePath": "a.jpg", "imageWidth": 64, "imageHeight": 48, "shapes": [shape]}
    return {"a.json": json.dumps(content).encode()}


def _cvat(**fields: str) -> dict[str, bytes]:
    inner = "".join(f'<attribute name="{name}">{value}</attribute>' for name, value in fields.items())
    box = f'<box label="car" xtl="4" ytl="6" xbr="24" ybr="20" occluded="0">{inner}</box>'
    image = f'<image id="0" name="a.jpg" width="64" height="48">{box}</image>'
    return {"annotations.xml": f"<annotations><version>1.1</version>{image}</annotations>".encode()}


def _supervisely(**fields: Any) -> dict[str, bytes]:
    tags = [{"name": name, "value": value} for name, value in fields.items()]
    one = {
        "classTitle": "car",
        "geometryType": "rectangle",
        "points": {"exterior": POINTS, "interior": []},
        "tags": tags,
    }
    content = {"size": {"width": 64, "height": 48}, "tags": [], "objects": [one]}
    return {"ds/ann/a.jpg.json": json.dumps(content).encode(), "meta.json": b'{"classes": [], "tags": []}'}


def _via(**fields: Any) -> dict[str, bytes]:
    region = {
        "shape_attributes": {"name": "rect", "x": 4, "y": 6, "width": 20, "height": 14},
        "region_attributes": {"class": "car", **fields},
    }
    image = {"filename": "a.jpg", "size": 1, "regions": [region], "file_attributes": {}}
    return {"via.json": json.dumps({"a.jpg1": image}).encode()}


def _createml(**fields: Any) -> dict[str, bytes]:
    box = {"label": "car", "coordinates": {"x": 14, "y": 13, "width": 20, "height": 14}, **fields}
    return {"_annotations.createml.json": json.dumps([{"image": "a.jpg", "annotations": [box]}]).encode()}


def _voc(**fields: Any) -> dict[str, bytes]:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    box = "<bndbox><xmin>5</xmin><ymin>7</ymin><xmax>24</xmax><ymax>20</ymax></bndbox>"
    size = "<size><width>64</width><height>48</height><depth>3</depth></size>"
    one = f"<object><name>car</name>{inner}{box}</object>"
    return {"a.xml": f"<annotation><filename>a.jpg</filename>{size}{one}</annotation>".encode()}


def _coco(**fields: Any) -> dict[str, bytes]:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 14], "area": 280, **fields}],
        "categories": [{"id": 1, "name": "car"}],
    }
    return {"annotations.json": json.dumps(content).encode()}


def _csv(**fields: Any) -> dict[str, bytes]:
    header, row = ",".join(fields), ",".join(map(str, fields.values()))
    return {"boxes.csv": f"filename,class,xmin,ymin,xmax,ymax,{header}\na.jpg,car,4,6,24,20,{row}\n".encode()}


KEPT = {"age": 4, "pose_name": "upright", "note": "rear"}
LOST: dict[str, tuple[Any, dict[str, Any], set[str]]] = {
    "LabelMe: an attribute and a flag": (
        _labelme,
        {"attributes": {"heading": 30, **KEPT}, "flags": {"rotated": True}, "angle": 12.5},
        {"attributes.heading", "angle"},
    ),
    "CVAT: an angle and a side": (_cvat, {"rotation": "30", "facing": "left", **KEPT}, {"rotation", "facing"}),
    "CVAT: a point": (_cvat, {"center": "14,13", "orientation": "portrait", **KEPT}, {"center"}),
    "Supervisely: a tag": (_supervisely, {"direction": 90, **KEPT}, {"tags.direction"}),
    "VIA: an attribute": (_via, {"yaw_deg": "45", **KEPT}, {"yaw_deg"}),
    "CreateML: a field": (_createml, {"orientation": 1.5, **KEPT}, {"orientation"}),
    "Pascal VOC: an element": (_voc, {"heading": 30, **KEPT}, {"heading"}),
    "COCO: a field": (_coco, {"heading": 30, "cx": 4, **KEPT}, {"heading", "cx"}),
    "CSV: a column": (_csv, {"theta": 30, "cx": 17, **KEPT}, {"theta", "cx"}),
    "an angle of 0 that was never set, and words": (_cvat, {"rotation": "0", "direction": "unknown", **KEPT}, set()),
}


@pytest.mark.parametrize(("make", "fields", "lost"), LOST.values(), ids=LOST)
def test_what_is_lost_is_said_before(make: Any, fields: dict[str, Any], lost: set[str], tmp_path: Path) -> None:
    image = "ds/img/a.jpg" if make is _supervisely else "a.jpg"
    given = write(tmp_path / "in", {image: PHOTO, **make(**fields)})
    found = gathered(given)
    expected = {f"`{name}` is removed from geometrically transformed images" for name in lost}
    assert set(lost_when_moved(found.layout, found.sources)) == expected
    assert not found.layout.losses
    job = augmented([given], tmp_path / "out", **FLIP)
    assert {notice for notice in job.plan.notices if "geometrically" in notice} == expected
    assert {notice for notice in notices(job).splitlines() if "geometrically" in notice} == expected
    made = b"".join(data for name, data in contents(tmp_path / "out").items() if not name.endswith(".jpg"))
    for name in lost:
        last = name.rpartition(".")[2].encode()
        assert len(re.findall(rb"(?<!/)\b%b\b" % last, made)) == 1, name  # in the source's labels, or the header
    for word in (b"upright", b"rear"):
        assert made.count(word) == 2


def test_nothing_is_said_where_nothing_moves(tmp_path: Path) -> None:
    given = write(tmp_path / "in", {"a.jpg": PHOTO, **_csv(theta=30)})
    job = augmented([given], tmp_path / "out", operations=["noise"], variations=1)
    assert not job.plan.label_check.lost
    assert "geometrically" not in notices(job)

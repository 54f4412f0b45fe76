"""Any set written as Supervisely: the project's files, attributes as tags, and pieces of one object."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.image_files import png
from tests.support.labelled_sets import augmented, coco, contents, write
from tests.support.tool_sets import labelme_file


def test_a_project_of_a_coco_set(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", coco())], tmp_path / "out", variations=1, to="supervisely")
    made = contents(tmp_path / "out")
    meta = json.loads(made["meta.json"])
    assert [one["title"] for one in meta["classes"]] == ["red car", "bus", "車", "never seen"]
    assert len({one["color"] for one in meta["classes"]}) == 4
    assert {tag["name"] for tag in meta["tags"]} >= {"occluded", "note"}
    content = json.loads(made["train/ann/one__v1.jpg.json"])
    assert content["size"] == {"height": 48, "width": 64}
    assert {one["geometryType"] for one in content["objects"]} == {"polygon", "bitmap"}
    assert {"name": "note", "value": "ü"} in content["objects"][0]["tags"]


def test_tags_lines_and_pieces(tmp_path: Path) -> None:
    shapes = [
        {"label": "road", "points": [[1, 1], [9, 9], [20, 4]], "shape_type": "linestrip", "flags": {}},
        {"label": "tip", "points": [[5, 5]], "shape_type": "point", "flags": {}},
    ]
    files = {"a.png": png(), "a.json": labelme_file("a", [], (48, 32), imagePath="a.png", shapes=shapes)}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="supervisely")
    made = contents(tmp_path / "out")
    content = json.loads(made["images/ann/a__v1.png.json"])
    assert [one["geometryType"] for one in content["objects"]] == ["line", "point"]
    assert content["tags"] == [{"name": "night", "value": None}]
    assert json.loads(made["meta.json"])["tags"][0] == {"name": "night", "value_type": "none", "color": "#E62E2E"}

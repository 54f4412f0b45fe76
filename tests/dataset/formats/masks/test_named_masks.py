"""Label files that name the masks of their images name those of variations for variations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.labelled_sets import RED, Files, augmented, contents, mask_of, photo, voc_xml, write

COCO = {
    "images": [{"id": 1, "file_name": "images/a.jpg", "width": 64, "height": 48, "mask_file": "masks/a.png"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 14], "area": 280, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "red car"}],
}
VIA = {
    "a.jpg1": {
        "filename": "images/a.jpg",
        "size": 1,
        "file_attributes": {"mask": "masks/a.png"},
        "regions": [
            {
                "shape_attributes": {"name": "rect", "x": 4, "y": 6, "width": 20, "height": 14},
                "region_attributes": {"class": "red car"},
            }
        ],
    }
}
FILES: dict[str, Files] = {
    "COCO": {"a.json": json.dumps(COCO).encode()},
    "VIA": {"via.json": json.dumps(VIA).encode()},
    "Pascal VOC": {"xml/a.xml": voc_xml("a", [RED]).replace(b"</object>", b"<mask>masks/a.png</mask></object>", 1)},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_a_variation_names_its_own_mask(files: Files, tmp_path: Path) -> None:
    images = {"images/a.jpg": photo([RED]), "masks/a.png": mask_of([RED])}
    given = write(tmp_path / "in", {**images, **files})
    augmented([given], tmp_path / "out", operations=["flip(probability=1)"], variations=1)
    made = contents(tmp_path / "out")
    labels = b"".join(data for name, data in made.items() if name.endswith((".json", ".xml")))
    assert "masks/a__v1.png" in made
    assert (labels.count(b"masks/a.png"), labels.count(b"masks/a__v1.png")) == (1, 1)

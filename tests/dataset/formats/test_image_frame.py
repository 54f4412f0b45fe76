"""Images with an EXIF orientation: labels drawn on the stored pixels are rotated with them, others stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support import trainers
from tests.support.image_files import encoded
from tests.support.labelled_sets import (
    COLOURS,
    SIZE_WH,
    augmented,
    gathered,
    voc_xml,
    write,
)


def photo_with_orientation(orientation: int) -> bytes:
    from tests.support.image_files import exif_with

    stored = Image.new("RGB", SIZE_WH, (128, 128, 128))
    stored.paste(COLOURS["bus"], (4, 6, 24, 20))
    return encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif_with(orientation))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("layout", ["coco", "voc"])
def test_boxes_are_on_the_pixels(orientation: int, layout: str, tmp_path: Path) -> None:
    from tests.support.labelled_sets import COLOURS

    if layout == "voc":
        files = {"a.jpg": photo_with_orientation(orientation), "a.xml": voc_xml("a", [("bus", 4, 6, 24, 20)])}
    else:
        content = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": SIZE_WH[0], "height": SIZE_WH[1]}],
            "categories": [{"id": 1, "name": "bus"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 14]}],
        }
        files = {"a.jpg": photo_with_orientation(orientation), "coco.json": json.dumps(content).encode()}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    made = next(s for s in gathered(tmp_path / "out").sources if s.path == "a__v1.jpg")
    assert made.labels is not None
    box = made.labels.load().shapes[0].box
    ((_, seen),) = trainers.by_eye(tmp_path / "out/a__v1.jpg", COLOURS, 0.89)
    assert box is not None
    assert max(abs(a - b) for a, b in zip(box, seen, strict=True)) <= 1


def test_masks_are_rotated_upright(tmp_path: Path) -> None:
    mask = Image.new("L", SIZE_WH)
    mask.paste(7, (4, 6, 24, 20))
    files = {"images/a.jpg": photo_with_orientation(6), "masks/a.png": encoded(mask)}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    with Image.open(tmp_path / "out/masks/a__v1.png") as made:
        assert made.size == (48, 64)
        assert made.getbbox() == (28, 4, 42, 24)

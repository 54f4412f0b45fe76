"""What is written, read by datumaro: every pair of formats that it knows. Needs an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import datumaro_reader, trainers
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.labelled_sets import LAYOUTS, augmented, write

OUTLINED = ("yolo polygons", "masks", "coco", "panoptic")  # each object has pixels of its own
SOURCES = ("yolo", *OUTLINED, "voc", "labelme", "supervisely", "cvat", "createml", "csv", "via", "dota")
# Of YOLO it reads boxes alone, CreateML's centre of a box it takes for its corner, and DOTA's images it looks for
# elsewhere. A set in its own format keeps its files.
PAIRS = [
    *((name, to) for name in SOURCES for to in ("coco", "voc", "cvat")),
    *((name, "yolo") for name in ("voc", "createml")),
    *((name, to) for name in OUTLINED for to in ("panoptic", "masks")),
]

pytestmark = pytest.mark.skipif(
    not datumaro_reader.PYTHON, reason="DATUMARO_PYTHON names no Python with datumaro, whose needs do not fit this one"
)


@pytest.mark.parametrize(("name", "to"), [pair for pair in PAIRS if pair[0] != pair[1]])
def test_datumaro_reads_what_is_written(name: str, to: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out", to=to, variations=1)
    expected: trainers.Boxes = {}
    for split in ("train", "val", "test"):
        expected |= named_by_masks(name, expected_boxes(split, variations=1))
    if name == "dota":
        expected = {stem: [(label.replace(" ", "-"), box) for label, box in of] for stem, of in expected.items()}
    assert_boxes(datumaro_reader.read_set(tmp_path / "out", to, tmp_path / "arranged"), expected, tolerance=1.01)

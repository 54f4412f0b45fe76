"""Every format of an annotation tool to and from YOLO, COCO and Pascal VOC, read back by readers of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import supervision as sv

from tests.support import list_readers, tool_readers, trainers
from tests.support.dataset_runs import converted
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import gathered

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
COMMON = ("yolo", "coco", "voc")
TOOLS = tuple(name for name in READERS if name not in COMMON)
# Each tool to and from the common formats, and to the next tool.
PAIRS = [(name, to) for name in READERS for to in READERS if (name in COMMON) != (to in COMMON)]
PAIRS += list(zip(TOOLS, (*TOOLS[1:], TOOLS[0]), strict=True))


def _is_train(out: Path, stem: str) -> bool:
    return any(path.stem == stem for path in (out / "train/img").iterdir())


def voc_boxes(out: Path) -> trainers.Boxes:
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    names = (out / "ImageSets/Main/train.txt").read_text("utf-8").splitlines()
    return {stem: boxes for stem, boxes in trainers.supervision(data).items() if stem in names}


@pytest.mark.parametrize(("name", "to"), PAIRS)
def test_boxes_are_the_same_in_every_other_format(name: str, to: str, tmp_path: Path) -> None:
    out, _ = converted(name, to, tmp_path)
    found, expected = READERS[to](out), expected_boxes("train")
    if name == "csv":  # it names images by their objects
        found, expected = ({stem: boxes for stem, boxes in one.items() if boxes} for one in (found, expected))
    # The outline of a bitmap connects its pixels, so it is a pixel smaller.
    assert_boxes(found, expected, tolerance=1.01 if (name, to) == ("coco", "via") else 1e-3)
    again = gathered(out)
    assert again.layout.name == to
    assert not again.failures
    assert {source.split for source in (*again.sources, *again.holdout)} == {"train", "val", "test"}

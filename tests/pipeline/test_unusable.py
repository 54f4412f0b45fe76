"""What a run will skip is known before it starts, in every format: plan, dry run, inspection and page agree with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.cli.console import print_plan
from augmentai.engines import available
from augmentai.inspection import inspect_set
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.forecast import forecast
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.image_files import png
from tests.support.labelled_sets import LAYOUTS, Files, augmented, gathered, write

# (set, the file, what is replaced in it by what): the labels of one training image cannot be read then
BROKEN: dict[str, tuple[str, str, bytes, bytes]] = {
    "YOLO": ("yolo", "labels/train/one.txt", b"0 0.21875", b"0 car"),
    "YOLO in pixels": ("yolo", "labels/train/one.txt", b"0.21875", b"218"),
    "YOLO polygons": ("yolo polygons", "labels/train/one.txt", b"0 0.0625", b"0"),
    "COCO": ("coco", "annotations/instances_train.json", b'"bbox": [4, 6, 20, 14]', b'"bbox": [4, "x", 20, 14]'),
    "VOC": ("voc", "VOC/Annotations/one.xml", b"<xmin>", b"<xmin>left"),
    "VOC cut off": ("voc", "VOC/Annotations/one.xml", b"</annotation>", b""),
    "a mask of another size": ("masks", "masks/train/one.png", b"", png((20, 90))),
    "a mask that is text": ("masks", "masks/train/one.png", b"", b"no mask"),
    "ImageFolder": ("imagefolder jsonl", "train/metadata.jsonl", b"[[4, 6, 20, 14]", b"[[4, 6]"),
    "LabelMe": ("labelme", "train/one.json", b"[4.0, 6.0]", b'["x", 6.0]'),
    "Supervisely": ("supervisely", "train/ann/one.jpg.json", b'"exterior": [[', b'"exterior": [["x", '),
    "CVAT": ("cvat", "annotations.xml", b'xtl="4.00"', b'xtl="left"'),
    "CreateML": ("createml", "train/_annotations.createml.json", b'"x": 14.0', b'"x": "x"'),
    "CSV": ("csv", "train/_annotations.csv", b"red car,4,", b"red car,x,"),
    "VIA": ("via", "train/via_region_data.json", b'"x": 4,', b'"x": "x",'),
    "no image": ("yolo", "images/train/one.jpg", b"", b"\xff\xd8 cut off"),
}


@pytest.mark.parametrize(("name", "file", "old", "new"), BROKEN.values(), ids=BROKEN)
def test_counts_are_those_of_the_run(
    name: str, file: str, old: bytes, new: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: Files = dict(LAYOUTS[name][1])
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1) if old else new
    given = write(tmp_path / "in", files)
    job = augmented([given], tmp_path / "out")
    assert job.report.variations == 4  # two images of three
    assert job.report.failed
    assert len(job.plan.unusable) == 1
    assert job.plan.expected == 4
    print_plan(job)
    printed = capsys.readouterr().out
    assert "4 variations of 2 images\n1 image will be skipped: see Failed" in printed
    found = inspect_set(gathered(given), Recipe(variations=2, engine="gan"), Settings(), available(Settings()))
    assert found.plan["variations"] == 4
    assert found.images["augmented"] == 2
    page = inspect_uploads([(f"in/{one}", str(given / one)) for one in files], Settings())
    assert page.images == 2
    assert forecast(page.as_state(), Recipe(variations=2)).total == 4


def test_a_sound_set_has_none(tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", LAYOUTS["coco"][1])], tmp_path / "out", variations=1)
    assert not job.plan.unusable
    assert job.plan.expected == job.plan.total == job.report.variations == 3

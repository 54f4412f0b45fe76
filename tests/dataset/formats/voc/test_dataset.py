"""Pascal VOC sets as supervision reads them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import supervision as sv
from PIL import Image

from tests.support import trainers
from tests.support.dataset_runs import found_splits
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import (
    IMAGES,
    TRAIN,
    augmented,
    contents,
    gathered,
    masks,
    voc,
    voc_xml,
    write,
)
from tests.support.voc_files import annotation, photos


def test_voc_as_supervision_reads_it_with_all_fields_kept(tmp_path: Path) -> None:
    files = voc()
    files["VOC/Annotations/one.xml"] = files["VOC/Annotations/one.xml"].replace(
        b"<segmented>", b"<ours>1</ours><segmented>"
    )
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    out = tmp_path / "out" / "VOC"
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    assert_boxes(trainers.supervision(data), expected_boxes("train") | expected_boxes("val") | expected_boxes("test"))
    made = (out / "Annotations" / "one__v1.xml").read_text("utf-8")
    assert "<filename>one__v1.jpg</filename>" in made
    for kept in (
        "<ours>1</ours>",
        "<pose>Left</pose>",
        "<truncated>1</truncated>",
        "<difficult>1</difficult>",
        "<part>",
    ):
        assert kept in made
    sets = out / "ImageSets" / "Main"
    names = [f"{stem}{end}" for stem in TRAIN for end in ("__v1", "__v2")]
    assert (sets / "train.txt").read_text("utf-8").splitlines() == TRAIN + names
    assert (sets / "trainval.txt").read_text("utf-8").splitlines() == [*TRAIN, "three", *names]
    assert (sets / "bus_train.txt").read_text().splitlines() == [
        *("one  1", "empty -1", "one__v1  1", "one__v2  1", "empty__v1 -1", "empty__v2 -1"),
    ]


def test_masks_of_classes_and_objects_are_written(tmp_path: Path) -> None:
    files = voc()
    for folder in ("SegmentationClass", "SegmentationObject"):
        files[f"VOC/{folder}/one.png"] = masks()["masks/train/one.png"]
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert len(job.gathered.sources) == 3
    for folder in ("SegmentationClass", "SegmentationObject"):
        made = Image.open(tmp_path / f"out/VOC/{folder}/one__v1.png")
        source = Image.open(io.BytesIO(files[f"VOC/{folder}/one.png"]))
        assert (made.mode, made.getpalette()) == (source.mode, source.getpalette())
        assert np.array_equal(np.asarray(made), np.asarray(source))


def test_two_images_of_one_stem_have_annotations_of_their_own(tmp_path: Path) -> None:
    """Their annotations share a folder, so their variations cannot share a name. A variation that was given beside a
    source keeps its annotation too."""
    files = photos("left/a.jpg", "right/a.jpg", "right/b__v1.jpg", "left/b.jpg")
    for number, name in enumerate(files):
        folder, filename = name.split("/")
        files = files | {f"xml/{number}.xml": annotation(filename, folder)}
    files["xml/b__v1.xml"] = files.pop("xml/2.xml")
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert not job.report.failures
    found = contents(tmp_path / "out")
    made = {name for name in found if name not in files}
    images, sheets = ({name for name in made if name.endswith(ending)} for ending in (".jpg", ".xml"))
    assert len(images) == len(sheets) == 4
    assert {Path(name).stem for name in images} == {Path(name).stem for name in sheets}
    again = gathered(tmp_path / "out")
    own = [[entry.path for entry in again.layout.own_label_files(source)] for source in again.sources]
    assert len({path for paths in own for path in paths}) == 8
    augmented([tmp_path / "in"], tmp_path / "out.zip", variations=1)  # a ZIP refuses a second file of a name


def test_xml_beside_images(tmp_path: Path) -> None:
    files = {}
    for split, stem, objects in IMAGES:
        files[f"{split}/{stem}.jpg"] = voc()[f"VOC/JPEGImages/{stem}.jpg"]
        files[f"{split}/{stem}.xml"] = voc_xml(stem, objects)
    assert gathered(write(tmp_path / "in", files)).layout.name == "voc"
    assert found_splits(tmp_path, files)["train/one.jpg"] == "train"

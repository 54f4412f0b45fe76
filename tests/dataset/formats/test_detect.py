"""Which format a set has: recognised from a folder and from a ZIP, or as it was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.formats.object_shapes import objects_in
from tests.support.expected_boxes import EXPECTED, assert_boxes
from tests.support.image_files import jpeg
from tests.support.labelled_sets import (
    LAYOUTS,
    TRAIN,
    as_zip,
    coco,
    gathered,
    masks,
    write,
)

every_layout = pytest.mark.parametrize("name", LAYOUTS)


@every_layout
def test_recognised_from_folder_and_zip(name: str, tmp_path: Path) -> None:
    layout, files = LAYOUTS[name]
    has_splits = name != "class folders"
    for given in (write(tmp_path / "set", files), as_zip(tmp_path / "set.zip", files)):
        found = gathered(given)
        assert found.layout.name == layout
        assert not found.failures + found.notices
        assert {Path(source.path).stem for source in found.sources} == (set(TRAIN) if has_splits else set(EXPECTED))
        assert {source.split for source in found.sources} == {"train" if has_splits else None}
        holdout = {(Path(source.path).stem, source.split) for source in found.holdout}
        assert holdout == ({("three", "val"), ("four", "test")} if has_splits else set())
        for source in (*found.sources, *found.holdout):
            labels = source.labels.load() if source.labels is not None else None
            if layout in {"yolo", "coco", "voc", "labelme", "cvat", "createml", "via", "supervisely"}:
                assert labels is not None
                assert_boxes(
                    {"x": [(s.category, s.box) for s in objects_in(labels) if s.box]},
                    {"x": EXPECTED[Path(source.path).stem]},
                )
            elif layout == "masks":
                assert labels is not None
                assert labels.mask is not None
                assert labels.mask.mode == "P"


def test_layout_can_be_forced(tmp_path: Path) -> None:
    given = write(tmp_path / "in", masks("beside"))
    assert gathered(given, layout="folders").layout.name == "folders"
    assert len(gathered(given, layout="folders").sources) == 6  # masks are pictures then
    wrong = gathered(given, layout="coco")
    assert not wrong.sources
    assert "not a COCO dataset: expected a .json file with images" in wrong.failures[0].reason


def test_images_in_no_split_beside_held_out_ones_are_for_training(tmp_path: Path) -> None:
    files = {f"images/{part}/{i}.jpg": jpeg(seed=i) for part in ("a", "b") for i in range(2)}
    labels = {f"labels/{part}/{i}.txt": b"0 0.5 0.5 0.2 0.2\n" for part in ("a", "b") for i in range(2)}
    found = gathered(write(tmp_path / "in", files | labels | {"data.yaml": b"names: [car]\nval: images/a\n"}))
    assert {Path(source.path).parent.name for source in found.sources} == {"b"}
    assert {source.split for source in found.holdout} == {"val"}
    assert "none for training; 2 images in no split are for training" in "\n".join(found.notices)


def test_images_and_labels_in_separate_zips(tmp_path: Path) -> None:
    """As COCO itself is distributed: train2017.zip, val2017.zip and annotations_trainval2017.zip."""
    files = {n.replace("train", "train2017").replace("val/", "val2017/"): d for n, d in coco().items()}
    parts = []
    for part in ("train2017/", "val2017/", "annotations/"):
        inside = {n: d for n, d in files.items() if n.startswith(part)}
        parts.append(tmp_path / f"{part[:-1]}.zip")
        from tests.support.image_files import zipped

        parts[-1].write_bytes(zipped(inside))
    found = gathered(*parts)
    assert found.layout.name == "coco"
    assert {Path(s.path).stem for s in found.sources} == set(TRAIN)
    assert [s.path for s in found.holdout] == ["val2017/three.jpg"]

"""Supervisely projects: which file labels which image, splits, and what is reported."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support.image_files import jpeg
from tests.support.labelled_sets import LAYOUTS, augmented, gathered, write
from tests.support.tool_sets import supervisely_file, supervisely_meta, supervisely_object

SIZE_WH = (48, 32)
CUP = supervisely_object(("cup", 4, 4, 20, 20))


def test_several_datasets_and_images_without_labels(tmp_path: Path) -> None:
    files = {f"project/{name}/img/1.jpg": jpeg(seed=seed) for seed, name in enumerate(("a", "b", "c"))}
    files |= {f"project/{name}/ann/1.jpg.json": supervisely_file([CUP], SIZE_WH) for name in "ab"}
    files["project/meta.json"] = supervisely_meta("cup", "never seen")
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "supervisely"
    assert found.layout.class_names() == ["cup", "never seen"]
    assert [source.labels is not None for source in found.sources] == [True, True, False]


def test_tags_are_splits_if_one_is_for_training(tmp_path: Path) -> None:
    files = {f"ds/img/{name}.jpg": jpeg(seed=seed) for seed, name in enumerate("abc")}
    for name, tag in (("a", "train"), ("b", "val"), ("c", "night")):
        files[f"ds/ann/{name}.jpg.json"] = supervisely_file([CUP], SIZE_WH, tag)
    found = gathered(write(tmp_path / "in", files))
    assert [(source.path, source.split) for source in found.sources] == [("ds/img/a.jpg", "train")]
    assert [(source.path, source.split) for source in found.holdout] == [
        ("ds/img/b.jpg", "val"),
        ("ds/img/c.jpg", None),
    ]


def test_a_broken_file_costs_one_image(tmp_path: Path) -> None:
    files = {f"ds/img/{name}.jpg": jpeg(seed=seed) for seed, name in enumerate("ab")}
    files |= {"ds/ann/a.jpg.json": supervisely_file([CUP], SIZE_WH), "ds/ann/b.jpg.json": b'{"objects": ['}
    files["meta.json"] = b"{"
    found = gathered(write(tmp_path / "in", files))
    assert [failure.file for failure in found.failures] == ["meta.json"]
    assert len(found.sources) == 2


def test_other_json_in_a_folder_of_that_name_is_not_of_supervisely(tmp_path: Path) -> None:
    files = {"img/a.jpg": jpeg(), "ann/a.json": b'{"weather": "fine"}'}
    assert gathered(write(tmp_path / "in", files)).layout.name == "folders"


def test_a_class_that_meta_lacks_is_converted(tmp_path: Path) -> None:
    given = write(tmp_path / "in", {**LAYOUTS["supervisely"][1], "meta.json": supervisely_meta("bus")})
    job = augmented([given], tmp_path / "out", to="yolo", variations=1)
    assert not job.report.failures
    names = yaml.safe_load((tmp_path / "out/data.yaml").read_text("utf-8"))["names"]
    assert set(names.values()) == {"bus", "red car", "車"}

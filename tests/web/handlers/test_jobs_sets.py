"""A labelled set on the page: what the visitor leaves out or adds later is in its label files too."""

from __future__ import annotations

import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.pipeline.job import Job
from augmentai.pipeline.merge import addition
from augmentai.settings import Settings
from augmentai.web.jobs.run import Row, Snapshot
from augmentai.web.jobs.session_store import Finished
from tests.pipeline.test_job import Darker
from tests.support import trainers
from tests.support.labelled_sets import LAYOUTS, as_zip, augmented


def finished(name: str, tmp_path: Path, **recipe: Any) -> Finished:
    whole = tmp_path / "1" / "out.zip"
    job = augmented([as_zip(tmp_path / "in.zip", LAYOUTS[name][1])], whole, **recipe)
    source = next(s for s in job.gathered.sources if s.path.endswith("one.jpg"))
    usual = {field.name: () if field.name == "labels" else "" for field in fields(Row)}
    row = Row(
        **{**usual, "file": "one__v1.jpg", "source": source.path, "sha256": source.sha256, "index": 1, "geometry": None}
    )
    report = job.report.as_dict()
    return Finished(job.recipe, job.gathered, Settings(), tmp_path, [whole], [row], report, {})


def packed(job: Finished) -> Path:
    assert job.ready is None, "it is packed when it is asked for"
    last = list(job.pack())[-1]
    assert last.path is not None
    assert last.path == job.ready
    return last.path


def unpacked(path: Path, to: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(set(archive.namelist()))
        archive.extractall(to)
    return to


@pytest.mark.parametrize("name", ["coco", "voc"])
def test_lists_follow_what_is_left_out(name: str, tmp_path: Path) -> None:
    job = finished(name, tmp_path, to="coco")
    prefix = "my set/" if name == "coco" else ""
    job.left_out = {f"{prefix}train/one__v1.jpg"}
    out = unpacked(packed(job), tmp_path / "unpacked") / prefix
    boxes = trainers.pycocotools(out / "annotations/instances_train.json", out / "train")
    assert "one__v1" not in boxes
    assert {"one", "one__v2", "empty__v1"} <= set(boxes)


@pytest.mark.parametrize("to", ["same", "yolo"])
def test_lists_follow_what_is_added(to: str, tmp_path: Path) -> None:
    """Two more of one source, numbered on, with the labels and class numbers of the whole set."""
    job = finished("coco", tmp_path, to=to)
    more = Job(job.again(), replace(job.recipe, to=to), Settings(), [Darker()], first_index=3)
    more.resume(job.all_but(job.rows[0], 3, job.recipe.variations))
    for _ in addition(more, tmp_path / "2.zip"):
        pass
    job.add(Snapshot(report=more.report.as_dict(), zip_path=str(tmp_path / "2.zip")), [])
    out = unpacked(packed(job), tmp_path / "unpacked")
    if to == "same":
        boxes = trainers.pycocotools(out / "my set/annotations/instances_train.json", out / "my set/train")
    else:
        boxes = trainers.ultralytics(out / "data.yaml", "train")
    assert len(boxes) == 3 + 6 + 2
    assert [name for name, _ in boxes["one__v4"]] == [name for name, _ in boxes["one"]] == ["red car", "bus"]

"""A labelled set on the page: what the visitor excludes or adds later is reflected in its label files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.pipeline.job import Job
from augmentai.pipeline.merge import run_part
from augmentai.settings import Settings
from augmentai.web.jobs.finished_job import FinishedJob
from tests.support import trainers
from tests.support.finished_jobs import finished_set, result_of, rows_in, unpacked
from tests.support.jobs import Darker


def packed(job: FinishedJob) -> Path:
    assert job.ready_zip is None, "it is packed on demand"
    last = list(job.pack())[-1]
    assert last.path is not None
    assert last.path == job.ready_zip
    return last.path


@pytest.mark.parametrize("name", ["coco", "voc"])
def test_label_files_omit_what_is_excluded(name: str, tmp_path: Path) -> None:
    job = finished_set(name, tmp_path, to="coco")
    prefix = "my set/" if name == "coco" else ""
    job.excluded = {f"{prefix}train/one__v1.jpg"}
    out = unpacked(packed(job), tmp_path / "unpacked") / prefix
    boxes = trainers.pycocotools(out / "annotations/instances_train.json", out / "train")
    assert "one__v1" not in boxes
    assert {"one", "one__v2", "empty__v1"} <= set(boxes)


@pytest.mark.parametrize("to", ["same", "yolo"])
def test_label_files_include_what_is_added(to: str, tmp_path: Path) -> None:
    """Two more of one source, numbered on, with the labels and class numbers of the whole set."""
    job = finished_set("coco", tmp_path, to=to)
    more = Job(job.sources_for_rerun(), replace(job.plan.recipe, to=to), Settings(), [Darker()], first_index=3)
    more.resume(job.checkpoint_for_more(job.rows[0], 3, job.plan.recipe.variations))
    assert more.plan.total - more.report.resumed == 2, "what the visitor's limit counts"
    assert not any("already paid for" in notice for notice in more.report.as_dict()["notices"])
    for _ in run_part(more, tmp_path / "2.zip"):
        pass
    job.report["diversity"] = {"sentence": "of the first six"}
    job.add(result_of(more, tmp_path / "2.zip"), rows_in(tmp_path / "2.zip"), [])
    assert job.report["headline"] == "8 variations from 3 files"
    assert job.report["diversity"] is None, "it says nothing of eight"
    out = unpacked(packed(job), tmp_path / "unpacked")
    if to == "same":
        boxes = trainers.pycocotools(out / "my set/annotations/instances_train.json", out / "my set/train")
    else:
        boxes = trainers.ultralytics(out / "data.yaml", "train")
    assert len(boxes) == 3 + 6 + 2
    assert [name for name, _ in boxes["one__v4"]] == [name for name, _ in boxes["one"]] == ["red car", "bus"]

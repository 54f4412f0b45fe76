"""A set that is gone on with later: what filters left out is tried with new seeds, and changed labels are noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import CARD, MANIFEST, RECIPE_FILE
from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Task
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.merge import run_part
from augmentai.pipeline.replay import EarlierRun, compare
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import variation_seed
from tests.support import labelled_sets as sets
from tests.support.finished_jobs import result_of, rows_in, stored
from tests.support.image_files import jpeg
from tests.support.scripted_engine import Scripted, tinted

RECIPE = Recipe(seed=5, engine="gan", variations=2)
SUCCEEDS_AT = 5  # the attempt, from 0: the first round has four


def paint(task: Task) -> Image.Image:
    """The second variation of b.jpg is its source itself, which a filter rejects, until the sixth attempt."""
    poor = task.source.path.endswith("b.jpg") and task.index == 2 and task.attempt < SUCCEEDS_AT
    return task.photo.rgb if poor else tinted(task, 40)


class Run:
    """One go at a set, as the command line does it."""

    def __init__(self, given: Path, out: Path, stop_after: int | None = None, **job: Any) -> None:
        self.engine = Scripted(paint)
        found = gather([given], limits(Settings()), skip=out)
        self.job = Job(found, RECIPE, Settings(), [self.engine], **job)
        outcomes = run_to_disk(self.job, out, [given])
        for number, _ in enumerate(outcomes, 1):
            if number == stop_after:
                outcomes.close()
                break
        self.report = self.job.report.as_dict()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        (folder / f"{name}.jpg").write_bytes(jpeg((64, 48), seed=number))
    return folder


def lines(out: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (out / MANIFEST).read_text("utf-8").splitlines()]
    found = {f"{line['source']} {line['index']}": {**line, "seconds": None} for line in lines}
    assert len(found) == len(lines), "two lines of one variation"
    return found


def files(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in out.iterdir() if p.name not in {MANIFEST, ".augmentai.lock"}}


def test_a_second_run_uses_new_seeds(given: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = Run(given, out)
    assert (first.report["variations"], first.report["left_out"]) == (7, 1)
    second = Run(given, out)
    assert [attempt for _, _, attempt in second.engine.taken] == [4, 5], "the same seeds, or pictures that were there"
    assert (second.report["variations"], second.report["failed"]) == (8, 0)
    made = lines(out)["b.jpg 2"]
    sha256 = made["source_sha256"]
    assert made["seed"] == variation_seed(5, sha256, 2, SUCCEEDS_AT)
    assert [rejected["seed"] for rejected in made["rejected"]] == [
        variation_seed(5, sha256, 2, n) for n in range(SUCCEEDS_AT)
    ]
    assert "7 synthetic" not in (out / CARD).read_text("utf-8")
    third = Run(given, out)
    assert not third.engine.taken
    assert yaml.safe_load((out / RECIPE_FILE).read_text("utf-8"))["rounds"] == 2, "nothing was left to try"


def test_it_is_replayed_to_the_same_pixels(given: Path, tmp_path: Path) -> None:
    Run(given, tmp_path / "out")
    Run(given, tmp_path / "out")
    before = EarlierRun(tmp_path / "out")
    Run(given, tmp_path / "again", retry_round=before.record.retry_round)
    assert str(compare(before, EarlierRun(tmp_path / "again"))) == "8 of 8 files are identical"


@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_run_that_was_broken_off_ends_as_one_that_was_not(given: Path, tmp_path: Path, stop_after: int) -> None:
    """Broken off before and after the variation that fails: it stays in its round, whatever it finds of the last."""
    Run(given, tmp_path / "whole")
    Run(given, tmp_path / "out", stop_after=stop_after + 2)
    Run(given, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert lines(tmp_path / "out") == lines(tmp_path / "whole")
    for name in ("whole", "out"):
        Run(given, tmp_path / name, stop_after=1 if name == "out" else None)
    Run(given, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert lines(tmp_path / "out") == lines(tmp_path / "whole")


@pytest.mark.parametrize("layout", ["yolo", "coco", "voc", "masks", "imagefolder"])
def test_labels_that_were_changed_meanwhile_are_noticed(tmp_path: Path, layout: str) -> None:
    made = {
        "yolo": (sets.yolo(), "labels/train/one.txt", b"0 ", b"1 "),
        "coco": (sets.coco(), "annotations/instances_train.json", b'"bbox": [4', b'"bbox": [5'),
        "voc": (sets.voc(), "VOC/Annotations/one.xml", b"<difficult>0", b"<difficult>1"),
        "masks": (sets.masks(), None, b"", b""),
        "imagefolder": (sets.imagefolder(), "train/metadata.jsonl", b"[4", b"[5"),
    }
    content, changed, before, after = made[layout]
    given, out = sets.write(tmp_path / "in", content), tmp_path / "out"
    sets.augmented([given], out)
    held = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    if changed is None:
        path = next(p for p in sorted(given.rglob("*.png")) if "mask" in str(p))
        with Image.open(path) as mask:
            other = mask.copy()
        other.putpixel((0, 0), 1)
        other.save(path)
    else:
        text = (given / changed).read_bytes()
        assert before in text
        (given / changed).write_bytes(text.replace(before, after, 1))
    with pytest.raises(OutputError, match="label files changed, so old and new labels would be mixed"):
        sets.augmented([given], out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == held


def test_on_the_page_too(given: Path, tmp_path: Path) -> None:
    """Its "Retry" makes what filters left out with new seeds, each time, and joins it to the rest."""
    first = Run(given, tmp_path / "1" / "out.zip")
    zip_path = tmp_path / "1" / "out.zip"
    page = stored(first.job, zip_path, tmp_path, rows_in(zip_path))
    engine = Scripted(paint)
    again = Job(page.sources_for_rerun(), page.plan.recipe, Settings(), [engine])
    again.resume(page.checkpoint())
    for _ in run_part(again, tmp_path / "2.zip"):
        pass
    assert [attempt for _, _, attempt in engine.taken] == [4, 5]
    page.add(result_of(again, tmp_path / "2.zip"), [], ["b.jpg"])
    packed = list(page.pack())[-1].path
    assert packed is not None
    before = EarlierRun(packed)
    assert before.record.retry_round == 2
    Run(given, tmp_path / "replayed", retry_round=before.record.retry_round)
    assert str(compare(before, EarlierRun(tmp_path / "replayed"))) == "8 of 8 files are identical"

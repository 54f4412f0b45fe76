"""A job as the page and the API see it, without a server: every kind of picture, and what is left behind."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from augmentai.dataset.write import OutputError
from augmentai.engines.base import JobView, Made, Readiness, Refused, Task
from augmentai.recipe import OUTPUT_FORMATS, Recipe
from augmentai.settings import Settings
from augmentai.web import runs
from augmentai.web.costs import count_pictures
from tests.images.gallery import KINDS


class Copying:
    """An engine that hands the picture back: these tests are about what is done with it."""

    name = "gan"

    def readiness(self) -> Readiness:
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            yield Made(task, self.name, task.photo.rgb, "copy", 0.0)


def snapshots(files: list[Path], folder: Path, recipe: Recipe, keep_full: bool = True) -> list[runs.Snapshot]:
    return list(runs.run([str(f) for f in files], recipe, Settings(), [Copying()], folder, Event(), keep_full))


@pytest.mark.parametrize("output_format", OUTPUT_FORMATS)
@pytest.mark.parametrize("keep_full", [True, False])
def test_every_kind_of_picture_in_every_format(tmp_path: Path, output_format: str, keep_full: bool) -> None:
    files = []
    for kind in KINDS:
        files.append(tmp_path / "in" / kind.name)
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_bytes(kind.make())
    last = snapshots(files, tmp_path / "out", Recipe(seed=1, output_format=output_format), keep_full)[-1]
    assert last.report is not None
    assert last.report["variations"] == len(files), last.failures
    shown = last.pictures if keep_full else last.previews
    assert len(shown) == len(files)
    for path, _ in shown:
        with Image.open(path) as opened:
            opened.load()
            assert keep_full or max(opened.size) <= runs.PREVIEW_SIDE_PX


def test_a_job_that_nobody_waits_for_leaves_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (32, 32), "teal").save(photo)
    job = runs.run([str(photo)], Recipe(variations=8), Settings(), [Copying()], tmp_path / "out", Event())
    for _ in range(4):
        next(job)
    assert any((tmp_path / "out").rglob("*.png"))
    job.close()  # type: ignore[attr-defined]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_stopped_while_it_waits_makes_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (32, 32), "teal").save(photo)
    stop = Event()
    stop.set()
    last = list(runs.run([str(photo)], Recipe(), Settings(), [Copying()], tmp_path / "out", stop))[-1]
    assert last.report is not None
    assert last.report["stopped"]
    assert last.report["variations"] == 0


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="cannot write to its folder"):
        snapshots([tmp_path / "a.png"], tmp_path / "out", Recipe())


def test_counting_looks_at_names_only(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("a/1.png", "b/2.jpg", "readme.txt", "__MACOSX/a/1.png"):
            archive.writestr(name, b"no picture")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing else")
    (tmp_path / "c.png").write_bytes(b"")
    assert count_pictures([str(tmp_path / name) for name in ("set.zip", "broken.zip", "c.png")]) == 3

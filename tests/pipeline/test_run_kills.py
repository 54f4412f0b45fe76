"""A run that is killed just before it changes a file, and then resumed, ends as if it had not been."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augmentai.settings import ROOT
from tests.support.image_files import jpeg, png
from tests.support.killable import DIED, Killable
from tests.support.plugin_package import write_engines
from tests.support.runs import contents_of

RUN = ("-e", "inverter", "-n", "2", "--seed", "7", "-o")


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    package = write_engines(tmp_path_factory.mktemp("package"))
    one = Killable(PYTHONPATH=f"{ROOT}:{package}")
    yield one
    one.close()


def classes(folder: Path) -> Path:
    """Class folders, and a file that is not an image."""
    for label, data in (("cats", jpeg((32, 24), seed=1)), ("dogs", png((24, 32), seed=2))):
        (folder / label).mkdir(parents=True)
        (folder / label / f"a.{'jpg' if label == 'cats' else 'png'}").write_bytes(data)
    (folder / "cats" / "bad.jpg").write_bytes(b"bad")
    return folder


def yolo(folder: Path) -> Path:
    """A labelled set with a validation image, written as YOLO."""
    for split in ("train", "val"):
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        (folder / "images" / split / "a.jpg").write_bytes(jpeg((32, 24), seed=len(split)))
        (folder / "labels" / split / "a.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [cat]\n")
    return folder


KINDS = {"a folder": 3, "to COCO": 7, "replay": 7, "a ZIP": 2}  # and at every how many changes it is killed


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_a_change_to_a_file(kind: str, killable: Killable, tmp_path: Path) -> None:
    photos = yolo(tmp_path / "photos") if kind == "to COCO" else classes(tmp_path / "photos")
    if kind == "replay":
        killable.run(photos, *RUN, tmp_path / "before")

    def output(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name / ("out.zip" if kind == "a ZIP" else "out")

    def words(out: Path) -> tuple[Any, ...]:
        if kind == "replay":
            return ("replay", tmp_path / "before", photos, "-o", out)
        return (photos, *(("--to", "coco") if kind == "to COCO" else ()), *RUN, out)

    whole = output("whole")
    changes = killable.changes(*words(whole), below=whole.parent)
    status = killable.run(*words(output("again")))
    assert changes > 2
    for at in range(1, changes + 1, KINDS[kind]):
        out = output(f"killed at {at}")
        assert killable.run(*words(out), below=out.parent, at=at) == DIED, at
        if not (kind == "a ZIP" and out.exists()):  # a ZIP that is there is complete
            assert killable.run(*words(out)) == status, at
        assert result(out) == result(whole), at
        assert not list(out.rglob("*.part")), at


def result(out: Path) -> Any:
    if out.is_dir():
        return contents_of(out)
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "manifest.jsonl"}

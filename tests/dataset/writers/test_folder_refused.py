"""A run into a folder that contains something else, or has no room."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE
from augmentai.dataset.writers.folder import LOCK, resolve_recipe
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from tests.support.command_line import augmentai
from tests.support.image_files import png
from tests.support.runs import (
    RECIPE,
    contents_of,
    job_over,
    lines_in,
    photos_in_classes,
    run_interrupted,
    run_to_end,
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_classes(6, tmp_path / "photos")


class TestWhatIsRefused:
    @pytest.fixture
    def out(self, photos: Path, tmp_path: Path) -> Path:
        run_interrupted(photos, tmp_path / "out", after=3)
        return tmp_path / "out"

    def refused(self, photos: Path, out: Path, recipe: Recipe, message: str) -> None:
        before = contents_of(out)
        with pytest.raises(OutputError, match=message):
            run_to_end(photos, out, recipe)
        assert contents_of(out) == before

    @pytest.mark.parametrize(
        ("recipe", "message"),
        [
            (
                replace(RECIPE, strength=0.1),
                r"contains a run with different settings \(strength was 0.7, now 0.1\)\. "
                "Use the same settings to resume, or choose a new or empty folder",
            ),
            (replace(RECIPE, seed=6, variations=3), "variations was 2, now 3; seed was 5, now 6"),
            (replace(RECIPE, prompt="at night"), "prompt was '', now 'at night'"),  # which the engine follows
        ],
    )
    def test_another_recipe(self, photos: Path, out: Path, recipe: Recipe, message: str) -> None:
        self.refused(photos, out, recipe, message)
        with pytest.raises(OutputError, match=message):
            resolve_recipe(out, recipe)

    def test_other_sources(self, photos: Path, out: Path) -> None:
        (photos / "class 0" / "new.png").write_bytes(png(seed=99))
        self.refused(photos, out, RECIPE, "there were 6 sources, now 7")
        (photos / "class 0" / "new.png").unlink()
        (photos / "class 0" / "00.png").write_bytes(png(seed=99))
        self.refused(photos, out, RECIPE, "there were 6 sources, now 6, some of them changed")

    def test_sources_in_other_folders(self, photos: Path, out: Path) -> None:
        (photos / "class 0").rename(photos / "class 2")
        self.refused(
            photos, out, RECIPE, "images were moved or renamed, or other images are held out for validation and test"
        )

    def test_other_weights(self, photos: Path, out: Path) -> None:
        recipe = (out / RECIPE_FILE).read_text()
        (out / RECIPE_FILE).write_text(recipe.replace("weights sha256 ", "weights sha256 0"))
        self.refused(photos, out, RECIPE, "the model of gan was weights sha256 0.*, now weights sha256")

    def test_label_files_that_appeared_next_to_the_images(self, photos: Path, out: Path) -> None:
        """Until then half of the variations were mirrored; the set would be half of one kind and half of another."""
        (photos / "landmarks.csv").write_text("00.png,12,20\n")
        self.refused(photos, out, RECIPE, "geometry auto resolved to flip of those with a class, now to none")

    def test_a_recipe_that_cannot_be_read(self, photos: Path, out: Path) -> None:
        (out / RECIPE_FILE).write_text("recipe: [")
        self.refused(photos, out, RECIPE, "already holds files and nothing is overwritten.*is not valid YAML")

    def test_two_runs_at_once(self, photos: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        first = run_to_disk(job_over(photos), out, [photos])
        next(first)
        with pytest.raises(OutputError, match=r"another run is writing into .* and nothing is overwritten"):
            run_to_end(photos, out)
        message = augmentai(photos, "-o", out, "-n", "2", "--seed", "5", "-e", "gan", "-s", "0.7")
        assert message.returncode == 2
        assert "another run is writing into" in message.stderr
        rest = list(first)
        assert len(rest) == 11
        assert lines_in(out) == 12
        assert not (out / LOCK).exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 320 kB, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320k", "none", folder], capture_output=True)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_a_run_that_resumes_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    photos, out = photos_in_classes(50, tmp_path / "photos"), small_disk / "out"
    with pytest.raises(OutputError, match=r"cannot be written.*No space left on device"):
        run_to_end(photos, out)
    lines = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    assert lines
    assert {line["file"] for line in lines} == {p.relative_to(out).as_posix() for p in out.rglob("*__v*")}
    assert not list(out.glob(".augmentai*"))
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    assert run_to_end(photos, out)["held"] == len(lines)
    whole = tmp_path / "as deep" / "whole"
    run_to_end(photos, whole)
    assert contents_of(out) == contents_of(whole)


def test_a_zip_on_a_full_disk_is_complete(small_disk: Path, tmp_path: Path) -> None:
    photos, out = photos_in_classes(50, tmp_path / "photos"), small_disk / "out.zip"
    with pytest.raises(OutputError, match=r"No space left on device.*what was finished before is kept"):
        run_to_end(photos, out)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read(MANIFEST).splitlines()]
        assert {line["file"] for line in lines} == {name for name in archive.namelist() if "__v" in name}
    assert lines
    assert [path.name for path in small_disk.iterdir()] == ["out.zip"]

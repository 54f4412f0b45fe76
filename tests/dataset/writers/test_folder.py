"""A run written into a folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.base import OutputError
from augmentai.dataset.writers.folder import FolderWriter, resolve_recipe
from augmentai.recipe import Recipe
from tests.support.written_outputs import FULL_DISK, contents, outcome, run_script


def test_a_folder_that_contains_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="already holds files and nothing is overwritten; choose a new or empty"):
        FolderWriter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("setting", "missing"), [("engine: other_engine", "other_engine"), ("layout: other_format", "other_format")]
)
def test_a_run_whose_plugin_is_not_installed(tmp_path: Path, setting: str, missing: str) -> None:
    (tmp_path / RECIPE_FILE).write_text(f"recipe: {{{setting}, seed: 5}}\nsources: {{count: 1}}\n")
    (tmp_path / MANIFEST).write_bytes(b"")
    for resume in (
        lambda: FolderWriter(tmp_path, RunRecord(Recipe(seed=5))),
        lambda: resolve_recipe(tmp_path, Recipe(seed=5)),
    ):
        with pytest.raises(OutputError, match=missing) as caught:
            resume()
        assert str(caught.value).startswith(f"the run in {tmp_path} cannot be resumed: {tmp_path / RECIPE_FILE}: ")
        assert "already holds files" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {RECIPE_FILE, MANIFEST}


def test_long_names_are_written(tmp_path: Path) -> None:
    names = ["😀" * 55 + "__v1.jpg", "é" * 110 + "__v1.jpg", "x" * 240 + "__v1.jpg"]
    with FolderWriter(tmp_path) as writer:
        for name in names:
            writer.add(outcome(name))
    assert set(contents(tmp_path)[0]) == set(names)


def test_a_folder_that_is_deleted_under_a_run(tmp_path: Path) -> None:
    with FolderWriter(tmp_path / "out") as writer:
        writer.add(outcome("a__v1.jpg"))
        shutil.rmtree(tmp_path / "out")
        with pytest.raises(OutputError, match=r"out cannot be written .*; it was deleted or moved during the run"):
            writer.add(outcome("b__v1.jpg"))


def test_a_folder_on_a_full_disk(tmp_path: Path) -> None:
    """The manifest fills up first here: its half-written line and the image of that line are removed."""
    path = tmp_path / "out"
    said = run_script(FULL_DISK.replace("10_000", "100"), path, "3000")
    assert f"{path} cannot be written any more (File too large); what was finished before is kept" in said
    files, lines = contents(path)
    assert sorted(files) == [one["file"] for one in lines]
    assert 3 < len(files) < 20
    said = run_script(FULL_DISK, tmp_path / "two", "5000")  # the very first image does not fit
    assert "cannot be written any more" in said
    assert contents(tmp_path / "two") == ({}, [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_device_that_is_always_full(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path)
    (tmp_path / ".augmentai.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device"), writer:
        writer.add(outcome())
    assert contents(tmp_path) == ({}, [])

"""Pipes, devices and links to them, named as what a dataset is made of: reported, and never waited for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.recipe_file import load_recipe
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.recipe import Recipe, RecipeError
from tests.support.gathered import LIMITS, paths, reasons
from tests.support.image_files import jpeg
from tests.support.labelled_sets import write

Result = TypeVar("Result")


def in_time(work: Callable[[], Result]) -> Result:
    found: list[Result | Exception] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(20)
    assert found, "still waiting for a pipe"
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


LABEL_FILES = ["data.yaml", "metadata.csv", "metadata.jsonl", "cats/a.txt", "cats/a.xml", "classes.txt", "coco.json"]


@pytest.mark.parametrize("name", LABEL_FILES)
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "link to a device", "link to nothing"])
def test_label_files(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path / "set", {"cats/a.jpg": jpeg()})
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "set" / name
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"link to a pipe": tmp_path / "pipe", "link to a device": "/dev/zero"}.get(kind, "/nowhere"))
    gathered = in_time(lambda: gather([tmp_path / "set"], LIMITS))
    assert paths(gathered) == ["cats/a.jpg"]
    words = "a link to a file that does not exist" if kind == "link to nothing" else "a device or a pipe, not a file"
    assert words in reasons(gathered)[name]


@pytest.mark.parametrize("name", ["manifest.jsonl", "recipe.yaml", "notes.pdf", "socket"])
def test_other_files(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"cats/a.jpg": jpeg()})
    os.mkfifo(tmp_path / name)
    gathered = in_time(lambda: gather([tmp_path], LIMITS))
    assert paths(gathered) == ["cats/a.jpg"]
    assert name in str((gathered.failures, gathered.notices))


def test_an_output_folder_and_a_recipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.yaml")
    os.mkfifo(tmp_path / "manifest.jsonl")
    with pytest.raises(OutputError, match="a device or a pipe, not a file"):
        in_time(lambda: resolve_recipe(tmp_path, Recipe()))
    with pytest.raises(RecipeError, match="a device or a pipe, not a file"):
        in_time(lambda: load_recipe(tmp_path / "recipe.yaml"))

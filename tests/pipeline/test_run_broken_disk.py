"""A disk that breaks under a run: counts, status and words agree with what is there, and name where it is."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import jpeg
from tests.support.small_disk import failing_disk, fill, make_read_only, make_unchangeable, small_disk, take_all_inodes

BEFORE = 3  # outcomes before the disk breaks
KEPT = "what was finished before is kept"
GONE = "it was deleted or moved during the run, and what was finished with it"
FULL = "No space left on device"


def delete(disk: Path) -> None:
    for path in list(disk.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(BEFORE + 3):
        (folder / f"{number}.jpg").write_bytes(jpeg(seed=number))
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", megabytes=2, files=40) as folder:
        yield folder


def images_in(result: Path) -> int:
    """How many variations are there; a ZIP must be whole."""
    if result.is_dir():
        return len(list(result.rglob("*__v*")))
    with zipfile.ZipFile(result) as archive:
        assert archive.testzip() is None
        return sum("__v" in name for name in archive.namelist())


@pytest.mark.parametrize(
    ("name", "breaks", "result", "words"),
    [
        ("out", fill, "out", [FULL, KEPT]),
        ("out", take_all_inodes, "out", [FULL, KEPT]),
        ("out", make_unchangeable, "out", ["not permitted", KEPT]),
        ("out", delete, None, [GONE]),
        ("out.zip", fill, "out.zip", [FULL, f"{KEPT}, without the last 1 image, whose room the list of files needed"]),
        ("out.zip", take_all_inodes, "out.zip", []),  # a ZIP needs no more files than it has from the beginning
        ("out.zip", make_unchangeable, ".augmentai-*.part", ["not permitted", "the result is in"]),
        ("out.zip", delete, None, [GONE]),
    ],
)
def test_what_is_said_is_what_is_there(
    name: str, breaks: Callable[[Path], object], result: str | None, words: list[str], photos: Path, disk: Path
) -> None:
    check(name, breaks, result, words, photos, disk)


@pytest.mark.parametrize(
    ("name", "result", "words"),
    [
        ("out", "out", ["Read-only file system", KEPT]),
        ("out.zip", None, ["Read-only file system", "without its list of files, which `zip -FF` makes anew"]),
    ],
)
def test_of_a_disk_that_becomes_read_only(
    name: str, result: str, words: list[str], photos: Path, tmp_path: Path
) -> None:
    with failing_disk(tmp_path / "disk") as disk:
        check(name, make_read_only, result, words, photos, disk)


def check(
    name: str, breaks: Callable[[Path], object], result: str | None, words: list[str], photos: Path, disk: Path
) -> None:
    settings = Settings()
    recipe = Recipe(engine="none", variations=1, seed=1, geometry="strong")
    job, said = Job(gather([photos], limits(settings)), recipe, settings, available(settings)), ""
    try:
        for number, _ in enumerate(run_to_disk(job, disk / name, [photos]), 1):
            if number == BEFORE:
                breaks(disk)
    except OutputError as error:
        said = str(error)
    assert bool(said) == bool(words)
    assert all(one in said for one in words), said
    kept = list(disk.glob(result)) if result else []
    assert len(kept) == bool(result)
    assert job.report.variations == sum(map(images_in, kept))
    assert not kept or job.report.variations >= BEFORE - (breaks is fill and name == "out.zip")
    ours = [path.name for path in disk.iterdir() if not path.name.startswith(("empty", "ballast", "lost+found"))]
    ours = [one for one in ours if not one.endswith(".lock")]  # of an unchangeable folder
    assert all(one == name or f"the result is in {disk / one}" in said for one in ours)

"""What is skipped of an upload: the drop, the job, a dry run and an inspection count and name the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.engines.none import NoEngine
from augmentai.inspection import inspect_set
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads, link_uploads
from tests.support.image_files import jpeg, zipped
from tests.support.labelled_sets import Files, as_zip, voc, write, yolo

CATS: Files = {"cats/a.jpg": jpeg(), "dogs/b.jpg": jpeg(seed=1)}
RUN_LINE = json.dumps({"source": "a.jpg", "source_sha256": "0", "index": 1, "status": "made"}).encode()

CASES: dict[str, tuple[Files, tuple[str, ...]]] = {
    # a text that could have been labels until it was read, beside files that never could
    "notes": (
        {"SOURCE.txt": b"Taken in May.\n", "cats/a.py": b"x", "cats/b.bin": b"\0"},
        ("Skipped 3 non-image files (SOURCE.txt, cats/a.py, cats/b.bin)",),
    ),
    # about the set, by their names
    "readme and licence": (
        {"README.md": b"# Cats\n", "LICENSE": b"CC0\n", "cats/CITATION.txt": b"us\n"},
        ("Skipped 3 non-image files (LICENSE, README.md, cats/CITATION.txt)",),
    ),
    "one": ({"cats/notes.txt": b"nothing\n"}, ("Skipped 1 non-image file (cats/notes.txt)",)),
    # more than are named
    "many": (
        {f"n{number}.txt": b"text\n" for number in range(7)},
        ("Skipped 7 non-image files (n0.txt, n1.txt, n2.txt, n3.txt, n4.txt and 2 more)",),
    ),
    # files that may hold images, by their endings
    "film": ({"cats/a.mp4": b"x"}, ("Skipped 1 video file (cats/a.mp4): extract its frames as images first",)),
    "other archives": ({"cats/a.rar": b"x"}, ("Only ZIP and TAR archives are read; unpack these: a.rar",)),
    "what tools leave": (
        {".thumbnails/a.jpg": b"x", "cats/a.jpg.bak": b"x", "cats/.DS_Store": b"x"},
        ("Skipped hidden files, and files and folders that tools leave behind: .thumbnails, a.jpg.bak",),
    ),
    # nothing at all
    "nothing": ({}, ()),
}
FOLDERS_ONLY: dict[str, tuple[Files, tuple[str, ...]]] = {
    # in an archive, one that is in it is read
    "archive beside images": (
        {"cats/more.zip": zipped({"c.jpg": jpeg(seed=2)})},
        ("Archives beside images, or in other archives, are not opened; name them separately: more.zip",),
    ),
    "output of a run": (
        {"out/manifest.jsonl": RUN_LINE, "out/a__v1.png": jpeg(), "out/recipe.yaml": b"x"},
        ("Folders of earlier runs are not searched; name them separately: out",),
    ),
}


def told(place: Path, uploads: list[tuple[str, str]]) -> tuple[int, list[str]]:
    """(images, notices) of the drop, after those of a job, a dry run and an inspection were found to be the same."""
    settings, recipe = Settings(), Recipe(engine="none", geometry="flip")
    shown = inspect_uploads(uploads, settings)
    assert shown.refused == []
    gathered = gather(link_uploads(uploads, place / "job" / "files"), limits(settings))
    assert (shown.images, shown.notices) == (len(gathered.sources), list(gathered.notices))
    engine = NoEngine(settings)
    assert shown.notices == Job(gathered, recipe, settings, [engine]).report.as_dict()["notices"]
    assert shown.notices == list(inspect_set(gathered, recipe, settings, [engine]).notices)
    return shown.images, shown.notices


def loose(place: Path, files: Files) -> list[tuple[str, str]]:
    folder = write(place / "set", files)
    return [(f"set/{name}", str(folder / name)) for name in files]


@pytest.mark.parametrize("case", [*CASES, *FOLDERS_ONLY])
def test_of_a_folder(case: str, tmp_path: Path) -> None:
    files, notices = (CASES | FOLDERS_ONLY)[case]
    assert told(tmp_path, loose(tmp_path, CATS | files)) == (2, list(notices))


@pytest.mark.parametrize("case", CASES)
def test_of_an_archive(case: str, tmp_path: Path) -> None:
    files, notices = CASES[case]
    (tmp_path / "set.zip").write_bytes(zipped(CATS | files))
    assert told(tmp_path, [("set.zip", str(tmp_path / "set.zip"))]) == (2, list(notices))


def test_a_list_without_an_ending_is_read_at_the_drop_as_by_the_job(tmp_path: Path) -> None:
    """It is called as a split, and says which images are held out."""
    names = {"train": b"cats/a.jpg\n", "val": b"dogs/b.jpg\n"}
    images, notices = told(tmp_path, loose(tmp_path, CATS | {"cats/c.jpg": jpeg(seed=3)} | names))
    assert (images, notices) == (1, ["1 image is in no split and not augmented: cats"])


def test_the_output_of_a_run_alone_is_augmented(tmp_path: Path) -> None:
    files: Files = {"manifest.jsonl": RUN_LINE, "a__v1.png": jpeg(), "recipe.yaml": b"x"}
    assert told(tmp_path, loose(tmp_path, files)) == (1, [])


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        (("train",), "train.txt lists 1 image (lost)"),
        # the same image in two lists, and others: the subject is plural
        (("train", "trainval", "test", "val"), "test.txt and 3 more list 1 image (lost)"),
    ],
)
def test_lists_of_missing_images_agree_with_their_verb(lists: tuple[str, ...], words: str, tmp_path: Path) -> None:
    files = {name: data for name, data in voc().items() if "ImageSets" not in name}
    stem = next(Path(name).stem for name in files if name.endswith(".xml"))
    files |= {f"ImageSets/Main/{name}.txt": f"{stem}\nlost\n".encode() for name in lists}
    shown = inspect_uploads([("set.zip", str(as_zip(tmp_path / "set.zip", files)))], Settings()).notices
    assert [notice for notice in shown if f"{words} that the set does not have; left out" in notice], shown


@pytest.mark.parametrize(
    ("name", "is_named"),
    [
        # an image is augmented without labels
        ("whole.jpg", True),
        # of one that breaks off, nothing is
        ("broken.jpg", False),
    ],
)
def test_only_an_image_is_said_to_be_without_labels(name: str, is_named: bool, tmp_path: Path) -> None:
    data = jpeg(seed=9) if is_named else jpeg()[:20]
    path = as_zip(tmp_path / "set.zip", yolo() | {f"images/train/{name}": data})
    settings, recipe = Settings(), Recipe(engine="none", geometry="flip")
    gathered, engine = gather([path], limits(settings)), NoEngine(settings)
    for notices in (
        inspect_uploads([("set.zip", str(path))], settings).notices,
        Job(gathered, recipe, settings, [engine]).report.as_dict()["notices"],
        inspect_set(gathered, recipe, settings, [engine]).notices,
    ):
        assert any(name in notice and "without labels" in notice for notice in notices) == is_named

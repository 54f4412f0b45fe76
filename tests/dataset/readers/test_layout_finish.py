"""Classes as their folders were named, and images beside a set with splits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.settings import Settings
from augmentai.types import Source
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support.archives import tarred
from tests.support.gathered import LIMITS, paths
from tests.support.image_files import jpeg, zipped
from tests.support.labelled_sets import Files, coco, write, yolo

LABELS = [  # (class folders, the class of each)
    (["ratio 1:2", "ratio 1?2"], ["ratio 1:2", "ratio 1?2"]),
    (["etc", "etc."], ["etc", "etc."]),
    (['a "b"', "a 'b'"], ['a "b"', "a 'b'"]),
    (["con", "nul"], ["con", "nul"]),  # which Windows keeps for itself
    (["cats ", "dogs"], ["cats", "dogs"]),  # nobody means the space
    (["a\nb", "c"], ["a_b", "c"]),
]


@pytest.mark.parametrize(("folders", "labels"), LABELS)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_labels_are_what_the_folders_are_called(
    tmp_path: Path, folders: list[str], labels: list[str], kind: str
) -> None:
    files = {f"{folder}/{number}.jpg": jpeg(seed=number) for number, folder in enumerate(folders)}
    write(tmp_path / "set", files)
    (tmp_path / "set.zip").write_bytes(zipped(files))
    gathered = gather([tmp_path / ("set" if kind == "folder" else "set.zip")], LIMITS)
    assert sorted(source.label or "" for source in gathered.sources) == sorted(labels)
    assert len({os.path.dirname(path) for path in paths(gathered)}) == len(folders)


# every way to say that all images are held out
HELD_OUT: dict[str, Files] = {
    "a folder": {f"test/{i}.jpg": jpeg(seed=i) for i in range(2)},
    "class folders": {"val/cats/0.jpg": jpeg(), "val/dogs/1.jpg": jpeg(seed=1)},
    "a list": {"0.jpg": jpeg(), "1.jpg": jpeg(seed=1), "test.txt": b"0.jpg\n1.jpg\n"},
    "a column": {"0.jpg": jpeg(), "1.jpg": jpeg(seed=1), "split.csv": b"image,split\n0.jpg,test\n1.jpg,val\n"},
    "rows of metadata": {"0.jpg": jpeg(), "metadata.jsonl": b'{"file_name": "0.jpg", "split": "validation"}\n'},
    "JSON": {"0.jpg": jpeg(), "1.jpg": jpeg(seed=1), "splits.json": b'{"test": ["0.jpg"], "val": ["1.jpg"]}'},
    "COCO": {name: data for name, data in coco().items() if "train" not in name},
    "YOLO": {name: data for name, data in yolo().items() if "/train/" not in name},
}


@pytest.mark.parametrize("files", HELD_OUT.values(), ids=HELD_OUT)
def test_nothing_of_a_set_without_training_images_is_augmented(tmp_path: Path, files: Files) -> None:
    gathered = gather([write(tmp_path / "set", files)], LIMITS)
    assert not gathered.sources
    assert gathered.holdout
    assert gathered.notices[0].startswith("all images are for ")
    assert "add images for training" in gathered.notices[0]
    page = inspect_uploads([(f"set/{name}", str(tmp_path / "set" / name)) for name in files], Settings())
    assert page.images == 0
    assert page.notices[0] == gathered.notices[0]


SPLIT: Files = {"train/cats/a.jpg": jpeg(), "val/cats/b.jpg": jpeg(seed=1), "extra/c.jpg": jpeg(seed=2)}
LOOSE: Files = {"d.jpg": jpeg(seed=3), "e.jpg": jpeg(seed=4)}


@pytest.mark.parametrize("archive", [zipped(SPLIT), tarred(SPLIT, "gz"), zipped(yolo())])
@pytest.mark.parametrize("given", ["files", "folder", "zip", "sources"])
def test_loose_images_beside_a_set_with_splits_are_for_training(tmp_path: Path, archive: bytes, given: str) -> None:
    set_file = tmp_path / "set.zip"
    set_file.write_bytes(archive)
    write(tmp_path / "more", LOOSE)
    (tmp_path / "loose.zip").write_bytes(zipped(LOOSE))
    beside: list[Path | Source] = {
        "files": [tmp_path / "more" / name for name in LOOSE],
        "folder": [tmp_path / "more"],
        "zip": [tmp_path / "loose.zip"],
        "sources": [Source.from_bytes(name, data) for name, data in LOOSE.items()],
    }[given]  # type: ignore[assignment]
    alone, together = gather([set_file], LIMITS), gather([set_file, *beside], LIMITS)
    assert {source.path for source in together.sources} == {*paths(alone), *LOOSE}
    assert [source.path for source in together.holdout] == [source.path for source in alone.holdout]


def test_an_image_named_beside_a_folder_with_splits(tmp_path: Path) -> None:
    write(tmp_path, {f"set/{name}": data for name, data in SPLIT.items()} | LOOSE | {"set/preview.jpg": jpeg(seed=5)})
    gathered = gather([tmp_path / "set", tmp_path / "d.jpg"], LIMITS)
    assert paths(gathered) == ["d.jpg", "train/cats/a.jpg"]
    assert "preview.jpg" in {source.path for source in gathered.holdout}


def test_the_page_counts_loose_images_as_training(tmp_path: Path) -> None:
    write(tmp_path, {"set.zip": zipped(SPLIT), **LOOSE})
    uploads = [(name, str(tmp_path / name)) for name in ("set.zip", *LOOSE)]
    summary = inspect_uploads(uploads, Settings())
    assert (summary.images, summary.holdout) == (3, 2)


def test_images_that_are_for_training_after_all_are_not_said_to_be_apart(tmp_path: Path) -> None:
    write(tmp_path, {"set.zip": zipped(yolo()), **LOOSE})
    gathered = gather([tmp_path / "set.zip", *(tmp_path / name for name in LOOSE)], LIMITS)
    assert not [notice for notice in gathered.notices if "in no split" in notice]

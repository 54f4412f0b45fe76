"""A run that was shared out among workers ends as the same files as one on a single machine."""

from __future__ import annotations

import os
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from augmentai import run
from augmentai.cluster import ClusterError, merge, plan, run_shards
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.dataset.atomic_files import OutputError
from augmentai.recipe.thresholds import Thresholds
from augmentai.storage import open_store
from tests.support import labelled_sets, pixel_sets
from tests.support.class_sets import class_folders
from tests.support.scripted_engine import Scripted, tinted
from tests.support.shared_runs import QUICK, assert_same, captioned, photos, shared, single, written
from tests.support.unlike_images import unlike

CLASSES = {"cats": 5, "dogs": 3, "owls": 1}
CLASSES_ALONE = Thresholds(semantic=0, drift=0, duplicate=0, near_copy=0)
FOLDERS = ("cats", "owls", "cats", "owls", "cats")
LABELLED = {
    "yolo": labelled_sets.yolo,
    "coco": labelled_sets.coco,
    "roboflow": partial(labelled_sets.coco, roboflow=True),
    "voc": labelled_sets.voc,
    "masks": labelled_sets.masks,
    "masks beside": partial(labelled_sets.masks, "beside"),
    "imagefolder": labelled_sets.imagefolder,
    "captions": lambda: captioned({f"{name}/{n}.jpg": unlike(n) for n, name in enumerate(FOLDERS)}),
    "yolo, captions": lambda: captioned(labelled_sets.yolo(), "captions"),
    "coco, masks": lambda: {**labelled_sets.masks("suffix"), **labelled_sets.coco()},
    "yolo, masks": lambda: {**labelled_sets.masks(), **labelled_sets.yolo()},
    "voc, masks": lambda: voc_with_masks(),
    "panoptic": lambda: panoptic_set(),
}


def voc_with_masks() -> dict[str, bytes]:
    """Pascal VOC's own folder of masks, and another."""
    files = labelled_sets.voc()
    for _, stem, objects in labelled_sets.IMAGES:
        files[f"SegmentationClass/{stem}.png"] = files[f"more masks/{stem}.png"] = labelled_sets.mask_of(objects)
    return files


def panoptic_set() -> dict[str, bytes]:
    return pixel_sets.panoptic(labelled_sets.IMAGES, labelled_sets.SIZE_WH, labelled_sets.photo)


def outline(category: str, x0: int, y0: int, x1: int, y1: int) -> bytes:
    """A rectangle of six points: of four it would be a rotated box."""
    points = [(x0, y0), ((x0 + x1) / 2, y0), (x1, y0), (x1, y1), ((x0 + x1) / 2, y1), (x0, y1)]
    width, height = labelled_sets.SIZE_WH
    numbers = " ".join(f"{x / width:.6f} {y / height:.6f}" for x, y in points)
    return f"{labelled_sets.CATEGORIES.index(category)} {numbers}\n".encode()


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"balance": True, "filters": True, "operations": ["flip", "noise"]},
        {"per_class": 6, "most_per_source": 2},
        {"operations": ["mosaic", "flip"]},
        {"operations": ["background", "crop"]},
        {"make_split": "0.6/0.2/0.2"},
        {"to": "imagefolder", "operations": ["flip"]},
        {"geometry": "strong", "output_format": "jpeg"},
    ],
    ids=["plain", "balance", "per_class", "mosaic", "background", "made_split", "converted", "geometry"],
)
def test_class_folders(tmp_path: Path, recipe: dict[str, Any]) -> None:
    folder = photos(tmp_path / "set", CLASSES)
    assert_same(shared(folder, tmp_path, **{**QUICK, **recipe}), single(folder, tmp_path, **{**QUICK, **recipe}))


@pytest.mark.parametrize("name", sorted(LABELLED))
def test_labelled_sets(tmp_path: Path, name: str) -> None:
    folder = labelled_sets.write(tmp_path / "set", LABELLED[name]())
    recipe = {**QUICK, "operations": ["flip", "rotate"], "filters": False}
    assert_same(shared(folder, tmp_path, shard_size=1, **recipe), single(folder, tmp_path, **recipe))


LENDING = [
    ("train", "0", [("red car", 4, 6, 30, 20), ("bus", 34, 10, 60, 40)]),
    ("train", "1", [("bus", 0, 0, 20, 30)]),
    ("train", "2", []),
    ("train", "3", [("red car", 8, 20, 30, 40), ("車", 34, 8, 60, 30), ("red car", 34, 34, 60, 46)]),
    ("train", "4", [("bus", 10, 4, 50, 20)]),
    ("train", "5", [("red car", 20, 20, 44, 46)]),
    ("val", "6", [("bus", 8, 8, 40, 32)]),
    ("test", "7", [("車", 20, 12, 44, 36)]),
]


@pytest.mark.parametrize("balance", [False, True])
@pytest.mark.parametrize("name", sorted(set(LABELLED) - {"imagefolder"}))
def test_what_labelled_sets_borrow(tmp_path: Path, name: str, balance: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_sets, "IMAGES", LENDING)
    folder = labelled_sets.write(tmp_path / "set", LABELLED[name]())
    operations = ["copy_paste(probability=1, place=anywhere)", "background", "mosaic(probability=0.5)"]
    balance = balance and "masks" not in name and name != "panoptic"  # which name no classes
    recipe = {**QUICK, "operations": operations, "filters": False, "balance": balance}
    merged = shared(folder, tmp_path, shard_size=2, **recipe)
    assert PlanFolder(open_store(tmp_path / "plan")).list.in_rows
    borrowed = '"donors"' in "".join(written(merged)["manifest.jsonl"])
    assert borrowed is (name != "captions")  # which say where no object is
    assert_same(merged, single(folder, tmp_path, **recipe))


def test_objects_are_pasted_from_the_same_donors(tmp_path: Path) -> None:
    objects = [("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40), ("red car", 2, 2, 30, 30), ("bus", 8, 8, 40, 32)]
    files = {"data.yaml": b"train: images/train\nnames: [red car, bus, other]\n"}
    for number, one in enumerate(objects):
        files[f"images/train/{number}.jpg"] = labelled_sets.photo([one])
        files[f"labels/train/{number}.txt"] = outline(*one)
    folder = labelled_sets.write(tmp_path / "set", files)
    recipe = {**QUICK, "operations": ["copy_paste(probability=1, place=anywhere)"], "variations": 3, "filters": False}
    merged = shared(folder, tmp_path, shard_size=1, **recipe)
    assert '"donors"' in "".join(written(merged)["manifest.jsonl"])
    assert_same(merged, single(folder, tmp_path, **recipe))


def test_another_format_has_the_classes_of_the_whole_set(tmp_path: Path) -> None:
    folder = labelled_sets.write(tmp_path / "set", labelled_sets.voc())
    recipe = {**QUICK, "to": "yolo", "operations": ["flip"]}
    assert_same(shared(folder, tmp_path, shard_size=1, **recipe), single(folder, tmp_path, **recipe))


def test_duplicates_leaks_and_broken_files_are_what_they_were(tmp_path: Path) -> None:
    """A twin of a test image, two equal files, two of one stem, and a file that is no image."""
    folder = photos(tmp_path / "set/train", {"cats": 4, "dogs": 3})
    (tmp_path / "set/test/cats").mkdir(parents=True)
    (tmp_path / "set/test/cats/leak.jpg").write_bytes((folder / "cats/01.jpg").read_bytes())
    (folder / "cats/twin.jpg").write_bytes((folder / "cats/00.jpg").read_bytes())
    (folder / "dogs/00.bmp").write_bytes((folder / "dogs/01.jpg").read_bytes())
    (folder / "dogs/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    recipe = {**QUICK, "operations": ["flip", "rotate"], "filters": True}
    merged = shared(tmp_path / "set", tmp_path, **recipe)
    assert "leak" in "".join(written(merged)["manifest.jsonl"])
    assert_same(merged, single(tmp_path / "set", tmp_path, **recipe))


def test_the_local_gan_takes_its_strength_and_styles_from_the_whole_set(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 9, "dogs": 2})
    recipe = {"engine": "gan", "seed": 7, "variations": 1}
    assert_same(shared(folder, tmp_path, shard_size=4, **recipe), single(folder, tmp_path, **recipe))


def test_repainted_images_are_compared_with_the_same_examples_of_each_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Repainting(Scripted):
        repaints = True

    for place in ("engines", "cluster.planning", "cluster.shard_run", "cluster.parts"):
        monkeypatch.setattr(
            f"augmentai.{place}.available", lambda _: [Repainting(partial(tinted, step=8), repainted=True)]
        )
    for source in class_folders():
        (tmp_path / "set" / source.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / source.path).write_bytes(source.read())
    recipe = {"engine": "gan", "seed": 7, "variations": 1, "filters": True, "retries": 0, "thresholds": CLASSES_ALONE}
    merged = shared(tmp_path / "set", tmp_path, shard_size=7, **recipe)
    assert "class_prototype" in "".join(written(merged)["manifest.jsonl"])
    assert_same(merged, single(tmp_path / "set", tmp_path, **recipe))


def test_images_in_an_archive(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", CLASSES)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted(folder.rglob("*.jpg")):
            archive.write(file, file.relative_to(folder))
    assert_same(shared(tmp_path / "set.zip", tmp_path, **QUICK), single(tmp_path / "set.zip", tmp_path, **QUICK))


def test_a_zip_holds_what_that_of_a_single_run_holds(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", CLASSES)
    plan(folder, tmp_path / "plan", shard_size=4, **QUICK)
    run_shards(tmp_path / "plan")
    merge(tmp_path / "plan", tmp_path / "merged.zip")
    run(folder, tmp_path / "single.zip", **QUICK)
    merged, alone = (zipfile.ZipFile(tmp_path / f"{name}.zip") for name in ("merged", "single"))
    for archive, name in ((merged, "merged"), (alone, "single")):
        archive.extractall(tmp_path / f"from_{name}")
    assert_same(tmp_path / "from_merged", tmp_path / "from_single")


def test_a_merge_that_was_interrupted_resumes(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", CLASSES)
    plan(folder, tmp_path / "plan", shard_size=2, **QUICK)
    run_shards(tmp_path / "plan")

    def stop(progress: Any) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "plan", tmp_path / "merged", on_progress=stop)
    for _ in range(2):  # the second finds all of it
        assert merge(tmp_path / "plan", tmp_path / "merged").done == 18
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    (folder / "cats/00.jpg").rename(Path(os.fsdecode(os.fsencode(folder / "cats") + b"/caf\xe9.jpg")))
    (folder / "cats").rename(Path(os.fsdecode(os.fsencode(folder) + b"/chats \xff")))
    recipe = {**QUICK, "operations": ["mosaic(probability=1)"]}
    assert_same(shared(folder, tmp_path, 1, **recipe), single(folder, tmp_path, **recipe))


@pytest.mark.parametrize("place", ["plan", "plan/larger"])
def test_the_folder_of_the_plan_is_no_place_for_the_set(tmp_path: Path, place: str) -> None:
    shared(photos(tmp_path / "set", {"cats": 2}), tmp_path, **QUICK)
    with pytest.raises(ClusterError, match="is in the folder of the plan"):
        merge(tmp_path / "plan", tmp_path / place)
    assert not (tmp_path / "plan/manifest.jsonl").exists()


def test_what_is_not_complete_or_was_changed_is_not_merged(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", CLASSES)
    plan(folder, tmp_path / "plan", shard_size=3, **QUICK)
    with pytest.raises(ClusterError, match="0 of 3 shards done"):
        merge(tmp_path / "plan", tmp_path / "merged")
    run_shards(tmp_path / "plan")
    with pytest.raises(ClusterError, match="no kind of output"):
        merge(tmp_path / "plan", tmp_path / "merged", kind="rar")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="already holds files"):
        merge(tmp_path / "plan", tmp_path / "other")
    tar = tmp_path / "plan/shards/00001.tar"
    tar.write_bytes(tar.read_bytes()[:-1000])
    with pytest.raises(ClusterError, match="is not the file that its worker wrote"):
        merge(tmp_path / "plan", tmp_path / "merged")
    (folder / "cats/new.jpg").write_bytes((folder / "cats/00.jpg").read_bytes())
    with pytest.raises(ClusterError, match="there were 9 sources, now 10"):
        merge(tmp_path / "plan", tmp_path / "again")

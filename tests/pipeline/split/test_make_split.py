"""A set without a split gets one: by class, what belongs together in one split, and written in its own format."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_to_disk
from augmentai.pipeline.split import make_split
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support import list_sets, tool_sets
from tests.support.image_files import encoded
from tests.support.jobs import Darker
from tests.support.labelled_sets import (
    Files,
    augmented,
    contents,
    gathered,
    write,
)
from tests.support.unlike_images import frame, unlike
from tests.support.unsplit_sets import (
    COUNT,
    coco,
    dota,
    drawn,
    folders,
    labelme_apart,
    masks,
    metadata,
    panoptic,
    renamed,
    voc,
    yolo,
)

MAX_PIXELS = 10**8


TRAINING = b"names: [red car, bus]\ntrain: images/train\nval: images/train\n"
# (files, a file that the result has because of the split)
OWN_FORMAT: dict[str, tuple[Files, str]] = {
    "class folders, one of them called train": (folders(), "val/train/"),
    "class folders in a folder": ({f"my set/{name}": data for name, data in folders().items()}, "my set/val/train/"),
    "masks in a folder": ({f"my set/{name}": data for name, data in masks().items()}, "val/my set/masks/"),
    "loose images in a folder": ({f"photos/{i}.jpg": unlike(i) for i in range(COUNT)}, "photos/val/"),
    "loose images": ({f"{i}.jpg": unlike(i) for i in range(COUNT)}, "val/"),
    "all in a folder for training": (
        {f"Training/{k.replace('train', 'dogs')}": v for k, v in folders().items()},
        "val/dogs/",
    ),
    "YOLO": (yolo(), "val.txt"),
    "YOLO beside the images": (yolo("photos", "photos"), "val.txt"),
    "YOLO without data.yaml": (yolo(yaml=None), "data.yaml"),
    "YOLO whose val is its train": (yolo("images/train", "labels/train", TRAINING), "test.txt"),
    "darknet with a list of training images": (
        yolo("obj_train_data", "obj_train_data", None)
        | {"obj.data": b"classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n", "obj.names": b"red car\nbus\n"}
        | {"train.txt": b"".join(b"data/obj_train_data/p%d.jpg\n" % i for i in range(COUNT))},
        "data.yaml",
    ),
    "two YOLO sets": (
        {f"a/{name}": data for name, data in yolo().items()}
        | {
            f"b/{name}": data if name.endswith((".txt", ".yaml")) else unlike(200 + int(name[8]))
            for name, data in yolo(yaml=b"names: [bus, red car]\n").items()
        },
        "b/val.txt",
    ),
    "class folders with a list": (
        folders() | {"train.txt": "".join(f"{name}\n" for name in folders()).encode()},
        "val/cats/",
    ),
    "COCO": (coco(), "instances_val.json"),
    "COCO of training images": (coco("annotations/instances_train2017.json"), "annotations/instances_val.json"),
    "COCO beside its images": (coco("train/_annotations.coco.json", "train"), "train/_annotations.coco_val.json"),
    "Pascal VOC": (voc(), "VOC/ImageSets/Main/val.txt"),
    "masks": (masks(), "val/masks/"),
    "DOTA": (dota(), "val/labelTxt/"),
    "LabelMe for training": (drawn(tool_sets.labelme), "val/p"),
    "LabelMe beside the images": (renamed(drawn(tool_sets.labelme), "train/", "mine/"), "mine/val/p"),
    "LabelMe in a folder of its own": (labelme_apart(), "val/json/"),
    "Supervisely": (renamed(drawn(tool_sets.supervisely), "train/", "ds/"), "val/ann/"),
    "a Supervisely project of one dataset, with a folder": (
        {f"mine/{name}": data for name, data in drawn(tool_sets.supervisely).items()},
        "mine/val/img/",
    ),
    "Supervisely without a folder for the dataset": (renamed(drawn(tool_sets.supervisely), "train/", ""), "val/ann/"),
    "two Supervisely datasets": (
        renamed(drawn(tool_sets.supervisely), "train/", "a/")
        | {
            name: unlike(200 + int(name[-5])) if name.endswith(".jpg") else data
            for name, data in renamed(drawn(tool_sets.supervisely), "train/", "b/").items()
        },
        "b_val/ann/",
    ),
    "CSV": (renamed(drawn(list_sets.csv_boxes), "train/", "mine/"), "mine/_annotations_val.csv"),
    "CSV for training": (drawn(list_sets.csv_boxes), "train/_annotations_val.csv"),
    "CSV with an image that has no row": (
        {
            k: v.replace(b"p0.jpg,", b"gone.jpg,") if k.endswith("csv") else v
            for k, v in drawn(list_sets.csv_boxes).items()
        },
        "val.txt",
    ),
    "CSV with a list of training images": (
        drawn(list_sets.csv_boxes) | {"train.txt": b"".join(b"train/p%d.jpg\n" % i for i in range(COUNT))},
        "train/_annotations_val.csv",
    ),
    "CSV with one column for one class": (
        {f"{i}.jpg": unlike(i) for i in range(COUNT)}
        | {"_classes.csv": b"filename,cat\n" + b"".join(b"%d.jpg,%d\n" % (i, i % 2) for i in range(COUNT))},
        "val_classes.csv",
    ),
    "CreateML": (drawn(list_sets.createml), "train/_annotations.createml_val.json"),
    "VIA": (renamed(drawn(list_sets.via), "train/", "mine/"), "mine/via_region_data_val.json"),
    "CVAT": (
        {k: v.replace(b' subset="Train"', b"") for k, v in drawn(list_sets.cvat).items()},
        "annotations_val.xml",
    ),
    "ImageFolder": (metadata(), "val/metadata.csv"),
    "ImageFolder with images below": (metadata("jsonl", "pictures/"), "val/metadata.jsonl"),
    "ImageFolder for training": (metadata("csv", "train/"), "val/metadata.csv"),
}


@pytest.mark.parametrize(("files", "written"), OWN_FORMAT.values(), ids=OWN_FORMAT)
def test_a_split_is_written_in_the_own_format_of_a_set(files: Files, written: str, tmp_path: Path) -> None:
    """It reads back as it was made, images and labels complete, and only training images have variations."""
    before = gathered(write(tmp_path / "in", files))
    job = augmented([tmp_path / "in"], tmp_path / "out", make_split="60/20/20", variations=1)
    assert not job.report.failures
    made = contents(tmp_path / "out")
    assert any(name.startswith(written) for name in made)
    after = gathered(tmp_path / "out")
    assert after.layout.name == before.layout.name
    assert not after.unread_labels.kinds
    counts = Counter(source.split for source in (*after.sources, *after.holdout) if "__v" not in source.path)
    count = len(before.sources)
    assert counts == {"train": 0.6 * count, "val": 0.2 * count, "test": 0.2 * count}
    varied = [source for source in (*after.sources, *after.holdout) if "__v" in source.path]
    assert [source.split for source in varied] == ["train"] * counts["train"]
    hashes = {source.sha256 for source in before.sources}
    assert {source.sha256 for source in (*after.sources, *after.holdout)} >= hashes
    known = shown(before)
    assert shown(after) == known
    assert len(known) == count


def shown(found: Gathered) -> dict[str, tuple[Any, ...]]:
    """What is labelled in each original: its class, its objects, and its row."""
    said = {}
    for source in (*found.sources, *found.holdout):
        labels = source.labels.load() if source.labels is not None else None
        shapes = sorted((one.category, one.box) for one in labels.shapes) if labels is not None else []
        row = (labels.extra.get("imagefolder") or {}) if labels is not None else {}
        is_masked = labels is not None and labels.mask is not None
        if "__v" not in source.path:
            said[source.sha256] = source.label, shapes, row.get("text"), is_masked
    return said


RESUMED = (
    "LabelMe in a folder of its own",
    "DOTA",
    "two Supervisely datasets",
    "CSV",
    "CVAT",
    "ImageFolder with images below",
)


@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_split_is_that_of_a_run_without_a_break(name: str, tmp_path: Path) -> None:
    place = write(tmp_path / "in", OWN_FORMAT[name][0])
    asked = Recipe(seed=5, engine="gan", variations=1, filters=False, make_split="60/20/20")
    begun = run_to_disk(Job(gathered(place), asked, Settings(), [Darker()]), tmp_path / "out", [place])
    for _ in range(3):
        next(begun)
    begun.close()
    resumed = augmented([place], tmp_path / "out", make_split="60/20/20", variations=1)
    assert resumed.report.resumed == 3
    augmented([place], tmp_path / "whole", make_split="60/20/20", variations=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_panoptic_files_are_split_with_their_segments(tmp_path: Path) -> None:
    place = write(tmp_path / "in", panoptic())
    before = gathered(place, layout="panoptic")
    job = augmented([place], tmp_path / "out", make_split="60/20/20", variations=1, layout="panoptic")
    assert not job.report.failures
    after = gathered(tmp_path / "out", layout="panoptic")
    assert Counter(source.split for source in (*after.sources, *after.holdout)) == {"train": 12, "val": 2, "test": 2}
    assert shown(after) == shown(before)


def test_label_files_of_a_split_lead_to_their_images(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", labelme_apart())], tmp_path / "out", make_split="60/20/20", variations=1)
    files = list((tmp_path / "out").rglob("p*.json"))
    assert len(files) == COUNT + 6
    for file in files:
        assert (file.parent / json.loads(file.read_text())["imagePath"]).is_file()


@pytest.mark.parametrize("name", ["yolo", "coco", "voc"])
def test_a_set_that_is_converted_is_split_as_its_new_format_has_it(name: str, tmp_path: Path) -> None:
    write(tmp_path / "in", masks() if name == "yolo" else yolo() if name == "coco" else coco())
    augmented([tmp_path / "in"], tmp_path / "out", make_split="6/2/2", variations=1, to=name)
    after = gathered(tmp_path / "out")
    assert after.layout.name == name
    counts = Counter(source.split for source in (*after.sources, *after.holdout) if "__v" not in source.path)
    assert counts == {"train": 6, "val": 2, "test": 2}


def splits(found: Gathered, seed: int = 5, shares: str = "60/20/20") -> dict[str, str | None]:
    divided = make_split(found, Recipe(seed=seed, make_split=shares), MAX_PIXELS)
    return {source.path: source.split for source in (*divided.sources, *divided.holdout)}


def test_the_same_images_and_seed_give_the_same_split(tmp_path: Path) -> None:
    found = gathered(write(tmp_path, folders()))
    mixed = replace(found, sources=found.sources[::-1])
    assert splits(found) == splits(mixed) != splits(found, seed=6)
    once = make_split(found, Recipe(seed=5, make_split="60/20/20"), MAX_PIXELS)
    assert make_split(once, Recipe(seed=5, make_split="60/20/20"), MAX_PIXELS) is once
    assert make_split(found, Recipe(seed=5), MAX_PIXELS) is found


def test_what_belongs_together_stays_in_one_split(tmp_path: Path) -> None:
    """Copies in another size, quality or place, and the frames of clips, also where the last is unlike the first."""
    files: Files = {f"a/{i}.jpg": unlike(i) for i in range(20)}
    for i in range(0, 20, 2):
        small = Image.open(io.BytesIO(unlike(i))).resize((40, 30))
        files[f"b/copy of {i}.png"] = encoded(small)
    for clip in range(4):
        files |= {f"c/clip{'abcd'[clip]}_{n:06}.jpg": frame(100 + clip, n) for n in range(12)}
    found = splits(gathered(write(tmp_path, files)), shares="50/25/25")
    for i in range(0, 20, 2):
        assert found[f"a/{i}.jpg"] == found[f"b/copy of {i}.png"]
    for clip in "abcd":
        assert len({found[f"c/clip{clip}_{n:06}.jpg"] for n in range(12)}) == 1
    assert len(set(found.values())) == 3


def test_numbered_photographs_are_no_clip(tmp_path: Path) -> None:
    found = splits(gathered(write(tmp_path, {f"IMG_{i:04}.jpg": unlike(i) for i in range(30)})))
    assert Counter(found.values()) == {"train": 18, "val": 6, "test": 6}


def test_the_plan_says_what_was_split_and_what_is_missing(tmp_path: Path) -> None:
    files = {f"cats/{i}.jpg": unlike(i) for i in range(12)} | {"dogs/0.jpg": unlike(99), "dogs/1.jpg": unlike(99)}
    divided = make_split(gathered(write(tmp_path, files)), Recipe(seed=5, make_split="80/20"), MAX_PIXELS)
    told = "\n".join(divided.notices)
    counts = len(divided.sources), len(divided.holdout)
    assert f"split by class into {counts[0]} training, {counts[1]} validation images (seed 5)" in told
    assert "1 near-duplicate or frame of a clip stays with the image that it resembles" in told
    assert "no validation image shows dogs" in told


def test_an_image_that_cannot_be_read_is_split_and_reported(tmp_path: Path) -> None:
    job = augmented(
        [write(tmp_path / "in", folders() | {"cats/bad.jpg": b"text"})], tmp_path / "out", make_split="60/20/20"
    )
    sources = (*job.gathered.sources, *job.gathered.holdout)
    assert next(source for source in sources if source.path == "cats/bad.jpg").split
    assert all(isinstance(source, Source) for source in sources)


def test_a_resumed_run_has_the_same_split(tmp_path: Path) -> None:
    """Without a seed of its own too: the run's is in its recipe.yaml."""
    place, settings = write(tmp_path / "in", folders()), Settings()

    def job(out: Path) -> Job:
        recipe = resolve_recipe(out, Recipe(make_split="60/20/20", engine="gan", filters=False))
        return Job(gathered(place), recipe, settings, [Darker()])

    first = run_to_disk(job(tmp_path / "out"), tmp_path / "out", [place])
    for _ in range(3):
        next(first)
    first.close()
    resumed = job(tmp_path / "out")
    for _ in run_to_disk(resumed, tmp_path / "out", [place]):
        pass
    assert resumed.report.resumed == 3
    assert resumed.report.variations == 12
    made = contents(tmp_path / "out")
    assert {name.split("/")[0] for name in made if "__v" in name} == {"train"}
    assert Counter(name.split("/")[0] for name in made if "__v" not in name) == {"train": 12, "val": 4, "test": 4}
    assert "make_split: 60/20/20" in (tmp_path / "out" / "recipe.yaml").read_text()


def test_a_class_called_train_is_kept_by_a_conversion(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", folders())], tmp_path / "out", make_split="60/40", variations=1, to="imagefolder")
    assert {name.rsplit("/", 1)[0] for name in contents(tmp_path / "out") if name.endswith(".jpg")} == {
        *("train/cats", "train/train", "validation/cats", "validation/train")
    }


SAID_BEFORE: dict[str, Files] = {
    "a column of a CSV": {
        "a.csv": b"filename,class,xmin,ymin,xmax,ymax,split\n"
        + b"".join(b"%d.jpg,cat,4,6,24,20,Train\n" % i for i in range(10))
    },
    "subsets of CVAT": {
        "a.xml": b"<annotations><version>1.1</version>"
        + b"".join(b'<image id="%d" name="%d.jpg" subset="Train" width="64" height="48"/>' % (i, i) for i in range(10))
        + b"</annotations>"
    },
    "a column of metadata": {
        "metadata.csv": b"file_name,text,split\n" + b"".join(b"%d.jpg,words,train\n" % i for i in range(10))
    },
    "a field of COCO's images": {
        "a.json": json.dumps(
            {
                "images": [{"id": i, "file_name": f"{i}.jpg", "split": "train"} for i in range(10)],
                "annotations": [
                    {"id": i + 1, "image_id": i, "category_id": 1, "bbox": [4, 6, 9, 9]} for i in range(10)
                ],
                "categories": [{"id": 1, "name": "cat"}],
            }
        ).encode()
    },
}


@pytest.mark.parametrize("files", SAID_BEFORE.values(), ids=SAID_BEFORE)
def test_labels_that_said_training_of_all_say_the_split_that_was_made(files: Files, tmp_path: Path) -> None:
    images = {f"{i}.jpg": unlike(i) for i in range(10)}
    augmented([write(tmp_path / "in", {**images, **files})], tmp_path / "out", make_split="80/20", variations=1)
    again = gathered(tmp_path / "out")
    assert {source.split for source in again.holdout} == {"val"}
    assert (len(again.holdout), len(again.sources)) == (2, 16)
    assert not [notice for notice in again.notices if "split" in notice]

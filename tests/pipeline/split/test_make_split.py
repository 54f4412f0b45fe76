"""A set without a split gets one: by class, what belongs together in one split, and written in its own format."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_to_disk
from augmentai.pipeline.split import make_split
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import encoded
from tests.support.jobs import Darker
from tests.support.labelled_sets import (
    BUS,
    LAYOUTS,
    RED,
    Files,
    augmented,
    contents,
    gathered,
    mask_of,
    voc_xml,
    write,
    yolo_line,
)
from tests.support.unlike_images import frame, unlike

COUNT = 10
MAX_PIXELS = 10**8


def folders() -> Files:
    return {f"{name}/{i}.jpg": unlike(i + 50 * k) for k, name in enumerate(("cats", "train")) for i in range(COUNT)}


def yolo(images: str = "images", labels: str = "labels", yaml: bytes | None = b"names: [red car, bus]\n") -> Files:
    files: Files = {"data.yaml": yaml} if yaml else {}
    for i in range(COUNT):
        files[f"{images}/p{i}.jpg"] = unlike(i)
        files[f"{labels}/p{i}.txt"] = yolo_line(*(RED if i % 2 else BUS)).encode()
    return files


def coco(file: str = "instances.json", folder: str = "imgs") -> Files:
    files: Files = {f"{folder}/p{i}.jpg": unlike(i) for i in range(COUNT)}
    images = [{"id": i, "file_name": f"p{i}.jpg", "width": 64, "height": 48} for i in range(COUNT)]
    annotations = [
        {"id": i, "image_id": i, "category_id": i % 2, "bbox": [4, 6, 20, 14], "area": 280, "iscrowd": 0}
        for i in range(COUNT)
    ]
    categories = [{"id": 0, "name": "red car"}, {"id": 1, "name": "bus"}]
    files[file] = json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()
    return files


def voc() -> Files:
    files: Files = {}
    for i in range(COUNT):
        files[f"VOC/JPEGImages/p{i}.jpg"] = unlike(i)
        files[f"VOC/Annotations/p{i}.xml"] = voc_xml(f"p{i}", [RED if i % 2 else BUS])
    return files


def masks() -> Files:
    files: Files = {}
    for i in range(COUNT):
        files[f"images/p{i}.jpg"] = unlike(i)
        files[f"masks/p{i}.png"] = mask_of([RED if i % 2 else BUS])
    return files


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
    for source in (*after.sources, *after.holdout):
        if source.labels is not None:
            labels = source.labels.load()
            assert len(labels.shapes) == 1 or labels.mask is not None
    assert {source.label for source in before.sources} == {source.label for source in after.sources}


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


REFUSED: dict[str, tuple[Files, str]] = {
    "splits in folders": (LAYOUTS["class folders with splits"][1], "the set has a split already (3 train, 1 "),
    "splits in data.yaml": (LAYOUTS["yolo"][1], "the set has a split already"),
    "splits of COCO's files": (LAYOUTS["coco"][1], "leave make_split empty"),
    "two images for three splits": ({"a.jpg": unlike(1), "b.jpg": unlike(2)}, "has 2 images; expected 3 or more"),
    "a format without a place for it": (
        {f"{i}.jpg": unlike(i) for i in range(5)}
        | {"metadata.csv": b"file_name,text\n" + b"".join(b"%d.jpg,x\n" % i for i in range(5))},
        "cannot be written in the format imagefolder; convert the set with to: one of yolo, coco, voc",
    ),
}


@pytest.mark.parametrize(("files", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_split_is_refused_in_words(files: Files, words: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, files))
    with pytest.raises(RecipeError) as refused:
        make_split(found, Recipe(seed=5, make_split="80/10/10"), MAX_PIXELS)
    assert words in str(refused.value)
    assert "make_split" in str(refused.value)


def test_the_plan_says_what_was_split_and_what_is_missing(tmp_path: Path) -> None:
    files = {f"cats/{i}.jpg": unlike(i) for i in range(12)} | {"dogs/0.jpg": unlike(99), "dogs/1.jpg": unlike(99)}
    divided = make_split(gathered(write(tmp_path, files)), Recipe(seed=5, make_split="80/20"), MAX_PIXELS)
    told = "\n".join(divided.notices)
    counts = len(divided.sources), len(divided.holdout)
    assert f"split by class into {counts[0]} training, {counts[1]} validation images (seed 5)" in told
    assert "1 near-duplicates or frames of a clip stay with the image that they resemble" in told
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

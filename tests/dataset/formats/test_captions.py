"""Captions go with their images, and unchanged to the variations; nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.pipeline.plan import plan_run
from augmentai.recipe import Recipe
from tests.support.image_files import jpeg, png
from tests.support.labelled_sets import Files, augmented, contents, gathered, masks, write, yolo

WORDS = b"a photo of sks dog, sitting on a bench"


def photos(folder: str, count: int = 3) -> Files:
    return {f"{folder}p{i}.jpg": jpeg(seed=i) for i in range(count)}


# (files beside three photos p0.jpg to p2.jpg, those that come with a variation of p0)
CAPTIONS: dict[str, tuple[Files, list[str]]] = {
    "LoRA": ({f"p{i}.txt": WORDS for i in range(3)}, ["p0__v1.txt"]),
    "tags of a booru": ({f"p{i}.caption": b"1girl, solo, long hair" for i in range(3)}, ["p0__v1.caption"]),
    "another language": ({f"p{i}.txt": "一只狗坐在草地上".encode() for i in range(3)}, ["p0__v1.txt"]),
    "UTF-16": ({f"p{i}.txt": "a dog".encode("utf-16") for i in range(3)}, ["p0__v1.txt"]),
    "a folder of texts": ({f"texts/p{i}.txt": WORDS for i in range(3)}, ["texts/p0__v1.txt"]),
    "two endings": ({"p0.txt": WORDS, "p0.caption": b"a dog"}, ["p0__v1.caption", "p0__v1.txt"]),
    "several lines": ({f"p{i}.txt": b"a dog\na brown dog on grass\n" for i in range(3)}, ["p0__v1.txt"]),
    "text in the image": ({f"p{i}.gt.txt": b"HELLO" for i in range(3)}, ["p0__v1.gt.txt"]),
    "after the whole name": ({f"p{i}.jpg.txt": WORDS for i in range(3)}, ["p0__v1.jpg.txt"]),
    "other case": ({"p0.TXT": WORDS}, ["p0__v1.TXT"]),
    "some are empty": ({"p0.txt": b"", "p1.txt": WORDS, "p2.txt": WORDS}, ["p0__v1.txt"]),
}


@pytest.mark.parametrize(("texts", "made"), CAPTIONS.values(), ids=CAPTIONS)
def test_captions_go_with_images_and_variations(texts: Files, made: list[str], tmp_path: Path) -> None:
    given = write(tmp_path / "in", photos("") | texts)
    job = augmented([given], tmp_path / "out", variations=1)
    assert job.gathered.notices[0].startswith(f"{len(texts)} caption file")
    assert not job.gathered.unread_labels.kinds
    written = contents(tmp_path / "out")
    assert {name: written[name] for name in texts} == texts
    variation = {name: data for name, data in written.items() if "p0__v1" in name and not name.endswith(".jpg")}
    assert sorted(variation) == made
    assert set(variation.values()) <= set(texts.values())


# (files of a set, the layout that reads it): its captions are beside the images or in a folder of their own
LABELLED: dict[str, tuple[Files, str]] = {
    "YOLO": (yolo(), "yolo"),
    "masks": (masks(), "masks"),
    "class folders": ({f"{name}/{name}{i}.jpg": jpeg(seed=i) for name in ("cat", "dog") for i in range(2)}, "folders"),
}


@pytest.mark.parametrize("where", ["beside", "apart"])
@pytest.mark.parametrize(("files", "layout"), LABELLED.values(), ids=LABELLED)
def test_beside_other_labels(files: Files, layout: str, where: str, tmp_path: Path) -> None:
    images = [name for name in files if name.endswith(".jpg")]
    texts = {(f"captions/{Path(name).name}" if where == "apart" else name)[:-4] + ".txt": WORDS for name in images}
    plain = augmented([write(tmp_path / "plain", files)], tmp_path / "out1", variations=1, geometry="none")
    job = augmented([write(tmp_path / "in", files | texts)], tmp_path / "out2", variations=1, geometry="none")
    assert job.gathered.layout.name == layout
    found = contents(tmp_path / "out2")
    captions = [name for name, data in found.items() if data == WORDS]
    assert {name: data for name, data in found.items() if name not in captions} == contents(tmp_path / "out1")
    assert len(captions) == len(images) + plain.report.variations


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"to": "yolo"}, id="converted"),
        pytest.param({"to": "coco"}, id="converted to one file"),
        pytest.param({"make_split": "50/50"}, id="split"),
    ],
)
def test_captions_follow_their_images(recipe: dict[str, str], tmp_path: Path) -> None:
    files = masks("masks") if "to" in recipe else {f"p{i}.jpg": jpeg(seed=i) for i in range(8)}
    images = [name for name in files if name.endswith(".jpg")]
    texts = {name[:-4] + ".txt": WORDS for name in images}
    augmented([write(tmp_path / "in", files | texts)], tmp_path / "out", variations=1, **recipe)
    found = contents(tmp_path / "out")
    pictures = {name[:-4] for name in found if name.endswith(".jpg")}
    assert {name[:-4] for name, data in found.items() if data == WORDS} == pictures
    assert len(pictures) > len(images)


# beside p0.jpg to p2.jpg: not captions of them
OTHERS: dict[str, Files] = {
    "numbers": {f"p{i}.txt": b"12 30 44 61\n" for i in range(3)},
    "boxes with words": {f"p{i}.txt": b"dog 0.5 0.5 0.1 0.2\n" for i in range(3)},
    "quads with words": {f"p{i}.txt": b"1,2,9,2,9,9,1,9,HELLO\n" for i in range(3)},
    "JSON": {f"p{i}.txt": b'{"caption": "a dog"}' for i in range(3)},
    "empty alone": {f"p{i}.txt": b"" for i in range(3)},
    "of no image": {"q.txt": WORDS},
    "of the set": {"README.txt": WORDS, "notes.txt": WORDS},
    "of one of two images": {"a/x.jpg": jpeg(seed=7), "b/x.jpg": jpeg(seed=8), "texts/x.txt": WORDS},
}


@pytest.mark.parametrize("texts", OTHERS.values(), ids=OTHERS)
def test_other_texts_are_not_captions(texts: Files, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", photos("") | texts))
    assert not [notice for notice in found.notices if "caption file" in notice]


def test_captioned_images_are_not_mirrored_unasked(tmp_path: Path) -> None:
    files = {f"{name}/{name}{i}.jpg": jpeg(seed=i) for name in ("cat", "dog") for i in range(4)}
    texts = {name[:-4] + ".txt": b"a cat to the left of a dog" for name in files}
    for given, geometry in ((files, "flip of those with a class"), (files | texts, "none")):
        found = gathered(write(tmp_path / geometry, given))
        assert str(plan_run(found, Recipe(geometry="auto")).geometry) == geometry


def test_two_images_share_a_caption(tmp_path: Path) -> None:
    files = {"a.jpg": jpeg(seed=1), "a.png": png(seed=2), "a.txt": WORDS}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    pictures = {name[:-4] for name in found if "__v1" in name and not name.endswith(".txt")}
    assert len(pictures) == 2
    assert {name[:-4] for name in found if "__v1" in name and name.endswith(".txt")} == pictures

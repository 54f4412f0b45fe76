"""Which image a name in a COCO file means, and what the image is called in the file that is written."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.coco_files import annotation, content, image, photos
from tests.support.labelled_sets import augmented, contents, gathered, write

NFD, NFC = unicodedata.normalize("NFD", "café.jpg"), unicodedata.normalize("NFC", "café.jpg")

# (name in the file, path of the image, other images)
NAMES: list[tuple[str, str, tuple[str, ...]]] = [
    ("a.jpg", "train/a.jpg", ()),
    ("train/a.jpg", "train/a.jpg", ("val/a.jpg",)),
    ("./train/a.jpg", "train/a.jpg", ("val/a.jpg",)),
    ("../images/a.jpg", "images/a.jpg", ()),  # as seen from annotations/
    ("/mnt/data/train/a.jpg", "train/a.jpg", ("val/a.jpg",)),
    ("/mnt/data/a.jpg", "train/a.jpg", ()),
    ("C:\\data\\train\\a.jpg", "train/a.jpg", ("val/a.jpg",)),
    ("\\\\server\\share\\a.jpg", "train/a.jpg", ()),
    ("train\\a.jpg", "train/a.jpg", ("val/a.jpg",)),
    ("https://bucket/train/a.jpg?x=1", "train/a.jpg", ("val/a.jpg",)),
    ("train/my%20photo.jpg", "train/my photo.jpg", ()),
    ("100%.jpg", "100%.jpg", ()),
    ("A.JPG", "train/a.jpg", ()),
    ("a.jpg", "a.jpg", ("A.jpg",)),  # the exact spelling wins
    (NFC, NFD, ()),
    (NFD, "images/" + NFC, ()),
    (" a.jpg ", "a.jpg", ()),
    ("x_1_gtFine_leftImg8bit.png", "leftImg8bit/x_1_leftImg8bit.png", ()),  # Cityscapes panoptic
]


@pytest.mark.parametrize(("name", "path", "others"), NAMES)
def test_an_image_is_found_and_its_variation_too(name: str, path: str, others: tuple[str, ...], tmp_path: Path) -> None:
    files = photos(path, *others) | {"annotations/x.json": content([image(1, name)], [annotation(1, 1)])}
    found = gathered(write(tmp_path, files))
    assert [source.path for source in found.sources if source.labels is not None] == [path]


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("/somewhere/a.jpg", ("one/a.jpg", "two/a.jpg")),  # one as good as the other
        ("gone.jpg", ("a.jpg",)),
        ("..", ("a.jpg",)),
        ("", ("a.jpg",)),
    ],
)
def test_no_image_is_meant(name: str, others: tuple[str, ...], tmp_path: Path) -> None:
    listed = [image(1, name), image(2, "known.jpg")]
    files = photos("known.jpg", *others) | {"x.json": content(listed, [])}
    found = gathered(write(tmp_path, files))
    assert [source.path for source in found.sources if source.labels is not None] == ["known.jpg"]
    assert any("x.json" in notice for notice in found.notices)


@pytest.mark.parametrize(
    ("names", "root"),
    [
        # Absolute, of another machine: from the deepest folder of all images.
        (["/old/train/a.jpg", "/old/train/b.jpg"], "data/train"),
        (["C:\\old\\a.jpg", "C:\\old\\b.jpg"], "data/train"),
        # Most are relative: so are the others, to the same folder.
        (["train/a.jpg", "/old/train/b.jpg"], "data"),
        (["https://x/a.jpg", "data/train/b.jpg"], ""),
        # As they were.
        (["a.jpg", "b.jpg"], "data/train"),
        (["../data/train/a.jpg", "../data/train/b.jpg"], "annotations"),
    ],
)
def test_every_name_that_is_written_leads_to_its_image(names: list[str], root: str, tmp_path: Path) -> None:
    listed = [image(number, name) for number, name in enumerate(names)]
    given = write(
        tmp_path / "in",
        photos("data/train/a.jpg", "data/train/b.jpg") | {"annotations/x.json": content(listed, [annotation(1, 0)])},
    )
    out = tmp_path / "out"
    augmented([given], out, variations=1)
    written = [one["file_name"] for one in trainers.json_of(out / "annotations/x.json")["images"]]
    assert len(written) == 4
    assert all((out / root / name).is_file() for name in written)
    assert {name for name in contents(out) if name.endswith(".jpg")} == {
        f"data/train/{stem}{end}.jpg" for stem in "ab" for end in ("", "__v1")
    }


def test_a_file_of_held_out_images_is_mended_too(tmp_path: Path) -> None:
    """No image of it has a variation, and its names would lead to a folder of somebody's machine."""
    files = photos("train/a.jpg", "val/b.jpg") | {
        "train.json": content([image(1, "a.jpg")], [annotation(1, 1)]),
        "val.json": content([image(1, "/old/val/b.jpg")], [annotation(1, 1)]),
    }
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert trainers.json_of(tmp_path / "out/val.json")["images"][0]["file_name"] == "b.jpg"

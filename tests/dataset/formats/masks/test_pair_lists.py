"""Lists of images and masks in one line, as segmentation sets have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.labelled_sets import augmented, contents, gathered, write
from tests.support.mask_sets import mask_set

ROWS = [
    ("images/a.jpg masks/a.png\n", "images/a.jpg masks/a.png\nimages/a__v1.jpg masks/a__v1.png\n"),
    ("images/a.jpg,masks/a.png\n", "images/a.jpg,masks/a.png\nimages/a__v1.jpg,masks/a__v1.png\n"),
    # Paths of somebody's machine.
    (
        "/data/images/a.jpg\t/data/masks/a.png\n",
        "./images/a.jpg\t./masks/a.png\n./images/a__v1.jpg\t./masks/a__v1.png\n",
    ),
    # An image alone.
    ("images/a.jpg\n", "images/a.jpg\nimages/a__v1.jpg\n"),
    ("a\n", "a\na__v1\n"),
]


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_the_line_of_a_variation_names_its_own_mask(text: str, expected: str, tmp_path: Path) -> None:
    files = mask_set(["images/a.jpg", "images/b.jpg"], ["masks/a.png", "masks/b.png"])
    files["train.txt"] = text.encode()
    files["val.txt"] = text.replace("a.", "b.").encode() if "." in text else b"b\n"
    given = write(tmp_path / "in", files)
    found = gathered(given)
    assert [source.path for source in found.sources] == ["images/a.jpg"]
    assert [(source.path, source.split) for source in found.holdout] == [("images/b.jpg", "val")]
    augmented([given], tmp_path / "out", variations=1)
    made = contents(tmp_path / "out")
    assert made["train.txt"].decode() == expected
    assert all(name in made for name in ("masks/a__v1.png", "images/a__v1.jpg"))

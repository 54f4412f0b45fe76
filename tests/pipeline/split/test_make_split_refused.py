"""A split is refused, in words, where a set has one already or where its own format would not say it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.formats.base import Layout
from augmentai.pipeline.split import make_split
from augmentai.recipe import Recipe, RecipeError
from tests.support.labelled_sets import LAYOUTS, Files, gathered, write
from tests.support.tool_sets import supervisely_file
from tests.support.unlike_images import unlike
from tests.support.unsplit_sets import COUNT, folders, masks

MAX_PIXELS = 10**8
REFUSED: dict[str, tuple[Files, str]] = {
    "splits in folders": (LAYOUTS["class folders with splits"][1], "the set has a split already (3 train, 1 "),
    "splits in data.yaml": (LAYOUTS["yolo"][1], "the set has a split already"),
    "splits of COCO's files": (LAYOUTS["coco"][1], "leave make_split empty"),
    "two images for three splits": ({"a.jpg": unlike(1), "b.jpg": unlike(2)}, "has 2 images; expected 3 or more"),
    "metadata that names masks": (
        {name: data for name, data in masks().items() if name.startswith(("images", "masks"))}
        | {
            "metadata.csv": b"file_name,mask_file_name\n"
            + b"".join(b"images/p%d.jpg,masks/p%d.png\n" % (i, i) for i in range(COUNT))
        },
        "for metadata that names masks",
    ),
    "a tag of Supervisely": (
        {
            f"ds/{'ann' if is_label else 'img'}/p{i}.jpg{'.json' if is_label else ''}": (
                supervisely_file([], (64, 48), "train") if is_label else unlike(i)
            )
            for i in range(5)
            for is_label in (True, False)
        },
        "since a tag in ds/ann/p0.jpg.json says that it is for training",
    ),
}


@pytest.mark.parametrize(("files", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_split_is_refused_in_words(files: Files, words: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, files))
    with pytest.raises(RecipeError) as refused:
        make_split(found, Recipe(seed=5, make_split="80/10/10"), MAX_PIXELS)
    assert words in str(refused.value)
    assert "make_split" in str(refused.value)


def test_a_format_without_a_place_for_a_split_is_refused(tmp_path: Path) -> None:
    found = gathered(write(tmp_path, folders()))
    found = replace(found, layout=Layout())
    found.layout.name = "lines"
    with pytest.raises(RecipeError, match="cannot be written in the format lines; convert the set with to: one of"):
        make_split(found, Recipe(seed=5, make_split="60/20/20"), MAX_PIXELS)

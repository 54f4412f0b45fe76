"""What the classes of masks are called: the files that annotation tools and competitions put beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.masks.class_files import class_names
from augmentai.dataset.formats.object_shapes import objects_in
from tests.support.labelled_sets import augmented, contents, gathered, write
from tests.support.mask_sets import in_file, mask_of, painted

FILES = [
    # One name a line, by value.
    ("classes.txt", "background\ncup\nplate\n", {"0": "background", "1": "cup", "2": "plate"}),
    # CVAT's.
    (
        "labelmap.txt",
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ntea cup:128,0,0:handle:\n",
        {"#000000": "background", "#800000": "tea cup"},
    ),
    # CamVid's.
    ("label_colors.txt", "64 128 64\tAnimal\n192 0 128\tArchway\n", {"#408040": "Animal", "#c00080": "Archway"}),
    ("class_dict.csv", "name,r,g,b\nAnimal,64,128,64\n", {"#408040": "Animal"}),
    # TensorFlow's.
    (
        "cars_label_map.pbtxt",
        'item {\n  id: 1\n  name: \'tea cup\'\n}\nitem { name: "n01" id: 2 display_name: "plate" }\n',
        {"1": "tea cup", "2": "plate"},
    ),
    # Roboflow's.
    ("_classes.csv", "Pixel Value, Class\n0, background\n1, cup\n", {"0": "background", "1": "cup"}),
]


@pytest.mark.parametrize(("name", "text", "expected"), FILES, ids=[row[0] for row in FILES])
def test_names_of_classes(name: str, text: str, expected: dict[str, str], tmp_path: Path) -> None:
    place = write(tmp_path, {name: text.encode()}) / name
    assert class_names([Entry(name, "", file=place)]) == expected


@pytest.mark.parametrize(
    ("name", "text", "mask", "category"),
    [
        ("classes.txt", "background\ncup\n", mask_of(value=1), "cup"),
        ("classes.txt", "background\ncup\n", mask_of(value=255), "cup"),  # a single class drawn in white
        ("classes.txt", "background\ncup\nplate\n", mask_of(value=255), None),  # 255 is not labelled, as in Pascal VOC
        ("labelmap.txt", "cup:255,255,255::\n", mask_of().convert("RGB"), "cup"),
    ],
)
def test_objects_have_these_names(
    name: str, text: str, mask: Image.Image, category: str | None, tmp_path: Path
) -> None:
    files = {"images/a.png": in_file(painted(), "a.png"), "masks/a.png": in_file(mask, "a.png"), name: text.encode()}
    given = write(tmp_path / "in", files)
    labels = gathered(given).sources[0].labels
    assert labels is not None
    assert [shape.category for shape in objects_in(labels.load())] == ([category] if category else [])
    augmented([given], tmp_path / "out", variations=1)
    assert contents(tmp_path / "out")[name] == files[name]
    assert np.asarray(labels.load().mask).any()

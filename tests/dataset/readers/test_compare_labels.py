"""Labels in two formats, or in two files of one, are compared before a run, and a difference is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.inspection import inspect_set
from augmentai.pipeline.label_check import check_labels
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.image_files import jpeg
from tests.support.labelled_sets import RED, Files, gathered, photo, voc_xml, write, yolo_line
from tests.support.mask_sets import mask_set

LINE = yolo_line(*RED)
YOLO: Files = {
    "images/a.jpg": photo([RED]),
    "labels/a.txt": LINE.encode(),
    "data.yaml": b"names: [red car, bus, person]\n",
}
MOVED = (RED[0], RED[1] + 9, *RED[2:])
TWO: dict[str, tuple[Files, str]] = {
    "YOLO and VOC that agree": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [RED])},
        "1 label file is also there, and not used (Pascal VOC XML: Annotations/a.xml): the set is read as YOLO; the "
        "two agree in 1 compared image; not carried to the result; choose the dataset format voc to use these instead",
    ),
    "YOLO and VOC that differ": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [MOVED])},
        "the two differ in 1 of 1 compared image (images/a.jpg: red car at",
    ),
    "an object more": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [RED, MOVED])},
        "here, 2 objects there)",
    ),
    "a text beside an image, and metadata": (
        {
            **{f"{n}.jpg": jpeg((64, 48), n) for n in range(3)},
            "0.txt": b"A red  car.\n",
            "1.txt": b"a bus\n",
            "metadata.csv": b"file_name,text\n0.jpg,a red car\n1.jpg,two people\n2.jpg,a street\n",
        },
        "captions differ in 1 of 2 compared images, between the text beside the image and the labels of the set "
        '(1.jpg: "a bus" and "two people"); both are kept, each in its file',
    ),
    "a table and a folder of masks": (
        {
            **mask_set([f"images/{n}.jpg" for n in range(3)], [f"masks/{n}.png" for n in range(3)]),
            **mask_set([], [f"other/{n}_b.png" for n in range(3)]),
            "pairs.csv": ("image,mask\n" + "".join(f"images/{n}.jpg,other/{n}_b.png\n" for n in range(3))).encode(),
        },
        "3 images have different masks by different tables or folders (images/0.jpg: masks/0.png and other/0_b.png); "
        "all move with the image",
    ),
    "two tables of metadata": (
        {
            "a.jpg": photo([RED]),
            "metadata.csv": b"file_name,text\na.jpg,a red car\n",
            "metadata.jsonl": json.dumps({"file_name": "a.jpg", "text": "a bus"}).encode() + b"\n",
        },
        "differs from another file about 1 image (a.jpg: text is 'a red car' in metadata.csv, 'a bus' here)",
    ),
    "two rows of one table": (
        {
            **{f"{n}.jpg": jpeg((64, 48), n) for n in range(3)},
            "metadata.csv": b"file_name,text,label\n0.jpg,a car,car\n0.jpg,a bus,bus\n1.jpg,one,car\n1.jpg,two,car\n",
        },
        "metadata.csv has several rows about 1 image that differ (0.jpg: label is 'car' and 'bus'); all rows are kept",
    ),
    "two tables of classes": (
        {
            "a.jpg": photo([RED]),
            "one_classes.csv": b"filename,car,bus\na.jpg,1,0\n",
            "two_classes.csv": b"filename,car,bus\na.jpg,0,1\n",
        },
        "1 image has another class in another label file (a.jpg: car and bus); the first is used",
    ),
}


@pytest.mark.parametrize(("files", "words"), TWO.values(), ids=TWO)
def test_two_sayings_about_an_image_are_compared(files: Files, words: str, tmp_path: Path) -> None:
    assert words in "\n".join(gathered(write(tmp_path, files)).notices)


def _coco(x: int, name: str = "car") -> bytes:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x, 6, 20, 14]}],
        "categories": [{"id": 1, "name": name}],
    }
    return json.dumps(content).encode()


CSV = b"filename,class,xmin,ymin,xmax,ymax\na.jpg,car,%d,6,24,20\n"
# (two files, whether they have different objects of one class in the image)
FILES: dict[str, tuple[Files, bool]] = {
    "two COCO files": ({"a.json": _coco(4), "b.json": _coco(30)}, True),
    "two COCO files that agree": ({"a.json": _coco(4), "b.json": _coco(4)}, False),
    "two COCO files of different classes": ({"a.json": _coco(4), "b.json": _coco(30, "bus")}, False),
    "two CSV files": ({"a.csv": CSV % 4, "b.csv": CSV % 9}, True),
    "two CSV files that agree": ({"a.csv": CSV % 4, "b.csv": CSV % 4}, False),
}


@pytest.mark.parametrize(("files", "differ"), FILES.values(), ids=FILES)
def test_two_files_of_one_format(files: Files, differ: bool, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, {"a.jpg": photo([RED]), **files}))
    one, other = files
    said = f"{one} and {other} have different objects of one class in 1 image (a.jpg): all are kept"
    assert (said in check_labels(found.layout, found.sources, moves=False).notices) is differ


def test_what_agrees_is_no_problem(tmp_path: Path) -> None:
    """An inspection names a second format, as a note if it says the same and as a problem if it does not."""
    for name, kind, problem in (("agree", "agreeing_labels", False), ("differ", "second_labels", True)):
        given = write(tmp_path / name, TWO[f"YOLO and VOC that {name}"][0])
        found = inspect_set(gathered(given), Recipe(), Settings())
        assert [(one.kind, one.is_problem) for one in found.findings if "label" in one.kind] == [(kind, problem)]

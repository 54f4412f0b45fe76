"""Sets whose files name what is outside them: nothing there is read, copied or quoted, in any format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

SECRET = b"TOP-SECRET"
BOX = "<object><name>car</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"


def yolo(**content: object) -> Files:
    return {
        "images/a.jpg": jpeg((32, 24), 1),
        "labels/a.txt": b"0 .5 .5 .2 .2\n",
        "data.yaml": json.dumps({"names": ["car"], **content}).encode(),
    }


def coco(name: str, key: str = "file_name") -> Files:
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 32, "height": 24},
        {"id": 2, key: name, "width": 32, "height": 24},
    ]
    annotations = [{"id": i, "image_id": i, "category_id": 1, "bbox": [2, 2, 8, 8]} for i in (1, 2)]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "car"}]}
    return {"a.jpg": jpeg((32, 24), 1), "labels.json": json.dumps(content).encode()}


def voc(start: str, name: str = "a.jpg") -> Files:
    text = f"{start}<annotation><filename>{name}</filename>{BOX}</annotation>"
    return {"JPEGImages/a.jpg": jpeg((32, 24), 1), "Annotations/a.xml": text.encode()}


def labelme(name: str) -> Files:
    shape = {"label": "car", "points": [[2, 2], [9, 9]], "shape_type": "rectangle"}
    content = {"shapes": [shape], "imagePath": name, "imageHeight": 24, "imageWidth": 32, "version": "5", "flags": {}}
    return {"a.jpg": jpeg((32, 24), 1), "a.json": json.dumps(content | {"imageData": None}).encode()}


def boxes(name: str) -> bytes:
    rows = (f"{one},32,24,car,2,2,9,9\n" for one in ("a.jpg", name))
    return ("filename,width,height,class,xmin,ymin,xmax,ymax\n" + "".join(rows)).encode()


SETS: dict[str, Callable[[str, str], Files]] = {  # made with the paths of an image and a text outside
    "YOLO folder": lambda image, text: yolo(train=str(Path(image).parent)),
    "YOLO path": lambda image, text: yolo(path=str(Path(image).parent), train="."),
    "YOLO list": lambda image, text: yolo(train="train.txt") | {"train.txt": f"images/a.jpg\n{image}\n".encode()},
    "YOLO list outside": lambda image, text: yolo(train=text),
    "YOLO names": lambda image, text: yolo(train="images") | {"obj.data": f"names = {text}\ntrain = {text}\n".encode()},
    "COCO": lambda image, text: coco(image),
    "COCO URL": lambda image, text: coco(f"file://{image}", "coco_url"),
    "VOC name": lambda image, text: voc("", image),
    "VOC entity": lambda image, text: voc(f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{text}">]>', "&x;"),
    "VOC parameter entity": lambda image, text: voc(f'<!DOCTYPE a [<!ENTITY % x SYSTEM "file://{text}"> %x;]>'),
    "LabelMe": lambda image, text: labelme(image),
    "rows": lambda image, text: {
        "a.jpg": jpeg((32, 24), 1),
        "metadata.csv": f"file_name,text\na.jpg,one\n{image},two\n".encode(),
    },
    "boxes": lambda image, text: {
        "a.jpg": jpeg((32, 24), 1),
        "_annotations.csv": boxes(image),
    },
    "CVAT": lambda image, text: {
        "a.jpg": jpeg((32, 24), 1),
        "annotations.xml": (
            "<annotations><version>1.1</version>"
            + "".join(
                f'<image id="{i}" name="{name}" width="32" height="24"/>' for i, name in enumerate(("a.jpg", image))
            )
            + "</annotations>"
        ).encode(),
    },
    "split list": lambda image, text: {"cat/a.jpg": jpeg((32, 24), 1), "train.txt": f"cat/a.jpg\n{image}\n".encode()},
}
WAYS = {"absolute": lambda path, home: str(path), "relative": lambda path, home: f"../{path.relative_to(home)}"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SETS)
def test_nothing_outside_is_read(name: str, way: str, tmp_path: Path) -> None:
    image, text = tmp_path / "outside" / "hidden.jpg", tmp_path / "outside" / "hidden.txt"
    write(tmp_path / "outside", {"hidden.jpg": jpeg((32, 24), 9), "hidden.txt": SECRET})
    given = write(tmp_path / "in", SETS[name](WAYS[way](image, tmp_path), WAYS[way](text, tmp_path)))
    found = gathered(given)
    assert {Path(source.path).name for source in (*found.sources, *found.holdout)} <= {"a.jpg"}
    assert SECRET.decode() not in f"{found.notices}{found.failures}"
    if found.sources:
        augmented([given], tmp_path / "out", variations=1)
        written = contents(tmp_path / "out")
        assert not any(SECRET in data for data in written.values())
        assert not any("hidden" in path for path in written)

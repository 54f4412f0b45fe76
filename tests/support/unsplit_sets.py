"""Sets without a split in many formats, of ten images that do not resemble each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.support.image_files import encoded
from tests.support.labelled_sets import BUS, RED, Files, mask_of, voc_xml, yolo_line
from tests.support.tool_sets import Images, labelme_file
from tests.support.unlike_images import unlike

COUNT = 10


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


def drawn(make: Callable[[Images, tuple[int, int], Callable[[list[Any]], bytes]], Files]) -> Files:
    """A set as a tool writes it, of images that all are in the folder that it has for training."""
    images = [("train", f"p{i}", [RED if i % 2 else BUS]) for i in range(COUNT)]
    shown = iter(range(COUNT))
    made = make(images, (64, 48), lambda _: unlike(next(shown)))
    return {name: data for name, data in made.items() if not name.startswith(("val/", "test/"))}


def renamed(files: Files, before: str, after: str) -> Files:
    return {name.replace(before, after): data for name, data in files.items()}


def dota() -> Files:
    files: Files = {}
    for i in range(COUNT):
        files[f"images/p{i}.png"] = unlike(i)
        files[f"labelTxt/p{i}.txt"] = b"imagesource:x\ngsd:0.1\n4 6 24 6 24 20 4 20 ship %d\n" % (i % 2)
    return files


def labelme_apart() -> Files:
    """Images and label files in folders of their own."""
    files: Files = {}
    for i in range(COUNT):
        files[f"pictures/p{i}.jpg"] = unlike(i)
        files[f"json/p{i}.json"] = labelme_file(f"../pictures/p{i}", [RED], (64, 48))
    return files


def metadata(ending: str = "csv", folder: str = "") -> Files:
    files: Files = {f"{folder}{i}.jpg": unlike(i) for i in range(COUNT)}
    if ending == "csv":
        files["metadata.csv"] = b"file_name,text\n" + b"".join(
            b"%s%d.jpg,x %d\n" % (folder.encode(), i, i) for i in range(COUNT)
        )
    else:
        column = {"bbox": [[4, 6, 20, 14]], "categories": ["bus"]}
        rows = [{"file_name": f"{folder}{i}.jpg", "text": f"x {i}", "objects": column} for i in range(COUNT)]
        files["metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return files


def panoptic() -> Files:
    """A PNG of segments for each image, in the folder that is called as the file."""
    files: Files = {}
    for i in range(COUNT):
        files[f"imgs/p{i}.jpg"] = unlike(i)
        colours = Image.new("RGB", (64, 48))
        colours.paste((1, 0, 0), (4, 6, 24, 20))
        files[f"panoptic_train/p{i}.png"] = encoded(colours)
    images = [{"id": i, "file_name": f"p{i}.jpg", "width": 64, "height": 48} for i in range(COUNT)]
    segment = {"id": 1, "category_id": 1, "bbox": [4, 6, 20, 14], "area": 280, "iscrowd": 0}
    annotations = [{"image_id": i, "file_name": f"p{i}.png", "segments_info": [segment]} for i in range(COUNT)]
    categories = [{"id": 1, "name": "bus", "isthing": 1}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    return files | {"panoptic_train.json": json.dumps(content).encode()}

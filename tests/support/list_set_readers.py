"""Finished sets as programs of other people read them, with the pixels of every object: a file of labels per set."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.support.painted_objects import filled
from tests.support.set_readers import Found, Object, bitmap, grouped, images_in, outlined, placed, size_of


def coco(out: Path, _: str) -> Found:
    """By COCO's own library, which draws every outline."""
    from pycocotools.coco import COCO

    found: Found = {}
    for split in ("train", "val"):
        read = COCO(str(out / f"annotations/instances_{split}.json"))
        assert len(read.imgs) == len(read.dataset["images"])  # no id twice
        assert len(read.anns) == len(read.dataset["annotations"])
        for number, image in read.imgs.items():
            size_wh = size_of(out / split / image["file_name"])
            assert size_wh == (image["width"], image["height"])
            annotations = read.loadAnns(read.getAnnIds(imgIds=[number]))
            objects = [_coco_object(read, one, size_wh) for one in annotations]
            found[split, Path(image["file_name"]).stem] = objects
    return found


def _coco_object(read: Any, one: dict[str, Any], size_wh: tuple[int, int]) -> Object:
    x, y, width, height = one["bbox"]
    made = Object(read.cats[one["category_id"]]["name"], (x, y, x + width, y + height))
    if one.get("segmentation"):
        made.is_bitmap = isinstance(one["segmentation"], dict)
        made.area = read.annToMask(one).astype(bool)
        if not made.is_bitmap:  # its own drawing is a third of a pixel off at slanting borders
            exact = filled([np.reshape(ring, (-1, 2)).tolist() for ring in one["segmentation"]], size_wh)
            assert (exact ^ made.area).sum() <= 0.2 * exact.sum()
            made.area = exact
        assert abs(one["area"] - made.area.sum()) <= 0.1 * one["area"] + 4
    if keypoints := one.get("keypoints"):
        made.points = [(x, y, int(v)) for x, y, v in np.reshape(keypoints, (-1, 3)).tolist()]
        assert len(made.points) == len(read.cats[one["category_id"]]["keypoints"])
        assert one["num_keypoints"] == sum(v > 0 for *_, v in made.points)
    return made


def panoptic(out: Path, _: str) -> Found:
    """A PNG of ids (R + 256 G + 256^2 B) for each image, and segments_info of each id in it."""
    found: Found = {}
    for split in ("train", "val"):
        content = json.loads((out / f"annotations/panoptic_{split}.json").read_text("utf-8"))
        names = {one["id"]: one["name"] for one in content["categories"]}
        images = {one["id"]: one for one in content["images"]}
        assert len(images) == len(content["annotations"])
        for annotation in content["annotations"]:
            image = images[annotation["image_id"]]
            with Image.open(out / f"annotations/panoptic_{split}" / annotation["file_name"]) as opened:
                ids = np.asarray(opened.convert("RGB")).astype(int) @ [1, 256, 256**2]
            assert ids.shape[::-1] == size_of(out / split / image["file_name"]) == (image["width"], image["height"])
            segments = annotation["segments_info"]
            assert sorted(np.unique(ids[ids > 0])) == sorted(one["id"] for one in segments)
            objects = [bitmap(names[one["category_id"]], ids == one["id"]) for one in segments]
            for one, segment in zip(objects, segments, strict=True):
                x, y, width, height = segment["bbox"]
                assert one.box == (x, y, x + width, y + height)
                assert one.area is not None
                assert one.area.sum() == segment["area"]
            found[split, Path(image["file_name"]).stem] = objects
    return found


def cvat(out: Path, _: str) -> Found:
    """CVAT for images 1.1: the run lengths of a mask begin with zeros, and go row by row through its box."""
    root = ElementTree.parse(out / "annotations.xml").getroot()
    declared = {label.findtext("name") for label in root.iter("label")}
    found: Found = {}
    for image in root.iter("image"):
        name, subset = image.attrib["name"], image.attrib["subset"]
        path = next(path for path in (out / "images" / name, out / "images" / subset / name) if path.is_file())
        size_wh = int(image.attrib["width"]), int(image.attrib["height"])
        assert size_of(path) == size_wh
        objects = []
        for one in image:
            assert one.attrib["label"] in declared
            if one.tag != "tag":
                objects.append((int(one.get("group_id", "0")) or None, _cvat_object(one, size_wh)))
        found[subset, path.stem] = grouped(objects)
    return found


def _cvat_object(one: ElementTree.Element, size_wh: tuple[int, int]) -> Object:
    name = one.attrib["label"]
    if one.tag == "polygon":
        ring = [tuple(map(float, pair.split(","))) for pair in one.attrib["points"].split(";")]
        return outlined(name, [ring], size_wh)
    if one.tag == "mask":
        left, top, width, height = (int(one.attrib[key]) for key in ("left", "top", "width", "height"))
        runs = list(map(int, one.attrib["rle"].split(",")))
        flat = np.repeat(np.arange(len(runs)) % 2, runs)
        return bitmap(name, placed(flat.reshape(height, width).astype(bool), left, top, size_wh))
    assert one.tag == "box"
    x0, y0, x1, y1 = (float(one.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
    if turn := float(one.get("rotation", 0)):  # clockwise, in degrees, around the centre
        angle = np.deg2rad(turn)
        across = np.array([np.cos(angle), np.sin(angle)]) * (x1 - x0) / 2
        down = np.array([-np.sin(angle), np.cos(angle)]) * (y1 - y0) / 2
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        corners = [centre - across - down, centre + across - down, centre + across + down, centre - across + down]
        return outlined(name, [corners], size_wh)
    return Object(name, (x0, y0, x1, y1))


def createml(out: Path, _: str) -> Found:
    """A list of images and their boxes, by centre and size in pixels."""
    found: Found = {}
    for split in ("train", "val"):
        for entry in json.loads((out / split / "_annotations.createml.json").read_text("utf-8")):
            objects = []
            for one in entry["annotations"]:
                x, y, w, h = (one["coordinates"][side] for side in ("x", "y", "width", "height"))
                objects.append(Object(one["label"], (x - w / 2, y - h / 2, x + w / 2, y + h / 2)))
            image = out / split / entry["image"]
            assert image.is_file()
            found[split, image.stem] = objects
    return found


def via(out: Path, _: str) -> Found:
    """A region is a shape and its attributes; an image is known by its name and size in bytes."""
    found: Found = {}
    for split in ("train", "val"):
        content = json.loads((out / split / "via_region_data.json").read_text("utf-8"))
        for key, entry in content.items():
            image = out / split / entry["filename"]
            assert key == f"{entry['filename']}{image.stat().st_size}"
            assert entry["size"] == image.stat().st_size
            found[split, image.stem] = [_via_object(one, size_of(image)) for one in entry["regions"]]
    return found


def _via_object(one: dict[str, Any], size_wh: tuple[int, int]) -> Object:
    shape, name = one["shape_attributes"], one["region_attributes"]["class"]
    if shape["name"] == "rect":
        x, y = shape["x"], shape["y"]
        return Object(name, (x, y, x + shape["width"], y + shape["height"]))
    assert shape["name"] == "polygon"
    return outlined(name, [list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))], size_wh)


def csv_boxes(out: Path, _: str) -> Found:
    """As TensorFlow's object detection has it; an image without a row has no objects."""
    found: Found = {}
    for split in ("train", "val"):
        found |= {(split, image.stem): [] for image in images_in(out / split)}
        with (out / split / "_annotations.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                image = out / split / row["filename"]
                assert size_of(image) == (int(row["width"]), int(row["height"]))
                x0, y0, x1, y1 = (float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
                found[split, image.stem].append(Object(row["class"], (x0, y0, x1, y1)))
    return found


def imagefolder(out: Path, _: str) -> Found:
    """By Hugging Face's own library."""
    from datasets import Image as ImageColumn
    from datasets import load_dataset

    data = load_dataset("imagefolder", data_dir=str(out), cache_dir=str(out / ".cache"))
    found: Found = {}
    for split, name in (("train", "train"), ("val", "validation")):
        for row in data[name].cast_column("image", ImageColumn(decode=False)):
            objects = row["objects"]
            boxes = zip(objects["categories"], objects["bbox"], strict=True)
            found[split, Path(row["image"]["path"]).stem] = [
                Object(category, (x, y, x + w, y + h)) for category, (x, y, w, h) in boxes
            ]
    return found

"""Scenes of ellipses in flat colours, one colour a class, written as sets of several formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tests.support.painted_objects import bounds

SIZE_WH = (160, 120)
GROUND = (120, 120, 120)
COLOURS: Mapping[str, tuple[int, int, int]] = {"red": (230, 30, 30), "green": (30, 200, 30), "blue": (40, 60, 240)}
CLASSES = tuple(COLOURS)

Pixels = np.ndarray[Any, Any]
Ellipses = list[tuple[str, tuple[int, int, int, int]]]

SCENES: dict[str, Ellipses] = {
    "a": [("red", (20, 15, 52, 47)), ("green", (90, 20, 130, 44))],
    "b": [("blue", (60, 60, 84, 100))],
    "c": [("green", (30, 70, 70, 94)), ("red", (100, 30, 126, 56)), ("blue", (100, 80, 130, 104))],
    "d": [("red", (64, 44, 96, 76))],
}


def painted(ellipses: Ellipses, size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    image = Image.new("RGB", size_wh, GROUND)
    for name, (x0, y0, x1, y1) in ellipses:
        ImageDraw.Draw(image).ellipse((x0, y0, x1 - 1, y1 - 1), fill=COLOURS[name])
    return image


def bitmap(ellipse: tuple[int, int, int, int], size_wh: tuple[int, int] = SIZE_WH) -> Pixels:
    x0, y0, x1, y1 = ellipse
    mask = Image.new("1", size_wh)
    ImageDraw.Draw(mask).ellipse((x0, y0, x1 - 1, y1 - 1), fill=1)
    return np.asarray(mask)


def visible(image: Image.Image, name: str) -> Pixels:
    """The pixels that are nearer to the colour of a class than to any other, the ground included."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    known = np.array([*COLOURS.values(), GROUND])
    nearest = np.abs(pixels[:, :, None] - known).sum(-1).argmin(-1)
    return np.asarray(nearest == CLASSES.index(name))


def rings(mask: Pixels) -> list[list[float]]:
    """The outline of a bitmap along the borders of its pixels, row by row, as COCO writes it."""
    rows = np.flatnonzero(mask.any(1))
    left = [(float(np.flatnonzero(mask[y])[0]), float(y + down)) for y in rows for down in (0, 1)]
    right = [(float(np.flatnonzero(mask[y])[-1] + 1), float(y + down)) for y in rows[::-1] for down in (1, 0)]
    return [[value for point in (*left, *right) for value in point]]


def run_lengths(mask: Pixels) -> dict[str, Any]:
    flat = mask.T.ravel().astype(int)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    return {"size": list(mask.shape), "counts": np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()}


def write_images(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, ellipses in SCENES.items():
        painted(ellipses).save(folder / f"{name}.png")


def write_coco(folder: Path, packed: bool = False) -> Path:
    """Outlines, or bitmaps as run lengths."""
    write_images(folder)
    images, annotations = [], []
    for number, (name, ellipses) in enumerate(SCENES.items(), 1):
        images.append({"id": number, "file_name": f"{name}.png", "width": SIZE_WH[0], "height": SIZE_WH[1]})
        for kind, ellipse in ellipses:
            mask = bitmap(ellipse)
            x0, y0, x1, y1 = bounds(mask)
            where = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": int(mask.sum()), "iscrowd": 0}
            segmentation = run_lengths(mask) if packed else rings(mask)
            own = {"id": len(annotations) + 1, "image_id": number, "category_id": CLASSES.index(kind) + 7}
            annotations.append({**own, **where, "segmentation": segmentation})
    categories = [{"id": i + 7, "name": name} for i, name in enumerate(CLASSES)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def write_yolo(folder: Path, outlines: bool = False) -> Path:
    """Boxes or outlines; the image "d" has no label file if it has no object."""
    write_images(folder / "images" / "train")
    (folder / "labels" / "train").mkdir(parents=True)
    for name, ellipses in SCENES.items():
        lines = []
        for kind, ellipse in ellipses:
            mask = bitmap(ellipse)
            x0, y0, x1, y1 = bounds(mask)
            values = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
            shares = [v / SIZE_WH[i % 2] for i, v in enumerate(rings(mask)[0] if outlines else values)]
            lines.append(f"{CLASSES.index(kind)} {' '.join(map(str, shares))}\n")
        (folder / "labels" / "train" / f"{name}.txt").write_text("".join(lines))
    painted([]).save(folder / "images" / "train" / "empty.png")
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/train\nnames: {list(CLASSES)}\n")
    return folder


def write_masks(folder: Path) -> Path:
    """A mask of classes for each image."""
    write_images(folder / "images")
    (folder / "masks").mkdir()
    for name, ellipses in SCENES.items():
        Image.fromarray(class_values(ellipses)).save(folder / "masks" / f"{name}.png")
    return folder


def write_voc(folder: Path, masks: bool = True) -> Path:
    """Boxes, and masks of classes and of objects."""
    write_images(folder / "JPEGImages")
    parts = ("Annotations", *(("SegmentationClass", "SegmentationObject") if masks else ()))
    for part in parts:
        (folder / part).mkdir()
    for name, ellipses in SCENES.items():
        objects = ""
        for kind, ellipse in ellipses:
            x0, y0, x1, y1 = map(int, bounds(bitmap(ellipse)))
            box = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            objects += f"<object><name>{kind}</name><pose>Left</pose><bndbox>{box}</bndbox></object>"
        size = f"<size><width>{SIZE_WH[0]}</width><height>{SIZE_WH[1]}</height><depth>3</depth></size>"
        text = f"<annotation><filename>{name}.png</filename>{size}{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
        if masks:
            single = np.zeros(SIZE_WH[::-1], np.uint8)
            for number, (_, ellipse) in enumerate(ellipses, 1):
                single[bitmap(ellipse)] = number
            for part, values in (("SegmentationClass", class_values(ellipses)), ("SegmentationObject", single)):
                in_palette(values).save(folder / part / f"{name}.png")
    return folder


def write_panoptic(folder: Path) -> Path:
    """A PNG of segments for each image: sky, which is stuff, and the objects."""
    write_images(folder / "images")
    (folder / "panoptic").mkdir()
    images, annotations = [], []
    for number, (name, ellipses) in enumerate(SCENES.items(), 1):
        ids = np.full(SIZE_WH[::-1], 9)
        segments = [{"id": 9, "category_id": 1, "iscrowd": 0, "area": 0, "bbox": [0, 0, 1, 1]}]
        for place, (kind, ellipse) in enumerate(ellipses):
            ids[bitmap(ellipse)] = 300 + place
            where = {"area": 0, "bbox": [0, 0, 1, 1], "iscrowd": 0}
            segments.append({"id": 300 + place, "category_id": CLASSES.index(kind) + 7, **where})
        colours = np.stack([ids & 255, ids >> 8, ids >> 16], -1).astype(np.uint8)
        Image.fromarray(colours).save(folder / "panoptic" / f"{name}.png")
        images.append({"id": number, "file_name": f"{name}.png", "width": SIZE_WH[0], "height": SIZE_WH[1]})
        annotations.append({"image_id": number, "file_name": f"{name}.png", "segments_info": segments})
    kinds = [{"id": i + 7, "name": name, "isthing": 1} for i, name in enumerate(CLASSES)]
    categories = [{"id": 1, "name": "sky", "isthing": 0}, *kinds]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "panoptic.json").write_text(json.dumps(content))
    return folder


def class_values(ellipses: Ellipses) -> Pixels:
    """1 to 3 for the classes, 0 for the ground."""
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    for kind, ellipse in ellipses:
        values[bitmap(ellipse)] = CLASSES.index(kind) + 1
    return values


def in_palette(values: Pixels) -> Image.Image:
    image = Image.fromarray(values).convert("P")
    image.frombytes(values.tobytes())
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128])
    return image

"""Finished sets as those who train on them open them: each gives {picture: its boxes} by the tool's own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

Boxes = dict[str, list[tuple[str, tuple[float, float, float, float]]]]


def ultralytics(data_yaml: Path, split: str) -> Boxes:
    """What Ultralytics does with data.yaml, written after its documentation: "images" in a path becomes "labels", a
    picture without a label file is background, a line is a box or a polygon, every number lies in 0..1, and no class
    is beyond the names."""
    content = yaml.safe_load(data_yaml.read_text("utf-8"))
    names = content["names"]
    names = dict(enumerate(names)) if isinstance(names, list) else names
    assert sorted(names) == list(range(len(names)))
    assert content["train"]
    assert content["val"]
    root = data_yaml.parent / content.get("path", "")
    pictures: list[Path] = []
    given = content[split]
    for place in given if isinstance(given, list) else [given]:
        path = (root / place).resolve()
        assert path.exists(), place
        if path.is_dir():
            pictures += [p for p in path.rglob("*.*") if p.suffix.lower() in {".jpg", ".png"}]
        else:
            pictures += [(path.parent / line).resolve() for line in path.read_text("utf-8").splitlines()]
    found: Boxes = {}
    for picture in sorted(pictures):
        with Image.open(picture) as opened:
            width, height = opened.size
        before, _, after = str(picture).rpartition("/images/")
        label = Path(f"{before}/labels/{after}").with_suffix(".txt")
        found[picture.stem] = []
        for line in label.read_text("utf-8").splitlines() if label.exists() else ():
            number, *words = line.split()
            values = np.array(words, float)
            assert ((values >= 0) & (values <= 1)).all(), line
            if len(values) == 4:
                x, y, w, h = values
                box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            else:
                assert len(values) >= 6
                points = values.reshape(-1, 2) * (width, height)
                box = (*points.min(0), *points.max(0))
            found[picture.stem].append((names[int(number)], tuple(map(float, box))))
    return found


def pycocotools(file: Path, pictures: Path) -> Boxes:
    """By COCO's own library, which also draws every mask; file_name is seen from `pictures`."""
    from pycocotools.coco import COCO

    coco = COCO(str(file))
    assert len(coco.imgs) == len(coco.dataset["images"])  # no id twice
    assert len(coco.anns) == len(coco.dataset["annotations"])
    found: Boxes = {}
    for number, image in coco.imgs.items():
        with Image.open(pictures / image["file_name"]) as opened:
            assert opened.size == (image["width"], image["height"])
        found[Path(image["file_name"]).stem] = []
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[number])):
            x, y, w, h = annotation["bbox"]
            if annotation.get("segmentation"):
                assert coco.annToMask(annotation).shape == (image["height"], image["width"])
            name = coco.cats[annotation["category_id"]]["name"]
            found[Path(image["file_name"]).stem].append((name, (x, y, x + w, y + h)))
    return found


def supervision(data: Any) -> Boxes:
    """A supervision DetectionDataset."""
    found: Boxes = {}
    for path, _, detections in data:
        boxes = zip(detections.class_id, detections.xyxy.tolist(), strict=True)
        found[Path(path).stem] = [(data.classes[number], tuple(box)) for number, box in boxes]
    return found


def by_eye(picture: Path, colours: dict[str, tuple[int, int, int]], brightness: float) -> Any:
    """The boxes of coloured areas in the pixels themselves; brightness: what the test's engine multiplies by."""
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    found = []
    for name, colour in colours.items():
        near = (np.abs(pixels - np.array(colour) * brightness).max(-1)) < 45
        if near.sum() > 30:
            rows, columns = np.flatnonzero(near.sum(1) > 3), np.flatnonzero(near.sum(0) > 3)
            found.append((name, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)))
    return found


def loads_as_imagefolder(folder: Path, cache: Path) -> Any:
    from datasets import load_dataset

    return load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(cache))


def json_of(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))

"""YOLO sets as Ultralytics opens them, written after its documentation: each check that makes it refuse a file fails.

A set is trained for one task. "detect": lines of five numbers; "segment": longer ones; "obb": four corners; "pose": a
box and the keypoints that kpt_shape says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass
class Read:
    """One image. boxes: (N, 4) of x0, y0, x1, y1 in pixels; points: (N, K, 2) of corners or keypoints in pixels;
    visible: (N, K), how visible each keypoint is, where the set says so."""

    size_wh: tuple[int, int]
    classes: list[str]
    boxes: np.ndarray[Any, Any]
    points: list[np.ndarray[Any, Any]]
    visible: list[np.ndarray[Any, Any]]


def read_set(data: Path, split: str, task: str = "detect") -> dict[str, Read]:
    """{path of the image, seen from data.yaml: what is labelled in it}."""
    content = yaml.safe_load(data.read_text("utf-8"))
    assert content["train"]
    assert content["val"]
    names = _names(content)
    root = data.parent / content.get("path", "")
    found = {}
    given = content[split]
    for place in given if isinstance(given, list) else [given]:
        path = (root / place).resolve()
        assert path.exists(), f"{place} does not exist"
        for image in _images(path):
            assert image.is_file(), f"{image} does not exist"
            found[image.relative_to(data.parent.resolve()).as_posix()] = read_image(image, names, content, task)
    return found


def read_image(image: Path, names: dict[int, str], content: dict[str, Any], task: str) -> Read:
    """One image with its label file."""
    with Image.open(image) as opened:
        width, height = opened.size
    before, _, after = str(image).rpartition("/images/")
    label = Path(f"{before}/labels/{after}" if before else image).with_suffix(".txt")
    lines = [line.split() for line in label.read_text("utf-8").splitlines() if line] if label.is_file() else []
    rows = [np.array(line, float) for line in lines]
    assert len({tuple(row) for row in rows}) == len(rows), f"{label} has a line twice"
    read = Read((width, height), [], np.zeros((len(rows), 4)), [], [])
    for number, row in enumerate(rows):
        values = row[1:]
        assert row[0] in names, f"{label}: class {row[0]}"
        read.classes.append(names[int(row[0])])
        boxed, points = _parts(values, content, task)
        places = points[:, :2]
        assert ((places >= 0) & (places <= 1)).all(), f"{label}: coordinates out of bounds: {values}"
        assert ((boxed >= 0) & (boxed <= 1)).all(), f"{label}: coordinates out of bounds: {values}"
        x, y, w, h = boxed
        read.boxes[number] = (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
        read.points.append(points[:, :2] * (width, height))
        read.visible.append(points[:, 2:].ravel())
    return read


def _parts(values: np.ndarray[Any, Any], content: dict[str, Any], task: str) -> tuple[Any, Any]:
    """(centre and size of the box, points) of one line."""
    if task == "pose":
        count, dimensions = content["kpt_shape"]
        assert len(values) == 4 + count * dimensions, f"{len(values)} numbers, for {content['kpt_shape']}"
        keypoints = values[4:].reshape(count, dimensions)
        assert dimensions == 2 or set(keypoints[:, 2]) <= {0, 1, 2}
        assert sorted(content.get("flip_idx", range(count))) == list(range(count))
        return values[:4], keypoints
    if task == "detect":
        assert len(values) == 4, f"{len(values)} numbers of a box"
        return values, np.zeros((0, 2))
    assert len(values) == 8 if task == "obb" else len(values) >= 6 and len(values) % 2 == 0, values
    points = values.reshape(-1, 2)
    low, high = points.min(0), points.max(0)
    return np.concatenate([(low + high) / 2, high - low]), points


def _names(content: dict[str, Any]) -> dict[int, str]:
    if "names" not in content:
        return {number: f"class_{number}" for number in range(content["nc"])}
    names = content["names"]
    names = dict(enumerate(names)) if isinstance(names, list) else names
    assert sorted(names) == list(range(len(names)))
    assert all(isinstance(name, str) for name in names.values()), names
    assert content.get("nc", len(names)) == len(names)
    return dict(names)


def _images(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p.resolve() for p in path.rglob("*.*") if p.suffix.lower() in _IMAGES)
    lines = path.read_text("utf-8").splitlines()
    # Only "./" is seen from the list; any other relative path from where the training was started.
    return [(path.parent / line).resolve() if line.startswith("./") else Path(line).resolve() for line in lines]

"""The small labelled set as annotation tools write it: boxes of whole pixels on known images."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

Object = tuple[str, int, int, int, int]  # category, x0, y0, x1, y1
Images = Sequence[tuple[str, str, list[Object]]]  # split, stem, objects
Files = dict[str, bytes]
Photo = Callable[[list[Object]], bytes]


def labelme_shape(one: Object, kind: str = "rectangle") -> dict[str, Any]:
    category, x0, y0, x1, y1 = one
    corners = [[x0, y0], [x1, y1]] if kind == "rectangle" else [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return {
        "label": category,
        "points": [[float(x), float(y)] for x, y in corners],
        "group_id": None,
        "description": "seen from afar",
        "shape_type": kind,
        "flags": {"occluded": True},
    }


def labelme_file(stem: str, objects: list[Object], size_wh: tuple[int, int], **other: Any) -> bytes:
    content = {
        "version": "5.5.0",
        "flags": {"night": True},
        "shapes": [labelme_shape(one, "rectangle" if i % 2 else "polygon") for i, one in enumerate(objects)],
        "imagePath": f"{stem}.jpg",
        "imageData": "aGVsbG8=",
        "imageHeight": size_wh[1],
        "imageWidth": size_wh[0],
        **other,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def labelme(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/... with a JSON file beside each image."""
    files: Files = {}
    for split, stem, objects in images:
        files[f"{split}/{stem}.jpg"] = photo(objects)
        files[f"{split}/{stem}.json"] = labelme_file(stem, objects, size_wh)
    return files


def supervisely_object(one: Object, kind: str = "rectangle") -> dict[str, Any]:
    category, x0, y0, x1, y1 = one
    corners = [[x0, y0], [x1, y1]] if kind == "rectangle" else [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return {
        "id": 497521359,
        "classTitle": category,
        "description": "",
        "geometryType": kind,
        "tags": [{"name": "occluded", "value": None, "labelerLogin": "max"}],
        "points": {"exterior": corners, "interior": []},
    }


def supervisely_file(objects: list[dict[str, Any]], size_wh: tuple[int, int], *tags: str) -> bytes:
    content = {
        "description": "",
        "tags": [{"name": name, "value": None} for name in tags],
        "size": {"height": size_wh[1], "width": size_wh[0]},
        "objects": objects,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def supervisely_meta(*classes: str) -> bytes:
    titles = [{"title": name, "shape": "any", "color": "#0000FF"} for name in classes]
    tags = [{"name": "occluded", "value_type": "none", "color": "#00FF00"}]
    return json.dumps({"classes": titles, "tags": tags, "projectType": "images"}, ensure_ascii=False).encode()


def supervisely(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/img and SPLIT/ann, and meta.json."""
    files: Files = {}
    for split, stem, objects in images:
        kinds = ("polygon", "rectangle")
        found = [supervisely_object(one, kinds[i % 2]) for i, one in enumerate(objects)]
        files[f"{split}/img/{stem}.jpg"] = photo(objects)
        files[f"{split}/ann/{stem}.jpg.json"] = supervisely_file(found, size_wh)
    names = dict.fromkeys(one[0] for _, _, objects in images for one in objects)
    return files | {"meta.json": supervisely_meta(*names)}


Drawn = tuple[str, str, list[tuple[float, float]]]  # category, "box" or "polygon", corners


def labelme_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """One image, a.png, in the folder pictures, and its label file in another, as Windows writes the way to it."""
    kinds = {"box": "rectangle", "polygon": "polygon"}
    shapes = [
        {"label": category, "points": [ring[0], ring[2]] if kind == "box" else ring, "shape_type": kinds[kind]}
        for category, kind, ring in drawn
    ]
    content = {
        "shapes": shapes,
        "imagePath": "..\\pictures\\a.png",
        "imageWidth": size_wh[0],
        "imageHeight": size_wh[1],
    }
    return {"pictures/a.png": picture, "json/a.json": json.dumps({"version": "5", "flags": {}, **content}).encode()}


def supervisely_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """One image, a.png, and its label file, which an older program named without the image's ending."""
    objects = [
        {
            "classTitle": category,
            "geometryType": "rectangle" if kind == "box" else "polygon",
            "points": {"exterior": [ring[0], ring[2]] if kind == "box" else ring, "interior": []},
        }
        for category, kind, ring in drawn
    ]
    names = dict.fromkeys(category for category, _, _ in drawn)
    return {
        "project/ds/img/a.png": picture,
        "project/ds/ann/a.json": supervisely_file(objects, size_wh),
        "project/meta.json": supervisely_meta(*names),
    }


DRAWN: dict[str, Callable[[list[Drawn], bytes, tuple[int, int]], Files]] = {
    "labelme": labelme_drawn,
    "supervisely": supervisely_drawn,
}

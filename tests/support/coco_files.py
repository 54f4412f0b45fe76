"""Small COCO files: images of which no two are alike, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, Gathered

SIZE_WH = (32, 24)
BOX = [4, 3, 10, 8]


def photos(*names: str) -> Files:
    return {name: jpeg(SIZE_WH, seed) for seed, name in enumerate(names)}


def image(number: Any, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": SIZE_WH[0], "height": SIZE_WH[1], **more}


def annotation(number: Any, of: Any, category: Any = 1, **more: Any) -> dict[str, Any]:
    fields = {"bbox": BOX, "area": 80, "iscrowd": 0}
    return {"id": number, "image_id": of, "category_id": category, **fields, **more}


def content(
    images: list[Any], annotations: list[Any], categories: Any = ({"id": 1, "name": "car"}, {"id": 2, "name": "bus"})
) -> bytes:
    listed = list(categories) if isinstance(categories, tuple) else categories
    return json.dumps({"images": images, "annotations": annotations, "categories": listed}).encode()


def objects(found: Gathered) -> Mapping[str, list[tuple[str, Any]]]:
    """(class, box) of every object of each image that has labels."""
    sources = [source for source in (*found.sources, *found.holdout) if source.labels is not None]
    return {
        source.path: [(shape.category, shape.box) for shape in source.labels.load().shapes]
        for source in sources
        if source.labels is not None
    }

"""The small labelled set in formats of outlines: COCO panoptic, DOTA, YOLO with rotated boxes, darknet's YOLO."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from PIL import Image

from tests.support.image_files import encoded
from tests.support.tool_sets import Files, Images, Photo

_SEGMENT = 300  # ids of segments are numbers of three bytes


def panoptic(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/..., annotations/panoptic_SPLIT.json, and a PNG for each image in the folder of its name."""
    files: Files = {}
    width, height = size_wh
    names = sorted({one[0] for _, _, objects in images for one in objects})
    categories = [{"id": number, "name": name, "isthing": 1} for number, name in enumerate(names, 1)]
    for split in ("train", "val", "test"):
        listed, annotations = [], []
        for number, (_, stem, objects) in enumerate(one for one in images if one[0] == split):
            ids = np.zeros((height, width), int)
            segments: list[dict[str, Any]] = []
            for place, (category, x0, y0, x1, y1) in enumerate(objects):
                ids[y0:y1, x0:x1] = _SEGMENT + place
                box, area = [x0, y0, x1 - x0, y1 - y0], (x1 - x0) * (y1 - y0)
                segment = {"id": _SEGMENT + place, "category_id": names.index(category) + 1, "iscrowd": 0}
                segments.append({**segment, "bbox": box, "area": area})
            pixels = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
            files[f"{split}/{stem}.jpg"] = photo(objects)
            files[f"annotations/panoptic_{split}/{stem}.png"] = encoded(Image.fromarray(pixels))
            listed.append({"id": number, "file_name": f"{stem}.jpg", "width": width, "height": height})
            annotations.append({"image_id": number, "file_name": f"{stem}.png", "segments_info": segments})
        content = {"images": listed, "annotations": annotations, "categories": categories}
        files[f"annotations/panoptic_{split}.json"] = json.dumps(content).encode()
    return files


def dota(images: Images, photo: Photo) -> Files:
    """SPLIT/images and SPLIT/labelTxt; a class is one word."""
    files: Files = {}
    for split, stem, objects in images:
        lines = [
            f"{x0}.0 {y0}.0 {x1}.0 {y0}.0 {x1}.0 {y1}.0 {x0}.0 {y1}.0 {category.replace(' ', '-')} 0\n"
            for category, x0, y0, x1, y1 in objects
        ]
        files[f"{split}/images/{stem}.jpg"] = photo(objects)
        files[f"{split}/labelTxt/{stem}.txt"] = f"imagesource:ours\ngsd:0.1\n{''.join(lines)}".encode()
    return files

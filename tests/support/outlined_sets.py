"""One small set in every format, with all that the format can say of its objects."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from tests.support.image_files import encoded
from tests.support.outlined_objects import (
    ALL,
    AREAS,
    BITMAPS,
    BOTH,
    BOXES,
    CLASSES,
    CORNERS,
    IMAGES,
    POLYGONS,
    POSES,
    SIZE_WH,
    Drawn,
    Set,
    photo,
    pixels,
)
from tests.support.set_readers import Area, bitmap

POINT_NAMES = ("nose", "left_eye", "right_eye")
Files = dict[str, bytes]


def of_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def flat(ring: Sequence[tuple[float, ...]]) -> list[float]:
    return [value for point in ring for value in point]


def coco(objects: Set) -> Files:
    from pycocotools import mask as masks

    files: Files = {}
    for split in ("train", "val"):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for of, stem in IMAGES:
            if of != split:
                continue
            files[f"{split}/{stem}.png"] = photo(stem)
            images.append({"id": 7 * len(images) + 3, "file_name": f"{stem}.png", "width": 96, "height": 64})
            for one in objects[stem]:
                x0, y0, x1, y1 = one.around()
                made = {"id": len(annotations) + 1, "image_id": images[-1]["id"], "iscrowd": 0}
                made |= {"category_id": 5 * CLASSES.index(one.category) + 2, "bbox": [x0, y0, x1 - x0, y1 - y0]}
                made["area"] = int(pixels(one).sum()) if one.rings or one.area is not None else (x1 - x0) * (y1 - y0)
                if one.rings:
                    made["segmentation"] = [flat(ring) for ring in one.rings]
                if one.area is not None:
                    packed = masks.encode(np.asfortranarray(one.area.astype(np.uint8)))
                    made["segmentation"] = {"size": packed["size"], "counts": packed["counts"].decode()}
                if one.points:
                    made |= {"keypoints": flat(one.points), "num_keypoints": sum(v > 0 for *_, v in one.points)}
                annotations.append(made)
        points = {"keypoints": POINT_NAMES, "skeleton": [[1, 2], [1, 3]]} if objects is POSES else {}
        categories = [{"id": 5 * number + 2, "name": name, **points} for number, name in enumerate(CLASSES)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        files[f"annotations/instances_{split}.json"] = of_json(content)
    return files


def yolo(objects: Set) -> Files:
    files: Files = {}
    for split, stem in IMAGES:
        lines = []
        for one in objects[stem]:
            x0, y0, x1, y1 = one.around()
            numbers = [(x0 + x1) / 192, (y0 + y1) / 128, (x1 - x0) / 96, (y1 - y0) / 64]
            if one.rings:
                numbers = flat([(x / 96, y / 64) for x, y in one.rings[0]])
            numbers += flat([(x / 96, y / 64, v) for x, y, v in one.points])
            lines.append(f"{CLASSES.index(one.category)} {' '.join(map(str, numbers))}\n")
        files |= {f"images/{split}/{stem}.png": photo(stem), f"labels/{split}/{stem}.txt": "".join(lines).encode()}
    points = "kpt_shape: [3, 3]\nflip_idx: [0, 2, 1]\n" if objects is POSES else ""
    return files | {"data.yaml": f"train: images/train\nval: images/val\n{points}names: {list(CLASSES)}\n".encode()}


def voc(objects: Set) -> Files:
    """Its corners are whole pixels; those of these boxes are not, as several tools write them."""
    files: Files = {}
    for split, stem in IMAGES:
        found = ""
        for one in objects[stem]:
            x0, y0, x1, y1 = one.around()
            box = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            found += f"<object><name>{one.category}</name><bndbox>{box}</bndbox></object>"
        size = "<size><width>96</width><height>64</height><depth>3</depth></size>"
        xml = f"<annotation><filename>{stem}.png</filename>{size}{found}</annotation>"
        files |= {f"JPEGImages/{stem}.png": photo(stem), f"Annotations/{stem}.xml": xml.encode()}
        name = f"ImageSets/Main/{split}.txt"
        files[name] = files.get(name, b"") + f"{stem}\n".encode()
    return files


def per_image(objects: Set, content: Callable[[str, list[Drawn]], Any], label: str, image: str) -> Files:
    """Files of JSON; both names have places for the split and the stem."""
    files: Files = {}
    for split, stem in IMAGES:
        files[image.format(split, stem)] = photo(stem)
        files[label.format(split, stem)] = of_json(content(stem, objects[stem]))
    return files


def parts_of(one: Drawn) -> list[Drawn]:
    """An object as several, for formats that group its parts."""
    return [replace(one, rings=(ring,)) for ring in one.rings] or [one]


def crop_of(area: Area) -> tuple[int, int, int, int, Area]:
    x0, y0, x1, y1 = map(int, bitmap("", area).box)
    return x0, y0, x1, y1, area[y0:y1, x0:x1]


def labelme(objects: Set) -> Files:
    def shape(one: Drawn) -> dict[str, Any]:
        kind, points, more = "rectangle", [list(one.around()[:2]), list(one.around()[2:])], {}
        if one.rings:
            kind, points = "polygon", [list(point) for point in one.rings[0]]
        if one.area is not None:
            x0, y0, x1, y1, part = crop_of(one.area)
            kind, points = "mask", [[x0, y0], [x1 - 1, y1 - 1]]
            more = {"mask": base64.b64encode(encoded(Image.fromarray(part))).decode()}
        return {"label": one.category, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **more}

    def shapes(one: Drawn) -> list[dict[str, Any]]:
        parts = [shape(part) for part in parts_of(one)]
        return parts if len(parts) == 1 else [{**part, "group_id": 0} for part in parts]

    def content(stem: str, of: list[Drawn]) -> dict[str, Any]:
        where = {"imagePath": f"{stem}.png", "imageWidth": 96, "imageHeight": 64, "imageData": None}
        return {"version": "5.5.0", "flags": {}, "shapes": [part for one in of for part in shapes(one)], **where}

    return per_image(objects, content, "{}/{}.json", "{}/{}.png")


def supervisely(objects: Set) -> Files:
    def entry(one: Drawn) -> dict[str, Any]:
        (x0, y0), (x1, y1) = one.around()[:2], one.around()[2:]
        made: dict[str, Any] = {"classTitle": one.category, "geometryType": "rectangle", "tags": []}
        made["points"] = {"exterior": one.rings[0] if one.rings else [[x0, y0], [x1, y1]], "interior": []}
        if one.rings:
            made["geometryType"] = "polygon"
        if one.area is not None:
            left, top, *_, part = crop_of(one.area)
            data = base64.b64encode(zlib.compress(encoded(Image.fromarray(part)))).decode()
            made |= {"geometryType": "bitmap", "bitmap": {"origin": [left, top], "data": data}}
            made["points"] = {"exterior": [], "interior": []}
        return made

    def content(_: str, of: list[Drawn]) -> dict[str, Any]:
        return {"tags": [], "size": {"width": 96, "height": 64}, "objects": list(map(entry, of))}

    titles = [{"title": name, "shape": "any", "color": "#FF0000"} for name in CLASSES]
    files = per_image(objects, content, "{}/ann/{}.png.json", "{}/img/{}.png")
    return files | {"meta.json": of_json({"classes": titles, "tags": []})}


def cvat(objects: Set) -> Files:
    def element(one: Drawn, group: int = 0) -> str:
        head = f'label="{one.category}" occluded="0" z_order="0" group_id="{group}"'
        if len(one.rings) > 1:
            return "".join(element(part, 4) for part in parts_of(one))
        if one.rings:
            return f'<polygon {head} points="{";".join(f"{x},{y}" for x, y in one.rings[0])}"/>'
        if one.area is not None:
            x0, y0, x1, y1, part = crop_of(one.area)
            cells = np.concatenate([[0], part.reshape(-1).astype(int)])
            ends = np.flatnonzero(np.diff(cells))
            runs = ", ".join(map(str, np.diff([0, *ends, part.size]).tolist()))
            return f'<mask {head} rle="{runs}" left="{x0}" top="{y0}" width="{x1 - x0}" height="{y1 - y0}"/>'
        x0, y0, x1, y1 = one.around()
        return f'<box {head} xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"/>'

    files: Files = {f"images/{split}/{stem}.png": photo(stem) for split, stem in IMAGES}
    images = "".join(
        f'<image id="{number}" name="{stem}.png" subset="{split}" width="96" height="64">'
        f"{''.join(map(element, objects[stem]))}</image>"
        for number, (split, stem) in enumerate(IMAGES)
    )
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    return files | {"annotations.xml": f"<annotations><version>1.1</version>{meta}{images}</annotations>".encode()}


def via(objects: Set) -> Files:
    files: Files = {}
    for split in ("train", "val"):
        entries = {}
        for stem in (stem for of, stem in IMAGES if of == split):
            regions = []
            for one in objects[stem]:
                x0, y0, x1, y1 = one.around()
                shape: dict[str, Any] = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
                if one.rings:
                    xs, ys = zip(*one.rings[0], strict=True)
                    shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
                regions.append({"shape_attributes": shape, "region_attributes": {"class": one.category}})
            data = files[f"{split}/{stem}.png"] = photo(stem)
            entry = {"filename": f"{stem}.png", "size": len(data), "regions": regions, "file_attributes": {}}
            entries[f"{stem}.png{len(data)}"] = entry
        files[f"{split}/via_region_data.json"] = of_json(entries)
    return files


def createml(objects: Set) -> Files:
    files: Files = {}
    for split in ("train", "val"):
        entries = []
        for stem in (stem for of, stem in IMAGES if of == split):
            boxes = []
            for one in objects[stem]:
                x0, y0, x1, y1 = one.around()
                place = {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}
                boxes.append({"label": one.category, "coordinates": place})
            files[f"{split}/{stem}.png"] = photo(stem)
            entries.append({"image": f"{stem}.png", "annotations": boxes})
        files[f"{split}/_annotations.createml.json"] = of_json(entries)
    return files


def csv_boxes(objects: Set) -> Files:
    files: Files = {}
    for split in ("train", "val"):
        lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        for stem in (stem for of, stem in IMAGES if of == split):
            files[f"{split}/{stem}.png"] = photo(stem)
            lines += [f"{stem}.png,96,64,{one.category},{','.join(map(str, one.around()))}" for one in objects[stem]]
        files[f"{split}/_annotations.csv"] = "\n".join([*lines, ""]).encode()
    return files


def imagefolder(objects: Set) -> Files:
    files: Files = {}
    for split, folder in (("train", "train"), ("val", "validation")):
        lines = []
        for stem in (stem for of, stem in IMAGES if of == split):
            corners = [one.around() for one in objects[stem]]
            boxes = [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in corners]
            found = {"bbox": boxes, "categories": [one.category for one in objects[stem]]}
            files[f"{folder}/{stem}.png"] = photo(stem)
            lines.append(json.dumps({"file_name": f"{stem}.png", "objects": found}))
        files[f"{folder}/metadata.jsonl"] = "\n".join([*lines, ""]).encode()
    return files


def dota(objects: Set) -> Files:
    files: Files = {}
    for split, stem in IMAGES:
        lines = [
            f"{' '.join(map(str, flat(one.rings[0])))} {one.category.replace(' ', '-')} 0\n" for one in objects[stem]
        ]
        files |= {f"{split}/images/{stem}.png": photo(stem), f"{split}/labelTxt/{stem}.txt": "".join(lines).encode()}
    return files


def masks(objects: Set) -> Files:
    files: Files = {"classes.txt": "\n".join(("background", *CLASSES, "")).encode()}
    for split, stem in IMAGES:
        values = np.zeros(SIZE_WH[::-1], np.uint8)
        for one in objects[stem]:
            values[pixels(one)] = CLASSES.index(one.category) + 1
        files |= {f"images/{split}/{stem}.png": photo(stem)}
        files[f"masks/{split}/{stem}.png"] = encoded(Image.fromarray(values))
    return files


def panoptic(objects: Set) -> Files:
    files: Files = {}
    for split in ("train", "val"):
        images, annotations = [], []
        for number, stem in enumerate(stem for of, stem in IMAGES if of == split):
            colours, segments = np.zeros((*SIZE_WH[::-1], 3), np.uint8), []
            for place, one in enumerate(objects[stem], 1):
                area, (x0, y0, x1, y1) = pixels(one), bitmap("", pixels(one)).box
                colours[area] = place, 2, 0  # of the number place + 2 * 256
                where = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": int(area.sum()), "iscrowd": 0}
                segments.append({"id": place + 512, "category_id": CLASSES.index(one.category) + 1, **where})
            files[f"{split}/{stem}.png"] = photo(stem)
            files[f"annotations/panoptic_{split}/{stem}.png"] = encoded(Image.fromarray(colours))
            images.append({"id": number, "file_name": f"{stem}.png", "width": 96, "height": 64})
            annotations.append({"image_id": number, "file_name": f"{stem}.png", "segments_info": segments})
        categories = [{"id": number, "name": name, "isthing": 1} for number, name in enumerate(CLASSES, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        files[f"annotations/panoptic_{split}.json"] = of_json(content)
    return files


# Format, what writes it, and all that it can say.
SOURCES: dict[str, tuple[Callable[[Set], Files], Set]] = {
    "coco": (coco, ALL),
    "coco poses": (coco, POSES),
    "yolo": (yolo, BOXES),
    "yolo polygons": (yolo, POLYGONS),
    "yolo corners": (yolo, CORNERS),
    "yolo poses": (yolo, POSES),
    "voc": (voc, BOXES),
    "labelme": (labelme, ALL),
    "supervisely": (supervisely, BITMAPS),
    "cvat": (cvat, ALL),
    "via": (via, BOTH),
    "imagefolder": (imagefolder, BOXES),
    "createml": (createml, BOXES),
    "csv": (csv_boxes, BOXES | {"b": BOTH["b"]}),  # an image without a row is not known to be empty
    "panoptic": (panoptic, AREAS | {"b": POLYGONS["b"]}),
    "masks": (masks, AREAS | {"b": POLYGONS["b"]}),
    "dota": (dota, CORNERS),
}

"""The small labelled set in formats whose label files list many images each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.tool_sets import Drawn, Files, Images, Object, Photo


def cvat_image(number: int, split: str, stem: str, objects: list[Object], size_wh: tuple[int, int]) -> str:
    elements = []
    for i, (category, x0, y0, x1, y1) in enumerate(objects):
        place = f'xtl="{x0}.00" ytl="{y0}.00" xbr="{x1}.00" ybr="{y1}.00"'
        kind = "box"
        if i % 2:
            kind, place = "polygon", f'points="{x0}.00,{y0}.00;{x1}.00,{y0}.00;{x1}.00,{y1}.00;{x0}.00,{y1}.00"'
        elements.append(
            f'    <{kind} label="{category}" source="manual" occluded="1" {place} z_order="3">\n'
            f'      <attribute name="colour">dark &amp; red</attribute>\n    </{kind}>\n'
        )
    subset = {"train": "Train", "val": "Validation", "test": "Test"}[split]
    size = f'width="{size_wh[0]}" height="{size_wh[1]}"'
    return (
        f'  <image id="{number}" name="{stem}.jpg" subset="{subset}" task_id="7" {size}>\n{"".join(elements)}'
        f'    <tag label="night" source="manual"/>\n  </image>\n'
    )


def cvat(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """images/SUBSET/..., and one annotations.xml."""
    categories = dict.fromkeys(one[0] for _, _, objects in images for one in objects)
    labels = "".join(f"<label><name>{name}</name><type>any</type></label>" for name in [*categories, "never seen"])
    files = {f"images/{split}/{stem}.jpg": photo(objects) for split, stem, objects in images}
    rows = "".join(cvat_image(n, split, stem, objects, size_wh) for n, (split, stem, objects) in enumerate(images))
    head = f"<meta><task><name>ours</name><size>{len(images)}</size><labels>{labels}</labels></task></meta>"
    text = f"<annotations>\n  <version>1.1</version>\n  {head}\n{rows}</annotations>\n"
    return {**files, "annotations.xml": f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode()}


def cvat_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """One image, and boxes as CVAT has them, or outlines."""
    elements = []
    for category, kind, ring in drawn:
        (x0, y0), (x1, y1) = ring[0], ring[2]
        place = f'xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"'
        if kind == "polygon":
            place = 'points="' + ";".join(f"{x},{y}" for x, y in ring) + '"'
        elements.append(f'<{kind} label="{category}" occluded="0" {place} z_order="0"/>')
    image = f'<image id="0" name="a.png" width="{size_wh[0]}" height="{size_wh[1]}">{"".join(elements)}</image>'
    return {"a.png": picture, "annotations.xml": f"<annotations>{image}</annotations>".encode()}


def createml(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/... with _annotations.createml.json, as Roboflow writes it."""
    files: Files = {}
    for split in ("train", "val", "test"):
        entries = []
        for of, stem, objects in images:
            if of == split:
                files[f"{split}/{stem}.jpg"] = photo(objects)
                entries.append({"image": f"{stem}.jpg", "annotations": [createml_box(one) for one in objects]})
        files[f"{split}/_annotations.createml.json"] = json.dumps(entries).encode()
    return files


def createml_box(one: Object) -> dict[str, Any]:
    category, x0, y0, x1, y1 = one
    sides = {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}
    return {"label": category, "coordinates": sides}


def csv_boxes(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/... with _annotations.csv, as Roboflow writes it; an image without objects has no row."""
    files: Files = {}
    for split in ("train", "val", "test"):
        lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        for of, stem, objects in images:
            if of == split:
                files[f"{split}/{stem}.jpg"] = photo(objects)
                size = f"{size_wh[0]},{size_wh[1]}"
                lines += [f"{stem}.jpg,{size},{name},{x0},{y0},{x1},{y1}" for name, x0, y0, x1, y1 in objects]
        files[f"{split}/_annotations.csv"] = "".join(line + "\n" for line in lines).encode()
    return files


def via_region(one: Object, kind: str = "rect") -> dict[str, Any]:
    category, x0, y0, x1, y1 = one
    shape: dict[str, Any] = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    if kind == "polygon":
        shape = {"name": "polygon", "all_points_x": [x0, x1, x1, x0], "all_points_y": [y0, y0, y1, y1]}
    return {"shape_attributes": shape, "region_attributes": {"class": category, "seen": "from afar"}}


def via(images: Images, size_wh: tuple[int, int], photo: Photo) -> Files:
    """SPLIT/... with via_region_data.json."""
    files: Files = {}
    for split in ("train", "val", "test"):
        entries = {}
        for of, stem, objects in images:
            if of == split:
                data = files[f"{split}/{stem}.jpg"] = photo(objects)
                regions = [via_region(one, ("rect", "polygon")[i % 2]) for i, one in enumerate(objects)]
                entry = {"filename": f"{stem}.jpg", "size": len(data), "regions": regions, "file_attributes": {}}
                entries[f"{stem}.jpg{len(data)}"] = entry
        files[f"{split}/via_region_data.json"] = json.dumps(entries).encode()
    return files


def createml_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    boxes = [createml_box((name, *ring[0], *ring[2])) for name, _, ring in drawn]  # type: ignore[arg-type]
    return {"a.png": picture, "labels.json": json.dumps([{"image": "a.png", "annotations": boxes}]).encode()}


def csv_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """As RetinaNet has it: whole pixels, without a header."""
    lines = [f"a.png,{x0},{y0},{x1},{y1},{name}\n" for name, _, ((x0, y0), _, (x1, y1), _) in drawn]
    return {"a.png": picture, "boxes.csv": "".join(lines).encode()}


def via_drawn(drawn: list[Drawn], picture: bytes, size_wh: tuple[int, int]) -> Files:
    """A CSV of VIA's."""
    lines = ["filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"]
    for i, (name, kind, ring) in enumerate(drawn):
        (x0, y0), (x1, y1) = ring[0], ring[2]
        shape: dict[str, Any] = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
        if kind == "polygon":
            shape = {"name": kind, "all_points_x": [x for x, _ in ring], "all_points_y": [y for _, y in ring]}
        cells = (json.dumps(value).replace('"', '""') for value in (shape, {"name": name}))
        lines.append(f'a.png,{len(picture)},"{{}}",{len(drawn)},{i},' + ",".join(f'"{cell}"' for cell in cells) + "\n")
    return {"a.png": picture, "via.csv": "".join(lines).encode()}


BOXES_ONLY = {"createml", "csv"}  # they have no outlines
DRAWN: dict[str, Callable[[list[Drawn], bytes, tuple[int, int]], Files]] = {
    "cvat": cvat_drawn,
    "createml": createml_drawn,
    "csv": csv_drawn,
    "via": via_drawn,
}

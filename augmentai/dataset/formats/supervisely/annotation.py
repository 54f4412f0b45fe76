"""Supervisely's annotations: one JSON file per image, in `objects` one entry per figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError, Labels, Point, Polygon, Shape, box_around
from augmentai.dataset.formats.bitmaps import refuse_bitmaps
from augmentai.dataset.formats.drawn_shapes import boxed, dotted, is_same_place, masked, outlined, traced, upright
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.label_values import category, clean, plain_fields, point, rounded, whole
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.dataset.formats.supervisely.bitmap import mask_from_bitmap, mask_to_bitmap
from augmentai.images.orientation import Frame

NAME = "supervisely"  # the key of what this format keeps in `extra`
_BITMAPS = {"bitmap", "alpha_mask"}
_KINDS = "rectangle, polygon, bitmap, line, point, graph"


def is_annotation(content: object) -> bool:
    """Whether the content of a JSON file is Supervisely's of one image."""
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        return False
    return isinstance(content.get("size"), dict) or any(
        isinstance(one, dict) and "classTitle" in one for one in content["objects"]
    )


def labels_from_supervisely(content: Mapping[str, Any], file: str, frame: Frame) -> Labels:
    """Everything that one file says.

    Args:
        content: the parsed file.
        file: its path, for messages.
        frame: size and orientation of the image.

    Returns:
        The labels, in pixels of the upright image. Each object of the file is one, in its order.

    Raises:
        LabelError: an object cannot be parsed; the message names its number in the file.
    """
    stated = content.get("size") if isinstance(content.get("size"), dict) else {}
    stated_wh = whole((stated or {}).get("width")), whole((stated or {}).get("height"))
    on_stored = frame.matches_stored(stated_wh)
    size_wh = frame.stored_wh if on_stored else frame.size_wh
    check_objects(len(content["objects"]), file)
    bitmaps = sum(isinstance(raw, dict) and str(raw.get("geometryType")) in _BITMAPS for raw in content["objects"])
    refuse_bitmaps(bitmaps, size_wh, file)
    shapes = []
    for number, raw in enumerate(content["objects"]):
        try:
            shape = _shape(raw, number, size_wh)
        except ValueError as error:
            raise LabelError(f"{file}, object {number + 1}: {error}") from error
        shapes.append(upright(shape, frame) if on_stored else shape)
    extra = {NAME: content, "tags": tag_names(content)}
    return Labels(tuple(shapes), reoriented=on_stored, extra=extra, other_size_wh=frame.unlike(stated_wh))


def tag_names(content: Mapping[str, Any]) -> list[str]:
    """The tags of the whole image, by name."""
    return [name for name, _ in _tags(content)]


def class_titles(content: Mapping[str, Any]) -> set[str]:
    """The classes of the objects."""
    titles = (raw.get("classTitle") for raw in content["objects"] if isinstance(raw, dict))
    return {clean(title) for title in titles if isinstance(title, str) and clean(title)}


def objects_of_variation(labels: Labels, before: Labels, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The `objects` of a variation: what did not move as it was read, and the rest with its new place.

    Args:
        labels: the objects of the variation, in its pixels.
        before: those of its source, as they were read.
        losses: what cannot be written is added to these.
    """
    raws = before.extra[NAME]["objects"]
    written: list[dict[str, Any]] = []
    for shape in labels.shapes:
        number = shape.extra.get(NAME)
        if not isinstance(number, int):
            written += new_objects(shape)
        elif not before.reoriented and is_same_place(shape, before.shapes[number]):
            written.append(dict(raws[number]))
        else:
            written += _moved(shape, raws[number], losses)
    return written


def new_objects(shape: Shape) -> list[dict[str, Any]]:
    """An object that came from another format, one entry per piece: a bitmap, else its outlines and lines, else its
    box."""
    rest = {"classTitle": shape.category, "description": "", "tags": []}
    if shape.mask is not None:
        return [{**rest, "geometryType": "bitmap", "bitmap": mask_to_bitmap(shape.mask)}]
    pieces = [{**rest, "geometryType": "polygon", **area} for ring in shape.polygons for area in _areas(ring)]
    kinds = [("line" if len(line) > 1 else "point", line) for line in shape.lines]
    pieces += [{**rest, "geometryType": kind, **_points(line)} for kind, line in kinds]
    if not pieces and shape.box is not None:
        x0, y0, x1, y1 = shape.box
        pieces.append({**rest, "geometryType": "rectangle", **_points(((x0, y0), (x1, y1)))})
    return pieces


def _shape(raw: object, number: int, size_wh: tuple[int, int]) -> Shape:
    if not isinstance(raw, dict):
        raise ValueError(f"found {short(raw)}; expected a mapping with classTitle and geometryType")  # noqa: TRY004
    name = category(raw.get("classTitle"), "its classTitle")
    fields = plain_fields(**{"description": raw.get("description"), **dict(_tags(raw))})
    return _placed(name, raw, {NAME: number, "fields": fields}, size_wh)


def _placed(name: str, raw: Mapping[str, Any], extra: dict[str, Any], size_wh: tuple[int, int]) -> Shape:
    kind = str(raw.get("geometryType"))
    if kind in _BITMAPS:
        return masked(name, mask_from_bitmap(raw.get("bitmap"), size_wh), extra)
    if kind == "graph":
        nodes = _nodes(raw, name)
        box = box_around(tuple(nodes.values()))
        return Shape(name, box, extra=extra, keypoints=tuple((x, y, 2.0) for x, y in nodes.values()))
    exterior, interior = _rings(raw, name)
    if kind == "rectangle" and len(exterior) == 2:
        return boxed(name, *exterior, extra)
    if kind == "polygon":
        outer = outlined(name, exterior, extra)
        holes = [ring for ring in interior if len(ring) > 2]
        from augmentai.clipping import joined_by_seams  # loads shapely

        return replace(outer, polygons=(joined_by_seams(outer.polygons[0], holes),))
    if kind in {"line", "polyline"}:
        return traced(name, exterior, extra)
    if kind == "point":
        return dotted(name, exterior, extra)
    if exterior:  # a kind that is known by its points alone: a box around them goes with it as long as nothing moves
        return Shape(name, box_around(exterior), extra=extra)
    raise ValueError(f"the geometryType of {name} is {kind}; expected {_KINDS}")


def _nodes(raw: Mapping[str, Any], name: str) -> dict[str, Point]:
    nodes = raw.get("nodes")
    if not isinstance(nodes, dict) or not nodes:
        raise ValueError(f"nodes of {name} is {short(nodes)}; expected a mapping with loc: [x, y]")
    return {
        key: point(node.get("loc") if isinstance(node, dict) else node, f"node {short(key)} of {name}")
        for key, node in nodes.items()
    }


def _rings(raw: Mapping[str, Any], name: str) -> tuple[Polygon, list[Polygon]]:
    """(the outer ring or the points of an object, the rings of its holes)."""
    points = raw.get("points")
    points = points if isinstance(points, dict) else {"exterior": points}
    exterior, interior = points.get("exterior") or [], points.get("interior") or []
    if not isinstance(exterior, list) or not isinstance(interior, list):
        raise ValueError(f"points of {name} is {short(points)}; expected exterior and interior")  # noqa: TRY004
    outer = tuple(point(one, f"point {i} of {name}") for i, one in enumerate(exterior, 1))
    holes = [tuple(point(one, f"a hole of {name}") for one in ring) for ring in interior if isinstance(ring, list)]
    return outer, holes


def _moved(shape: Shape, raw: Mapping[str, Any], losses: dict[str, None]) -> list[dict[str, Any]]:
    """The entries of an object at its new place; its tags go with it."""
    kind = str(raw.get("geometryType"))
    entry = {key: value for key, value in raw.items() if key != "id"}  # which is one object's alone
    named = without_places(dict(_tags(raw)), losses, "tags.")
    if isinstance(raw.get("tags"), list):
        entry["tags"] = [tag for tag in raw["tags"] if not isinstance(tag, dict) or str(tag.get("name")) in named]
    if shape.mask is not None:
        if kind == "alpha_mask":
            losses.setdefault("alpha masks lose their partial transparency in geometrically transformed images")
        return [{**entry, "bitmap": mask_to_bitmap(shape.mask)}]
    if kind == "graph":
        nodes = zip(raw["nodes"].items(), shape.keypoints, strict=True)
        moved = {key: {**node, "loc": [rounded(x), rounded(y)]} for (key, node), (x, y, visible) in nodes if visible}
        return [{**entry, "nodes": moved}] if moved else []
    if kind == "rectangle" and shape.box is not None:
        x0, y0, x1, y1 = shape.box
        return [{**entry, **_points(((x0, y0), (x1, y1)))}]
    if kind == "polygon":
        return [{**entry, **area} for ring in shape.polygons for area in _areas(ring)]
    if kind in {"line", "polyline", "point"}:
        return [{**entry, **_points(line)} for line in shape.lines]
    losses.setdefault(f"objects of the kind {kind} are removed from geometrically transformed images")
    return []


def _areas(ring: Polygon) -> list[dict[str, Any]]:
    """The `points` of each area of an outline, whose holes are joined to it by seams."""
    from augmentai.clipping import areas_of  # loads shapely

    return [_points(outer, holes) for outer, holes in areas_of(ring)]


def _points(outer: Polygon, holes: tuple[Polygon, ...] = ()) -> dict[str, Any]:
    listed = [[[rounded(x), rounded(y)] for x, y in ring] for ring in (outer, *holes)]
    return {"points": {"exterior": listed[0], "interior": listed[1:]}}


def _tags(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(name, value or True) of each tag."""
    tags = content.get("tags")
    found = [tag for tag in tags if isinstance(tag, dict) and tag.get("name")] if isinstance(tags, list) else []
    return [(str(tag["name"]), True if tag.get("value") is None else tag["value"]) for tag in found]

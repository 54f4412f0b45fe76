"""LabelMe's JSON, which X-AnyLabeling writes as well: one file per image, in `shapes` one entry per drawn shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError, Labels, Point, Polygon, Shape
from augmentai.dataset.formats.bitmaps import refuse_bitmaps
from augmentai.dataset.formats.drawn_shapes import (
    boxed,
    dotted,
    elliptic,
    foreign_attributes,
    is_same_place,
    masked,
    outlined,
    traced,
    upright,
)
from augmentai.dataset.formats.ellipses import Ellipse, fitted_ellipse
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.label_values import category, clean, plain_fields, point, rounded, whole
from augmentai.dataset.formats.labelme.mask_crop import mask_from_crop, mask_to_crop
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.dataset.formats.rotated_boxes import fitted_corners
from augmentai.images.orientation import Frame
from augmentai.plurals import counted

NAME = "labelme"  # the key of what this format keeps in `extra`
_ROTATED = {"rotation", "oriented_rectangle"}
_OWN = {"label", "points", "shape_type", "group_id", "description", "flags", "attributes", "mask", "direction"}
_AREAS = {"polygon", "quadrilateral"}
_PATHS = {"line", "linestrip"}


def is_labelme(content: object) -> bool:
    """Whether the content of a JSON file is LabelMe's."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("shapes"), list)
        and any(key in content for key in ("imagePath", "imageData", "imageHeight"))
    )


def labels_from_labelme(content: Mapping[str, Any], file: str, frame: Frame) -> Labels:
    """Everything that one file says.

    Args:
        content: the parsed file.
        file: its path, for messages.
        frame: size and orientation of the image.

    Returns:
        The labels, in pixels of the upright image. Each shape of the file is one, in its order.

    Raises:
        LabelError: a shape cannot be parsed; the message names its number in the file.
    """
    stated_wh = whole(content.get("imageWidth")), whole(content.get("imageHeight"))
    on_stored = frame.matches_stored(stated_wh)
    size_wh = frame.stored_wh if on_stored else frame.size_wh
    check_objects(len(content["shapes"]), file)
    bitmaps = sum(isinstance(raw, dict) and raw.get("shape_type") == "mask" for raw in content["shapes"])
    refuse_bitmaps(bitmaps, size_wh, file)
    shapes = []
    for number, raw in enumerate(content["shapes"]):
        try:
            shape = _shape(raw, number, size_wh)
        except ValueError as error:
            raise LabelError(f"{file}, shape {number + 1}: {error}") from error
        shapes.append(upright(shape, frame) if on_stored else shape)
    kept = {key: value for key, value in content.items() if key != "imageData"}
    extra = {NAME: kept, "tags": _true_flags(content)}
    return Labels(tuple(shapes), reoriented=on_stored, extra=extra, other_size_wh=frame.unlike(stated_wh))


def shapes_to_labelme(labels: Labels, before: Labels, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The `shapes` of a variation: what did not move as it was read, and the rest with its new place.

    Args:
        labels: the objects of the variation, in its pixels.
        before: those of its source, as they were read.
        losses: what cannot be written is added to these.
    """
    raws: Sequence[Mapping[str, Any]] = before.extra[NAME]["shapes"]
    groups = [raw.get("group_id") for raw in raws]
    next_group = max((group for group in groups if isinstance(group, int)), default=0) + 1
    written: list[dict[str, Any]] = []
    for shape in labels.shapes:
        number = shape.extra.get(NAME)
        if not isinstance(number, int):
            pieces = new_shapes(shape)
        elif not before.reoriented and is_same_place(shape, before.shapes[number]):
            pieces = [dict(raws[number])]
        else:
            pieces = _moved(shape, raws[number], losses)
        if len(pieces) > 1 and pieces[0].get("group_id") is None:  # the pieces of one object, as LabelMe says it
            pieces = [{**piece, "group_id": next_group} for piece in pieces]
            next_group += 1
        written += pieces
    return written


def unplaced_flags(content: Mapping[str, Any], losses: dict[str, None]) -> dict[str, Any]:
    """The flags of an image whose pixels moved, as a part of its file, without those of a side ("facing_left").

    Args:
        content: the file as it was read.
        losses: what is removed is added to these.
    """
    flags = content.get("flags")
    return {"flags": without_places(flags, losses, "flags.")} if isinstance(flags, dict) else {}


def new_shapes(shape: Shape) -> list[dict[str, Any]]:
    """An object that came from another format, one entry per piece: a bitmap, else its outlines and lines, else its
    box. Its attributes are kept as X-AnyLabeling has them.
    """
    attributes = foreign_attributes(shape)
    rest: dict[str, Any] = {"group_id": None, "description": "", "flags": {}}
    if attributes:
        rest["attributes"] = attributes
    if shape.mask is not None:
        return [_entry(shape.category, "mask", **mask_to_crop(shape.mask), **rest)]
    pieces = [_entry(shape.category, "polygon", points=_points(ring), **rest) for ring in shape.polygons]
    for line in shape.lines:
        kind = {1: "point", 2: "line"}.get(len(line), "linestrip")
        pieces.append(_entry(shape.category, kind, points=_points(line), **rest))
    if not pieces and shape.box is not None:
        x0, y0, x1, y1 = shape.box
        pieces.append(_entry(shape.category, "rectangle", points=_points(((x0, y0), (x1, y1))), **rest))
    return pieces


def _shape(raw: object, number: int, size_wh: tuple[int, int]) -> Shape:
    if not isinstance(raw, dict):
        raise ValueError(f"found {short(raw)}; expected a mapping with label, points and shape_type")  # noqa: TRY004
    name = category(raw.get("label"))
    listed = raw.get("points")
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"points of {name} is {short(listed)}; expected a list of [x, y]")
    points = [point(one, f"point {i} of {name}") for i, one in enumerate(listed, 1)]
    attributes = raw.get("attributes") if isinstance(raw.get("attributes"), dict) else {}
    known = {key: raw.get(key) for key in ("group_id", "description", "difficult", "score")}
    if known["group_id"] == 0:
        known["group_id"] = "0"  # a group like any other
    fields = {str(key): value for key, value in (attributes or {}).items()} | dict.fromkeys(_true_flags(raw), True)
    extra = {NAME: number, "fields": plain_fields(**fields, **{k: v for k, v in known.items() if k not in fields})}
    return _placed(name, str(raw.get("shape_type") or "polygon"), points, raw, extra, size_wh)


def _placed(
    name: str, kind: str, points: list[Point], raw: Mapping[str, Any], extra: dict[str, Any], size_wh: tuple[int, int]
) -> Shape:
    if kind == "rectangle" and len(points) in {2, 4}:
        xs, ys = zip(*points, strict=True)
        return boxed(name, (min(xs), min(ys)), (max(xs), max(ys)), extra)
    if kind == "circle" and len(points) == 2:
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        return elliptic(name, Ellipse(x, y, radius, radius), extra)
    if kind == "mask" and len(points) == 2:
        mask = mask_from_crop(raw.get("mask"), points, size_wh)
        return masked(name, mask, extra)
    if kind in _AREAS or (kind in _ROTATED and len(points) == 4):
        return replace(outlined(name, points, extra), oriented=kind in _ROTATED)
    if kind in _PATHS and len(points) > 1:
        return traced(name, points, extra)
    if kind in _PATHS | {"rectangle", "circle", "mask"} | _ROTATED:
        raise ValueError(f"the {kind} {name} has {counted(len(points), 'point')}; expected {_expected(kind)}")
    return dotted(name, points, extra)  # a point, several, or a kind that is known by its points alone


def _expected(kind: str) -> str:
    return "4" if kind in _ROTATED else "2 or more" if kind in _PATHS else "2"


def _unplaced(raw: Mapping[str, Any], losses: dict[str, None]) -> dict[str, Any]:
    """An entry without what other tools say of places and angles in the image; `_moved` writes those of LabelMe."""
    own = {key: value for key, value in raw.items() if key in _OWN}
    kept = own | without_places({key: value for key, value in raw.items() if key not in _OWN}, losses)
    for key in ("attributes", "flags"):
        if isinstance(kept.get(key), dict):
            kept[key] = without_places(kept[key], losses, f"{key}.")
    return {key: kept[key] for key in raw if key in kept}


def _moved(shape: Shape, raw: Mapping[str, Any], losses: dict[str, None]) -> list[dict[str, Any]]:
    """The entries of a shape at its new place."""
    entry = _unplaced(raw, losses)
    if clean(str(raw.get("label"))) != shape.category:
        entry["label"] = shape.category
    kind = str(raw.get("shape_type") or "polygon")
    if shape.mask is not None:
        return [{**entry, **mask_to_crop(shape.mask)}]
    if kind in _ROTATED and shape.polygons:
        corners = fitted_corners(*shape.polygons)
        (x0, y0), (x1, y1) = corners[:2]
        entry["points"] = _points(corners)
        if "direction" in entry:
            entry["direction"] = round(math.atan2(y1 - y0, x1 - x0) % math.tau, 6)
        return [entry]
    if kind == "circle" and shape.polygons:
        ellipse = fitted_ellipse(shape.polygons[0]) if len(shape.polygons) == 1 else None
        if ellipse is not None and ellipse.is_circle:
            return [{**entry, "points": _points(((ellipse.x, ellipse.y), (ellipse.x + ellipse.rx, ellipse.y)))}]
        losses.setdefault("circles that geometry distorts or cuts are written as polygons")
        kind = "polygon"
    if kind == "quadrilateral" and any(len(ring) != 4 for ring in shape.polygons):
        kind = "polygon"
    if kind in _AREAS:
        return [{**entry, "shape_type": kind, "points": _points(ring)} for ring in shape.polygons]
    if kind in _PATHS:
        return [{**entry, "points": _points(line)} for line in shape.lines]
    if kind == "rectangle" and shape.box is not None:
        x0, y0, x1, y1 = shape.box
        corners = ((x0, y0), (x1, y1)) if len(raw["points"]) == 2 else ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        return [{**entry, "points": _points(corners)}]
    points = [line[0] for line in shape.lines]
    if kind in {"point", "points"} and len(points) == len(raw["points"]):
        return [{**entry, "points": _points(points)}]
    losses.setdefault(f"shapes of the kind {kind} are removed from geometrically transformed images")
    return []


def _entry(label: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"label": label, "points": rest.pop("points"), "shape_type": kind, **rest}


def _points(points: Polygon | Sequence[Point]) -> list[list[float]]:
    return [[rounded(x), rounded(y)] for x, y in points]


def _true_flags(content: Mapping[str, Any]) -> list[str]:
    flags = content.get("flags")
    return [str(name) for name, is_set in flags.items() if is_set is True] if isinstance(flags, dict) else []

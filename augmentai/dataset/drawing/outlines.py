"""Objects as parts of an SVG: outlines and keypoints in the colours of their classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from augmentai.annotations import Box, Labels, Polygon, Shape
from augmentai.dataset.formats.masks.polygons import mask_to_polygons
from augmentai.dataset.formats.object_shapes import class_of, objects_in

_COLOURS = ("#ffb000", "#2fd5c4", "#ff5fa2", "#7db7ff", "#b6e34b", "#c79bff", "#ff8552", "#f4f08a")
MOST_DRAWN = 300  # of an image's objects


def shapes_of(labels: Labels | None, label: str | None = None) -> tuple[Shape, ...]:
    """The objects that are drawn; of a mask, one for each area.

    Args:
        labels: of an image.
        label: the image's own class, which is that of the objects in a mask of black and white.
    """
    return all_shapes_of(labels, label)[:MOST_DRAWN]


def all_shapes_of(labels: Labels | None, label: str | None = None) -> tuple[Shape, ...]:
    """All objects, as they are counted; see `shapes_of`."""
    if labels is None:
        return ()
    return tuple(replace(shape, category=class_of(shape, labels, label)) for shape in objects_in(labels))


def colours(shapes: Iterable[Shape]) -> dict[str, str]:
    """A colour for each class.

    Example:
        >>> colours([Shape("dog", None), Shape("cat", None)])
        {'cat': '#ffb000', 'dog': '#2fd5c4'}
    """
    names = sorted({shape.category for shape in shapes})
    return {name: colour_number(number) for number, name in enumerate(names)}


def colour_number(number: int) -> str:
    """One of the colours of classes; they repeat."""
    return _COLOURS[number % len(_COLOURS)]


def outline_of(shape: Shape, colour: str, radius: float) -> str:
    """The outline and the points of an object, as a part of an SVG. radius: of its keypoints."""
    rings = shape.polygons or (tuple(mask_to_polygons(shape.mask)) if shape.mask is not None else ())
    if not rings and shape.box is not None:
        rings = (_corners(shape.box),)
    areas = "".join(f'<polygon points="{_points(ring)}"/>' for ring in rings)
    lines = "".join(f'<polyline points="{_points(line)}" fill="none"/>' for line in shape.lines)
    seen = (point for point in shape.keypoints if point[2])
    points = "".join(f'<circle cx="{x:.4g}" cy="{y:.4g}" r="{radius:.3g}"/>' for x, y, _ in seen)
    return f'<g stroke="{colour}" fill="{colour}">{areas}{lines}{points}</g>'


def _corners(box: Box) -> Polygon:
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def _points(path: Polygon) -> str:
    return " ".join(f"{x:.4g},{y:.4g}" for x, y in path)


def corner(shape: Shape) -> tuple[float, float] | None:
    """The upper left corner of an object; None if it has no place."""
    if shape.box is not None:
        return shape.box[:2]
    points = [*(p for ring in (*shape.polygons, *shape.lines) for p in ring), *((x, y) for x, y, _ in shape.keypoints)]
    return (min(x for x, _ in points), min(y for _, y in points)) if points else None

"""Labels drawn over an image, as HTML: outlines in the colours of their classes, and the classes' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from augmentai.annotations import Shape
from augmentai.dataset.drawing.outlines import corner, outline_of

_MOST_NAMED = 4  # objects whose names stand beside them
_ROOM_ABOVE = 11  # percent of the height that a name above its object takes
_POINT = 0.012  # radius of a keypoint, of the image's longer side


def overlay(shapes: Sequence[Shape], size_wh: tuple[int, int], colour_of: Mapping[str, str]) -> str:
    """Labels to lay over an image of this size; nothing for no labels.

    Args:
        shapes: in the pixels of the image.
        size_wh: width and height of the image.
        colour_of: see `colours`.

    Example:
        >>> 'points="1,2 9,2 9,8 1,8"' in overlay([Shape("cat", (1, 2, 9, 8))], (10, 10), {"cat": "#ffb000"})
        True
    """
    if not shapes:
        return ""
    width, height = size_wh
    radius = max(size_wh) * _POINT
    drawn = "".join(outline_of(shape, colour_of[shape.category], radius) for shape in shapes)
    names = ""
    if len(shapes) <= _MOST_NAMED:
        names = "".join(_name(shape, size_wh, colour_of[shape.category]) for shape in shapes)
    return f'<div class="labels" aria-hidden="true"><svg viewBox="0 0 {width} {height}">{drawn}</svg>{names}</div>'


def legend(shapes: Sequence[Shape], colour_of: Mapping[str, str]) -> str:
    """The classes and their colours, as HTML; nothing for no labels."""
    items = "".join(
        f'<li><i style="background:{colour}" aria-hidden="true"></i>{escape(name)}</li>'
        for name, colour in colour_of.items()
    )
    return f'<ul class="labels-key" aria-label="Classes">{items}</ul>' if shapes else ""


def _name(shape: Shape, size_wh: tuple[int, int], colour: str) -> str:
    place = corner(shape)
    if place is None:
        return ""
    left, top = 100 * place[0] / size_wh[0], 100 * place[1] / size_wh[1]
    style = f"left:{min(max(left, 0), 70):.1f}%;top:{max(top, 0):.1f}%;background:{colour}"
    where = ' class="labels-inside"' if top < _ROOM_ABOVE else ""
    return f'<span style="{style}"{where}>{escape(shape.category)}</span>'

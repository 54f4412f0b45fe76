"""Labels as a drawing of their own, an SVG of the size of the image that it is laid over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from augmentai.annotations import Shape
from augmentai.dataset.drawing.outlines import colour_number, corner, outline_of
from augmentai.dataset.file_names import printable

MOST_NAMED = 60
STYLE = (
    ".o g{stroke-width:2px;fill-opacity:.14;stroke-linejoin:round}.o *{vector-effect:non-scaling-stroke}"
    ".o circle{fill-opacity:1;stroke:#101312;stroke-width:1px}"
)
_TEXT = 0.024  # height of a name, of the image's longer side
_POINT = 0.012  # radius of a keypoint, of the image's longer side
_FULL_WIDTH = 0x2E80  # from here on letters are as wide as high
_ROOM = 1.3  # of the text, above an object


class ClassColours:
    """The colours of a job's classes, the same in all its drawings.

    Args:
        names: the classes that are known beforehand; others get theirs when they first occur.

    Example:
        >>> colours = ClassColours(["cat", "dog"])
        >>> colours.of([Shape("emu", None), Shape("cat", None)])
        {'cat': '#ffb000', 'emu': '#ff5fa2'}
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}

    def of(self, shapes: Iterable[Shape]) -> dict[str, str]:
        """The colour of each class of these objects."""
        names = sorted({shape.category for shape in shapes})
        return {name: colour_number(self._numbers.setdefault(name, len(self._numbers))) for name in names}


def drawing(shapes: Sequence[Shape], size_wh: tuple[int, int], colour_of: Mapping[str, str]) -> str:
    """A drawing of the objects in an image. The names of their classes are hidden by a rule that its reader can change.

    Args:
        shapes: in the pixels of the image.
        size_wh: its width and height.
        colour_of: by class, see `ClassColours.of`.

    Example:
        >>> svg = drawing([Shape("cat", (1, 2, 9, 8))], (10, 10), {"cat": "#ffb000"})
        >>> 'points="1,2 9,2 9,8 1,8"' in svg, ">cat</text>" in svg
        (True, True)
    """
    width, height = size_wh
    size = max(size_wh) * _TEXT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>{STYLE}'
        f".n{{display:none;font:600 {size:.3g}px system-ui,sans-serif}}</style>"
        f"{objects(shapes, size_wh, colour_of, size)}</svg>"
    )


def objects(
    shapes: Sequence[Shape],
    size_wh: tuple[int, int],
    colour_of: Mapping[str, str],
    text: float,
    named: int = MOST_NAMED,
) -> str:
    """Objects and the names of their classes as two groups of an SVG, of the classes "o" and "n"; see `STYLE`.

    Args:
        shapes: in the pixels of the image.
        size_wh: its width and height.
        colour_of: by class, see `ClassColours.of`.
        text: height of a name, in pixels of the image.
        named: how many have their names beside them.
    """
    outlines = "".join(outline_of(shape, colour_of[shape.category], max(size_wh) * _POINT) for shape in shapes)
    names = "".join(_name(shape, colour_of[shape.category], size_wh, text) for shape in shapes[:named])
    return f'<g class="o">{outlines}</g><g class="n">{names}</g>'


def _name(shape: Shape, colour: str, size_wh: tuple[int, int], size: float) -> str:
    place = corner(shape)
    if place is None:
        return ""
    name = printable(shape.category)
    wide = (sum(map(_letter, name)) + 0.7) * size
    x = min(max(place[0], 0), max(0, size_wh[0] - wide))
    y = place[1] - _ROOM * size
    y = y if y >= 0 else max(place[1], 0)
    return (
        f'<rect x="{x:.4g}" y="{y:.4g}" width="{wide:.4g}" height="{_ROOM * size:.4g}" rx="{size / 5:.3g}" '
        f'fill="{colour}"/><text x="{x + 0.35 * size:.4g}" y="{y + 0.97 * size:.4g}" fill="#101312">'
        f"{escape(name)}</text>"
    )


def _letter(one: str) -> float:
    """About the width of a bold letter, of the text's height: fonts differ, and none must exceed its ground."""
    if ord(one) >= _FULL_WIDTH:
        return 1.0
    return 0.85 if one in "MW@%mw" else 0.77 if one.isupper() else 0.66

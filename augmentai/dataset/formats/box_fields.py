"""Fields beside a box that say the same box once more, such as its centre or its width: they move with it.

A field is known by its values: those of all objects looked at are what the boxes have there, and either its name says
so too, or there are so many of them that it cannot be chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from augmentai.annotations import Box
from augmentai.dataset.formats.label_values import is_number

QUANTITIES: Final[Mapping[str, Callable[[Box], float]]] = {
    "x0": lambda box: box[0],
    "y0": lambda box: box[1],
    "x1": lambda box: box[2],
    "y1": lambda box: box[3],
    "w": lambda box: box[2] - box[0],
    "h": lambda box: box[3] - box[1],
    "cx": lambda box: (box[0] + box[2]) / 2,
    "cy": lambda box: (box[1] + box[3]) / 2,
    "area": lambda box: (box[2] - box[0]) * (box[3] - box[1]),
}
_NAMES = {  # in small letters, without anything else and without what says the unit
    "x0": r"x(min|0|1|tl|start|left)?$|left$|minx$|startx$",
    "y0": r"y(min|0|1|tl|start|top)?$|top$|miny$|starty$",
    "x1": r"x(max|1|2|br|end|right)$|right$|maxx$|endx$",
    "y1": r"y(max|1|2|br|end|bottom)$|bottom$|maxy$|endy$",
    "w": r"w(idth|id)?$|dx$",
    "h": r"h(eight)?$|dy$",
    "cx": r"cx|x(c|ct|ctr|cent.*|mid)?$|cent(er|re)x|midx",
    "cy": r"cy|y(c|ct|ctr|cent.*|mid)?$|cent(er|re)y|midy",
    "area": r"area",
}
_UNITS = re.compile(r"(norm(alised|alized)?|rel(ative)?|pixels?|px|abs(olute)?)$")
_ROUNDED_PX = 0.51  # whole numbers of pixels
_ROUNDED = 1e-3  # of anything else
_SURE_WITHOUT_NAME = 3  # values, of which some differ


def repeated_quantity(name: str, pairs: Iterable[tuple[object, Box]]) -> str | None:
    """Which of the `QUANTITIES` of a box a field repeats; None if it says something else.

    Args:
        name: the field's name.
        pairs: its value and the box of some objects, in the same unit.

    Example:
        >>> repeated_quantity("x_center", [(35, (20, 10, 50, 40))]), repeated_quantity("age", [(30, (20, 10, 50, 40))])
        ('cx', None)
        >>> repeated_quantity("extent", [(n + 30, (0, 0, n + 30, 9)) for n in range(1, 4)]) is None  # x1 or the width
        True
    """
    known = [(float(str(value)), box) for value, box in pairs if is_number(value)]
    fits = [q for q, of in QUANTITIES.items() if known and all(_is_near(value, of(box)) for value, box in known)]
    plain = _UNITS.sub("", re.sub(r"[^a-z0-9]", "", name.casefold()))
    for quantity in fits:
        if re.search(_NAMES[quantity], plain):
            return quantity
    is_sure = len(known) >= _SURE_WITHOUT_NAME and len({value for value, _ in known}) > 1
    return fits[0] if is_sure and len(fits) == 1 else None


def _is_near(value: float, expected: float) -> bool:
    if value.is_integer() and abs(value) > 1:
        return abs(value - expected) <= _ROUNDED_PX
    return abs(value - expected) <= max(_ROUNDED, _ROUNDED * abs(expected))

"""Which column of a CSV file says what: by its header, or by what the columns hold where there is no header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from augmentai.annotations import Box
from augmentai.dataset.formats.box_fields import repeated_quantity
from augmentai.dataset.formats.label_values import is_number
from augmentai.images.file_types import IMAGE_SUFFIXES

IMAGE, CLASS = "image", "class"
CORNERS = ("x0", "y0", "x1", "y1")
CORNER_AND_SIZE = ("x", "y", "w", "h")
BOX = "box"  # "[x, y, width, height]" in one column
SIZE = ("width", "height")  # of the image
SPLIT = "split"

_NAMES = {  # of columns, in small letters without anything else
    IMAGE: ("filename", "imageid", "imagename", "imagepath", "image", "file", "img", "imgname", "path", "filepath"),
    CLASS: ("class", "label", "labelname", "classname", "category", "categoryname", "name", "objectname", "object"),
    "x0": ("xmin", "x1", "left", "bboxx1", "xtl", "bboxxmin", "x0"),
    "y0": ("ymin", "y1", "top", "bboxy1", "ytl", "bboxymin", "y0"),
    "x1": ("xmax", "x2", "right", "bboxx2", "xbr", "bboxxmax"),
    "y1": ("ymax", "y2", "bottom", "bboxy2", "ybr", "bboxymax"),
    "x": ("bboxx", "boxx", "x"),
    "y": ("bboxy", "boxy", "y"),
    "w": ("bboxwidth", "boxwidth", "bboxw", "w"),
    "h": ("bboxheight", "boxheight", "bboxh", "h"),
    BOX: ("bbox", "boundingbox", "box"),
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
    SPLIT: ("split", "subset", "set", "dataset", "partition", "usage", "datasplit", "phase"),
}
_ORDERS = (("x0", "y0", "w", "h"), CORNERS, ("cx", "cy", "w", "h"))
_BETWEEN = re.compile(r"[\s,\[\]()]+")  # the numbers of a box in one column
_MOST_CLASSES = 2000  # columns of a table with a column per class


@dataclass(frozen=True)
class Form:
    """Columns that together say where an object is.

    Attributes:
        names: `CORNERS`, `CORNER_AND_SIZE` or `BOX` alone.
        relative: coordinates are fractions of the image's width and height.
        whole: coordinates are written as whole numbers.
        order: what the four numbers of a box in one column are.
    """

    names: tuple[str, ...]
    relative: bool = False
    whole: bool = False
    order: tuple[str, ...] = ("x0", "y0", "w", "h")


@dataclass(frozen=True)
class Columns:
    """Which column says what.

    Attributes:
        header: the names of the columns; empty if the file has none.
        at: the position of each of the words above that the file has.
        classes: the position of each class that has a column of its own, with 0 or 1 for each image.
        forms: everything that says where an object is; the first one is read, and all are written.
        repeats: the quantity of that box which each of these columns repeats; they are written with it.
        unread: columns that say where an object is in a way that is not understood; removed where it moves.
    """

    header: tuple[str, ...]
    at: dict[str, int]
    classes: dict[str, int] = field(default_factory=dict)
    forms: tuple[Form, ...] = ()
    repeats: Mapping[int, str] = field(default_factory=dict)
    unread: frozenset[int] = frozenset()

    @cached_property
    def place(self) -> tuple[int, ...]:
        """The columns that are read for where an object is."""
        return tuple(self.at[name] for name in self.forms[0].names) if self.forms else ()

    @cached_property
    def others(self) -> dict[str, int]:
        """The position of each column that says something else of an object."""
        known = {*self.at.values(), *self.classes.values(), *self.repeats}
        return {name: i for i, name in enumerate(self.header) if i not in known and name}


def columns_of(first: Sequence[str], sample: Sequence[Sequence[str]], file: str) -> Columns | None:
    """What the columns of a file say; None if it does not label images.

    Args:
        first: its first row.
        sample: some rows that follow.
        file: its path.

    Example:
        >>> found = columns_of(["filename", "class", "xmin", "ymin", "xmax", "ymax"], [], "a.csv")
        >>> found.at["x1"], found.forms[0].relative
        (4, False)
        >>> columns_of(["a.jpg", "1", "2", "30", "40", "cat"], [], "a.csv").at["class"]
        5
    """
    header = tuple(name.strip() for name in first)
    at = _named(header)
    partial = {name for names in (CORNERS, CORNER_AND_SIZE) if not all(map(at.__contains__, names)) for name in names}
    has_place = BOX in at or not {*CORNERS, *CORNER_AND_SIZE} <= partial
    if IMAGE in at and has_place:
        at = {name: i for name, i in at.items() if name not in partial}  # those say nothing without the rest
        return _with_repeats(header, at, tuple(_forms(at, sample)), sample)
    if IMAGE in at and at[IMAGE] == 0 and not has_place:
        return _one_hot(header, at, sample, file)
    return _without_header([first, *sample])


def _forms(at: Mapping[str, int], sample: Sequence[Sequence[str]]) -> Iterator[Form]:
    """The ways in which a file says where an object is."""
    for names in (CORNERS, CORNER_AND_SIZE):
        if names[0] in at:
            values = [
                row[at[name]] for row in sample for name in names if at[name] < len(row) and row[at[name]].strip()
            ]
            yield Form(names, _are_fractions(values), _are_whole(values))
    if BOX in at:
        cells = [row[at[BOX]] for row in sample if at[BOX] < len(row)]
        values = [part for cell in cells for part in _BETWEEN.split(cell) if part]
        yield Form((BOX,), _are_fractions(values))


def _with_repeats(
    header: tuple[str, ...], at: Mapping[str, int], forms: tuple[Form, ...], sample: Sequence[Sequence[str]]
) -> Columns:
    """The columns of a file, with those that repeat the box that is read: their values tell, whatever they are called.

    Width and height of the image are the box's own if they are so in every row.
    """
    own = forms[0]
    read = {at[name] for name in own.names}
    boxes = [(row, box) for row in sample if len(row) == len(header) and (box := box_in(row, at, own)) is not None]
    kept = [form for form in forms[1:] if form.relative != own.relative]
    known = {*read, *(at[name] for name in (IMAGE, CLASS, SPLIT) if name in at)}
    known |= {at[name] for form in kept for name in form.names}
    repeats: dict[int, str] = {}
    for i, name in enumerate(header):
        pairs = [(row[i].strip(), box) for row, box in boxes if row[i].strip()]
        quantity = repeated_quantity(name, pairs) if i not in known else None
        is_size = i in {at.get(side) for side in SIZE} and all(box[0] <= 0 or box[1] <= 0 for _, box in boxes)
        if quantity is not None and not is_size:
            repeats[i] = quantity
    box_column = at.get(BOX, -1)
    if box_column not in known and box_column >= 0 and (order := _order([(row[box_column], b) for row, b in boxes])):
        kept.append(replace(forms[-1], order=order))
    kept_columns = {at[name] for form in kept for name in form.names}
    others = {at[name] for form in forms[1:] for name in form.names} - kept_columns - set(repeats)
    places = {name: i for name, i in at.items() if i not in repeats and i not in others}
    return Columns(header, places, {}, (own, *kept), repeats, frozenset(others))


def box_in(row: Sequence[str], at: Mapping[str, int], form: Form) -> Box | None:
    """The box of a row, in the unit in which it is written; None if it has none, or none that can be read."""
    cells = [row[at[name]] for name in form.names]
    numbers = [float(part) for cell in cells for part in _BETWEEN.split(cell) if part and is_number(part)]
    if len(numbers) != len(CORNERS):
        return None
    x, y, third, fourth = numbers
    return (x, y, third, fourth) if form.names == CORNERS else (x, y, x + third, y + fourth)


def _order(pairs: Sequence[tuple[str, Box]]) -> tuple[str, ...]:
    """What the four numbers of a box in one column are, as the box that is read shows; empty if they are others."""
    parts = [([part for part in _BETWEEN.split(cell) if part], box) for cell, box in pairs if cell.strip()]
    if not parts or any(len(numbers) != len(CORNERS) for numbers, _ in parts):
        return ()
    for order in _ORDERS:
        places = enumerate(order)
        if all(repeated_quantity(name, ((numbers[i], box) for numbers, box in parts)) == name for i, name in places):
            return order
    return ()


def _named(header: Sequence[str]) -> dict[str, int]:
    """The position of each known column; of several, that whose name comes first in the table."""
    plain = [re.sub(r"[^a-z0-9]", "", name.casefold()) for name in header]
    found: dict[str, int] = {}
    for word, names in _NAMES.items():
        position = next((plain.index(name) for name in names if name in plain), None)
        if position is not None and position not in found.values():
            found[word] = position
    if found.keys() >= {"x", "y", *SIZE} and found["width"] == found["y"] + 1 and not {"w", "h"} & found.keys():
        found["w"], found["h"] = found.pop("width"), found.pop("height")  # "x, y, width, height" is a box
    if "x" not in found or "y" not in found:  # "w" and "h" are the image's, then
        for side, length in zip(("w", "h"), SIZE, strict=True):
            if side in found and length not in found:
                found[length] = found.pop(side)
    return found


def _one_hot(header: tuple[str, ...], at: dict[str, int], sample: Sequence[Sequence[str]], file: str) -> Columns | None:
    """A table with a column per class, as Roboflow's _classes.csv."""
    split = at.get(SPLIT)
    classes = {name: i for i, name in enumerate(header) if i not in {0, split} and name}
    rows = [row for row in sample if len(row) == len(header)]
    flags = {row[i].strip() for row in rows for i in classes.values()}
    named_so = file.casefold().endswith("_classes.csv")
    if not rows or not flags <= {"0", "1"} or not (named_so or len(classes) > 1) or len(classes) > _MOST_CLASSES:
        return None
    return Columns(header, {IMAGE: 0} | ({SPLIT: split} if split is not None else {}), classes)


def _without_header(rows: Sequence[Sequence[str]]) -> Columns | None:
    """RetinaNet's "path,x1,y1,x2,y2,class", or makesense.ai's "class,x,y,width,height,image,width,height"."""
    layouts: tuple[tuple[tuple[str, ...], Callable[[Sequence[str]], bool]], ...] = (
        ((IMAGE, *CORNERS, CLASS), lambda row: not any(value.strip() for value in row[1:])),
        ((CLASS, *CORNER_AND_SIZE, IMAGE, *SIZE), lambda row: False),
    )
    for names, is_empty in layouts:
        at = {name: i for i, name in enumerate(names)}
        numbers = [i for name, i in at.items() if name not in {IMAGE, CLASS}]
        fits = [
            len(row) == len(names)
            and row[at[IMAGE]].strip().lower().endswith(tuple(IMAGE_SUFFIXES))
            and (is_empty(row) or all(is_number(row[i]) for i in numbers))
            for row in rows
        ]
        if fits and fits[0] and sum(fits) > len(fits) / 2:
            places = [i for name, i in at.items() if name in {*CORNERS, *CORNER_AND_SIZE}]
            values = [row[i] for row, fit in zip(rows, fits, strict=True) if fit for i in places if row[i].strip()]
            form = CORNERS if CORNERS[0] in at else CORNER_AND_SIZE
            return Columns((), at, forms=(Form(form, whole=_are_whole(values)),))
    return None


def _are_fractions(values: Sequence[str]) -> bool:
    """Whether coordinates are fractions of the image: none is above 1, and some are between 0 and 1."""
    numbers = [float(value) for value in values if is_number(value)]
    return bool(numbers) and all(-0.01 <= one <= 1.01 for one in numbers) and any(0 < one < 1 for one in numbers)


def _are_whole(values: Sequence[str]) -> bool:
    return bool(values) and all(re.fullmatch(r"-?\d+", value.strip(), re.ASCII) for value in values)

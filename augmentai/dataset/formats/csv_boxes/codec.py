"""CSV files of boxes, a row per object, and of classes, a row per image: read, moved with the pixels, written again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from reprlib import repr as short
from typing import Any

from augmentai.annotations import Box, LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.box_fields import QUANTITIES
from augmentai.dataset.formats.csv_boxes.columns import (
    BOX,
    CLASS,
    CORNERS,
    IMAGE,
    SIZE,
    SPLIT,
    Columns,
    Form,
    columns_of,
)
from augmentai.dataset.formats.drawn_shapes import boxed, upright
from augmentai.dataset.formats.label_values import (
    category,
    clean,
    number,
    plain_fields,
    rounded,
    whole,
)
from augmentai.dataset.formats.listed.codec import Fault, NewImage, Placed, Row
from augmentai.dataset.formats.listed.csv_table import CsvTable
from augmentai.dataset.formats.pixel_fields import fields_in_pixels
from augmentai.dataset.formats.splits import split_like, split_named
from augmentai.images.orientation import Frame

UNNAMED = "object"  # the class of boxes in a file without classes


def open_csv(entry: Entry, names: Mapping[str, str]) -> CsvCodec | None:
    """The codec of a file; None if it does not label images.

    Args:
        entry: the file.
        names: the names of classes that files beside it give for their ids.
    """
    try:
        table = CsvTable(entry)
    except LabelError:
        return None  # no text
    columns = columns_of(table.first, table.sample, entry.path)
    return CsvCodec(table, columns, names) if columns is not None else None


class CsvCodec:
    """One CSV file. A raw row is its line in the file and its values. See `Codec`."""

    def __init__(self, table: CsvTable, columns: Columns, names: Mapping[str, str]) -> None:
        self.losses: dict[str, None] = {}
        self._table, self._columns, self._names = table, columns, names
        self._classes: dict[str, None] = {}

    def class_names(self) -> Sequence[str]:
        if self._columns.classes:
            return []  # of whole images: they name no object
        known = [name for name in self._names.values() if name in self._classes]
        rest = sorted(self._classes.keys() - set(known), key=lambda one: (not one.isdecimal(), one.zfill(9), one))
        return [*dict.fromkeys(known), *rest]

    def rows(self) -> Iterator[Row | Fault]:
        at = self._columns.at
        width = len(self._columns.header) or len(at)
        lines = self._table.rows()
        if self._columns.header:
            next(lines)
        for line, values in lines:
            if len(values) != width or not values[at[IMAGE]].strip():
                found = f"{len(values)} values" if len(values) != width else "no name of an image"
                yield Fault(f"line {line}", f"found {found}; expected {width} values, one per column")
                continue
            if not self._columns.classes and not self._is_negative(values):
                self._classes.setdefault(self._category(values) or UNNAMED)
            split = split_named(values[at[SPLIT]]) if SPLIT in at else None
            tags = self._tags(values)
            yield Row(values[at[IMAGE]].strip(), [line, values], split, label=tags[0] if len(tags) == 1 else None)

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        stated = [self._size(values) for _, values in raws]
        on_stored = any(map(frame.matches_stored, stated))
        size_wh = frame.stored_wh if on_stored else frame.size_wh
        shapes: list[Shape] = []
        tags: dict[str, None] = {}
        for place, (line, values) in enumerate(raws):
            tags |= dict.fromkeys(self._tags(values))
            if self._columns.classes or self._is_negative(values):
                continue
            try:
                shape = self._shape(values, place, size_wh)
            except ValueError as error:
                raise ValueError(f"line {line}: {error}") from error
            shapes.append(upright(shape, frame) if on_stored else shape)
        other = next(filter(None, map(frame.unlike, stated)), None)
        return Labels(tuple(shapes), reoriented=on_stored, extra={"tags": list(tags)}, other_size_wh=other)

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        by_place = {one.place: one for one in placed if one.place is not None}
        written = []
        for place, (line, values) in enumerate(raws):
            if self._columns.classes or self._is_negative(values):
                written.append([line, values])
            elif place in by_place:
                one = by_place[place]
                written.append([line, self._placed(values, one.shape, size_wh) if one.moved else values])
        for one in placed:
            if one.place is None and one.shape.box is not None:
                values = self._blank(raws[0][1])
                if CLASS in self._columns.at:
                    ids = {name: key for key, name in self._names.items()}
                    values[self._columns.at[CLASS]] = ids.get(one.shape.category, one.shape.category)
                written.append([0, self._placed(values, one.shape, size_wh)])
        if not written and not self._columns.header:
            return [[0, self._blank(raws[0][1])]]  # RetinaNet's row of an image without objects
        return written

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        at = self._columns.at
        written = []
        for line, values in raws:
            made = list(values)
            made[at[IMAGE]] = image.name
            for name, length in zip(SIZE, image.size_wh or (), strict=False):
                if name in at and made[at[name]].strip():
                    made[at[name]] = str(length)
            written.append([line, made])
        return written

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        at = self._columns.at.get(SPLIT)
        if at is None:
            return list(raws)
        return [[line, [*values[:at], split_like(values[at], split), *values[at + 1 :]]] for line, values in raws]

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        header = [self._table.first] if self._columns.header else []
        return self._table.written(chain(header, (values for _, values in raws)))

    def _blank(self, values: Sequence[str]) -> list[str]:
        """A row about the same image that says nothing of an object."""
        keep = {self._columns.at[name] for name in (IMAGE, *SIZE, SPLIT) if name in self._columns.at}
        return [value if i in keep else "" for i, value in enumerate(values)]

    def _is_negative(self, values: Sequence[str]) -> bool:
        """Whether a row only names an image, which has no object."""
        return not any(values[i].strip() for i in self._columns.place)

    def _category(self, values: Sequence[str]) -> str:
        if CLASS not in self._columns.at:
            return UNNAMED
        own = clean(values[self._columns.at[CLASS]])
        return self._names.get(own, own)

    def _tags(self, values: Sequence[str]) -> list[str]:
        return [
            clean(name) for name, i in self._columns.classes.items() if i < len(values) and values[i].strip() == "1"
        ]

    def _size(self, values: Sequence[str]) -> tuple[int, int]:
        width, height = (whole(values[self._columns.at[name]]) if name in self._columns.at else 0 for name in SIZE)
        return width, height

    def _shape(self, values: Sequence[str], place: int, size_wh: tuple[int, int]) -> Shape:
        name = category(self._category(values), "the class")
        x0, y0, x1, y1 = self._box(values, name)
        if self._columns.forms[0].relative:
            x0, y0, x1, y1 = x0 * size_wh[0], y0 * size_wh[1], x1 * size_wh[0], y1 * size_wh[1]
        fields = {column: values[i].strip() for column, i in self._columns.others.items()}
        return boxed(name, (x0, y0), (x1, y1), {"place": place, "fields": plain_fields(**fields)})

    def _box(self, values: Sequence[str], name: str) -> Box:
        at, read = self._columns.at, self._columns.forms[0].names
        if read[0] == BOX:
            written = values[at[BOX]]
            try:
                sides = json.loads(written.replace("(", "[").replace(")", "]"))
            except (ValueError, RecursionError):
                sides = written.strip("[]() ").split()
            if not isinstance(sides, list) or len(sides) != 4:
                raise ValueError(f"bbox of {name} is {short(written)}; expected [x, y, width, height]")
            x, y, w, h = (number(side, f"bbox of {name}") for side in sides)
        elif read == CORNERS:
            x0, y0, x1, y1 = (number(values[at[side]], f"{self._title(side)} of {name}") for side in CORNERS)
            return x0, y0, x1, y1
        else:
            x, y, w, h = (number(values[at[side]], f"{self._title(side)} of {name}") for side in read)
        if min(w, h) < 0:
            raise ValueError(f"{name} is {w:g} wide and {h:g} high; expected a width and a height above 0")
        return x, y, x + w, y + h

    def _title(self, word: str) -> str:
        return self._columns.header[self._columns.at[word]] if self._columns.header else word

    def _placed(self, values: Sequence[str], shape: Shape, size_wh: tuple[int, int]) -> list[str]:
        """A row with the box of a shape, in every form that the file has; other places in the image are removed."""
        assert shape.box is not None
        columns, made = self._columns, list(values)
        others = columns.others
        places = fields_in_pixels({column: made[i].strip() for column, i in others.items() if made[i].strip()})
        for column, i in others.items():
            if made[i].strip() and (i in columns.unread or column in places):
                made[i] = ""
                self.losses.setdefault(f"`{column}` is removed from geometrically transformed images")
        for form in columns.forms:
            corners = _written(shape.box, form, size_wh)
            box = _box_of(corners)
            if form.names == CORNERS:
                texts = corners
            elif form.names[0] == BOX:
                texts = [json.dumps([_rounded(name, box, form) for name in form.order])]
            else:
                texts = [str(_rounded(name, box, form)) for name in ("x0", "y0", "w", "h")]
            for name, text in zip(form.names, texts, strict=True):
                made[columns.at[name]] = text
        own = replace(columns.forms[0], whole=False)
        box = _box_of(_written(shape.box, own, size_wh))
        for i, name in columns.repeats.items():
            if values[i].strip():
                value = _rounded(name, box, own)
                made[i] = str(round(value) if re.fullmatch(r"-?\d+", values[i].strip()) else value)
        return made


def _box_of(corners: Sequence[str]) -> Box:
    x0, y0, x1, y1 = map(float, corners)
    return x0, y0, x1, y1


def _rounded(name: str, box: Box, form: Form) -> float | int:
    """One of the quantities of a box, as it is written."""
    return rounded(QUANTITIES[name](box), 6 if form.relative else 3)


def _written(box: Box, form: Form, size_wh: tuple[int, int]) -> list[str]:
    """The corners of a box as a form has them."""
    if form.relative:
        shares = (value / size_wh[i % 2] for i, value in enumerate(box))
        return [f"{share:.6f}".rstrip("0").rstrip(".") for share in shares]
    return [str(round(value) if form.whole else rounded(value)) for value in box]

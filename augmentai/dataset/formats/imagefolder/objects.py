"""The column "objects" of an ImageFolder: boxes with their classes, as the hub's sets for object detection have it."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any

from augmentai.annotations import Box, Shape
from augmentai.dataset.formats.box_fields import QUANTITIES, repeated_quantity
from augmentai.dataset.formats.coco.values import is_number
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.label_values import plain_fields
from augmentai.dataset.formats.pixel_fields import fields_in_pixels

COLUMN = "objects"
_BOX_KEYS = ("bbox", "bboxes", "boxes")
_COUNTED = ("id", "image_id", "area")  # by every format in its own way
_CATEGORY_KEYS = ("categories", "category", "labels", "label", "class", "classes", "category_id", "name", "names")


@dataclass(frozen=True)
class Objects:
    """What a row says of the objects in its image.

    Attributes:
        columns: lists of the same length, "bbox" among them, and other fields.
        box_key: what the boxes are called.
        style: "columns", or "rows" for a list with one mapping per object.
        text: the column is text: "json", or "python" as pandas writes it; "" if it is none.
    """

    columns: dict[str, Any]
    box_key: str
    style: str
    text: str

    @property
    def boxes(self) -> list[Any]:
        return list(self.columns[self.box_key])

    def shapes(self) -> list[Shape]:
        """Each box with its class. Raises ValueError or LabelError."""
        check_objects(len(self.boxes), self.box_key)
        names_key = next((key for key in _CATEGORY_KEYS if isinstance(self.columns.get(key), list)), "")
        names = self.columns.get(names_key)
        if names is not None and len(names) != len(self.boxes):
            raise ValueError(f"{len(names)} classes for {len(self.boxes)} boxes in objects; expected one for each")
        corners = [self._corners(number, box) for number, box in enumerate(self.boxes, 1)]
        known = {self.box_key, names_key, *_COUNTED, *self._places(), *self._repeats()}
        return [
            Shape(
                str(names[number]) if names is not None else "object",
                box,
                extra={
                    "imagefolder": number,
                    "category": names[number] if names is not None else None,
                    **self._attributes(number, known),
                },
            )
            for number, box in enumerate(corners)
        ]

    def _corners(self, number: int, box: object) -> Box:
        if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
            raise ValueError(f"bbox {number} is {short(box)}; expected [x, y, width, height]")
        x, y, width, height = box
        if width < 0 or height < 0:
            raise ValueError(f"bbox {number} is {short(box)}; expected a width and a height above 0")
        return x, y, x + width, y + height

    def _attributes(self, number: int, known: Collection[str]) -> dict[str, Any]:
        """What the other fields say of one object, for other formats. known: fields that say nothing new."""
        count = len(self.boxes)
        lists = {key: value for key, value in self.columns.items() if isinstance(value, list) and len(value) == count}
        fields = {key: value[number] for key, value in lists.items() if key not in known}
        crowd = {"coco": {"iscrowd": 1}} if fields.pop("iscrowd", None) else {}
        return {"fields": plain_fields(**fields), **crowd}

    def moved(self, shapes: Sequence[Shape]) -> tuple[Any, list[str]]:
        """(the column for a variation, without objects that left the image; what was removed from it)."""
        numbers = [shape.extra.get("imagefolder") for shape in shapes]
        repeats = self._repeats()
        removed = [key for key in self._places() if key not in repeats]
        count = len(self.boxes)
        moved: dict[str, Any] = {}
        for key, value in self.columns.items():
            if key not in removed:
                is_of_objects = isinstance(value, list) and len(value) == count
                moved[key] = self._of_objects(key, value, shapes, numbers) if is_of_objects else value
        boxes = [shape.box or (0, 0, 0, 0) for shape in shapes]
        # `datasets` refuses a set whose files have numbers of different kinds in a column.
        is_whole = all(isinstance(value, int) for box in self.boxes for value in box)
        if is_whole:
            boxes = [(round(x0), round(y0), round(x1), round(y1)) for x0, y0, x1, y1 in boxes]
        moved[self.box_key] = [[_number(v, is_whole) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in boxes]
        for key, name in repeats.items():
            whole = is_whole and all(isinstance(value, int) for value in self.columns[key])
            moved[key] = [_number(QUANTITIES[name](box), whole) for box in boxes]
        return self._styled(moved, len(numbers)), [f"{COLUMN}.{key}" for key in removed]

    def _repeats(self) -> dict[str, str]:
        """The quantity of the boxes that each field repeats."""
        boxes = [(x, y, x + width, y + height) for x, y, width, height in self.boxes]
        lists = {key: value for key, value in self.columns.items() if isinstance(value, list) and key != self.box_key}
        known = {key: repeated_quantity(key, zip(value, boxes, strict=False)) for key, value in lists.items()}
        return {key: quantity for key, quantity in known.items() if quantity is not None} | (
            {"area": "area"} if "area" in lists else {}
        )

    def _places(self) -> list[str]:
        """The fields that say where the objects are."""
        firsts = {
            key: next((value for value in each if value), None) if isinstance(each, list) else None
            for key, each in self.columns.items()
        }
        return [key for key in fields_in_pixels(firsts) if key not in {self.box_key, "area"}]

    def _of_objects(
        self, key: str, values: Sequence[Any], shapes: Sequence[Shape], numbers: Sequence[int | None]
    ) -> list[Any]:
        """A column of a variation; of a pasted object as its own image has it, with a number of its own."""
        names = next((name for name in _CATEGORY_KEYS if isinstance(self.columns.get(name), list)), "")
        made: list[Any] = []
        for shape, number in zip(shapes, numbers, strict=True):
            if number is not None:
                made.append(values[number])
            elif key == names:
                made.append(_lent(shape).get("category", shape.category))
            elif key == "id" and all(isinstance(value, int) for value in values):
                made.append(max([*values, *(one for one in made if isinstance(one, int))], default=0) + 1)
            else:
                made.append(0 if key == "iscrowd" else _lent(shape).get("fields", {}).get(key))
        return made

    def _styled(self, columns: dict[str, Any], count: int) -> Any:
        """Columns as the row had them."""
        value: Any = columns
        if self.style == "rows":
            value = [{key: column[number] for key, column in columns.items()} for number in range(count)]
        if not self.text:
            return value
        return json.dumps(value, ensure_ascii=False) if self.text == "json" else repr(value)


def _number(value: float, is_whole: bool) -> float | int:
    return round(value) if is_whole else round(float(value), 3)


def _lent(shape: Shape) -> Mapping[str, Any]:
    """What the image that a pasted object comes from says of it."""
    said: Mapping[str, Any] = shape.extra.get("pasted", {})
    return said


def objects_of(row: Mapping[str, Any]) -> Objects | None:
    """The objects of a row; None if it names none, or has another column of that name.

    Raises:
        ValueError: the column is text that looks like objects and cannot be parsed.

    Example:
        >>> objects_of({"objects": {"bbox": [[1, 2, 3, 4]], "categories": ["cat"]}}).shapes()[0].box
        (1, 2, 4, 6)
        >>> objects_of({"objects": "[{'bbox': [1, 2, 3, 4], 'label': 'cat'}]"}).shapes()[0].category
        'cat'
        >>> objects_of({"objects": 3}) is None
        True
    """
    column = row.get(COLUMN)
    value, text = _parsed(column) if isinstance(column, str) else (column, "")
    if isinstance(value, Mapping):
        key = next((key for key in _BOX_KEYS if isinstance(value.get(key), list)), None)
        return Objects(dict(value), key, "columns", text) if key is not None else None
    if not isinstance(value, list) or not value or not all(isinstance(one, Mapping) for one in value):
        return None
    key = next((key for key in _BOX_KEYS if all(key in one for one in value)), None)
    if key is None:
        return None
    fields = dict.fromkeys(field for one in value for field in one)
    return Objects({field: [one.get(field) for one in value] for field in fields}, key, "rows", text)


def columns_in_pixels(row: Mapping[str, Any]) -> list[str]:
    """The columns of a row, apart from its objects, that are places in the image and do not move with it."""
    return fields_in_pixels({column: value for column, value in row.items() if column != COLUMN})


def _parsed(text: str) -> tuple[Any, str]:
    """(a value that was written as text, how). Raises ValueError."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return None, ""  # words
    try:
        return json.loads(stripped), "json"
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(stripped), "python"
    except Exception as error:  # SyntaxError, ValueError, RecursionError, MemoryError of a deep text
        raise ValueError(f"{COLUMN} is {short(text)}; expected JSON with bbox and categories") from error

"""What all label files of a YOLO set have in common: class names, keypoints, and the kind of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.bounds import MOST_KEYPOINTS
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.keypoint_order import flip_order
from augmentai.dataset.formats.label_values import is_whole
from augmentai.plurals import counted


@dataclass(frozen=True, slots=True)
class Classes:
    """The class names of a set by number, and what a line of its label files holds.

    Attributes:
        names: empty if nothing names the classes; a class is called by its number then.
        file: where the names come from.
        keypoints: how many follow the box of a pose.
        dimensions: numbers per keypoint: 2 (x, y), or 3 with its visibility.
        keypoint_names: of each class that has them, by its number.
        flip_order: see `annotations.Shape`.
        oriented: four corners are a rotated rectangle (OBB), not a polygon that happens to have four.
    """

    names: dict[int, str]
    file: str = ""
    keypoints: int = 0
    dimensions: int = 3
    flip_order: tuple[int, ...] = ()
    oriented: bool = False
    keypoint_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it; see `classes_from_json`."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def name(self, number: int) -> str:
        return self.names.get(number, str(number))

    def number(self, category: str, before: int | None = None) -> int:
        """The number of a class.

        Args:
            category: its name.
            before: its number in the label file that it was read from: several classes may have the same name.

        Raises:
            LabelError: no class has this name.
        """
        if before is not None and self.name(before) == category:
            return before
        found = next((number for number, name in self.names.items() if name == category), None)
        if found is not None:
            return found
        if not self.names and category.isascii() and category.isdecimal():
            return int(category)
        place = self.file or "the set"
        known = counted(len(self.names), "name")
        raise LabelError(f'the class "{category}" is not among the {known} of {place}; add it')


def classes_from_yaml(content: dict[str, Any], as_text: dict[str, Any], file: str, listed: Iterable[str]) -> Classes:
    """The classes of a data.yaml.

    Args:
        content: its values.
        as_text: the same, as they are written: a class may be called "no" or "007".
        file: its path, for messages.
        listed: the lines of the file that `names` leads to, if it is a path.

    Raises:
        LabelError: the names cannot be parsed; the message says what was found and what was expected.
    """
    table = _names(as_text.get("names"), content.get("names"), list(listed))
    shape = content.get("kpt_shape")
    if not (isinstance(shape, list) and len(shape) == 2 and isinstance(shape[0], int) and shape[1] in (2, 3)):
        return Classes(table, file)
    if not 0 < shape[0] <= MOST_KEYPOINTS:
        raise LabelError(f"{file}: kpt_shape is {shape}; expected 1 to {MOST_KEYPOINTS:,} keypoints of 2 or 3 numbers")
    of_keypoints = _keypoint_names(content.get("kpt_names"), table, shape[0])
    order = _flip_order(content.get("flip_idx"), shape[0], next(iter(of_keypoints.values()), ()))
    return Classes(table, file, shape[0], shape[1], order, keypoint_names=of_keypoints)


def classes_from_list(entry: Entry) -> Classes:
    """The classes of a file with one name per line."""
    lines = [line.strip() for line in entry.text().splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return Classes(dict(enumerate(lines)), entry.path)


def _names(written: Any, value: Any, listed: list[str]) -> dict[int, str]:
    if listed:
        return dict(enumerate(listed))
    if isinstance(written, list) and all(isinstance(one, dict) and len(one) == 1 for one in written):
        written = {number: name for one in written for number, name in one.items()}  # "- 0: cat"
    pairs = written.items() if isinstance(written, dict) else enumerate(written) if isinstance(written, list) else None
    if pairs is None:
        found = "missing" if written is None else type(value).__name__
        raise LabelError(f"names is {found}; expected a list, or a mapping of numbers to names")
    table: dict[int, str] = {}
    for number, name in pairs:
        if not isinstance(name, str) or not is_whole(str(number).strip()):
            raise LabelError(f"names has {number!r}: {type(name).__name__}; expected a number and a name each")
        table[int(number)] = name
    return table


def _keypoint_names(value: Any, classes: Iterable[int], count: int) -> dict[int, tuple[str, ...]]:
    """The names of the keypoints of each class, from kpt_names: a list for all of them, or one by class number."""
    lists = value if isinstance(value, dict) else dict.fromkeys(classes, value)
    return {
        number: tuple(map(str, names))
        for number, names in lists.items()
        if isinstance(number, int) and isinstance(names, list) and len(names) == count
    }


def _flip_order(given: Any, count: int, names: tuple[str, ...]) -> tuple[int, ...]:
    """From flip_idx, else from the names of the keypoints; empty if neither says it."""
    if isinstance(given, list):
        fits = len(given) == count and sorted(map(str, given)) == sorted(map(str, range(count)))
        return tuple(given) if fits else ()
    if names:
        return flip_order(names)
    return (0,) if count == 1 else ()


def classes_from_json(content: Mapping[str, Any]) -> Classes:
    """What `Classes.as_json` returned, after JSON held it.

    Example:
        >>> import json
        >>> classes = Classes({0: "cat"}, keypoints=2, flip_order=(1, 0), keypoint_names={0: ("left", "right")})
        >>> classes_from_json(json.loads(json.dumps(classes.as_json()))) == classes
        True
    """
    numbered = {
        "names": {int(number): name for number, name in content["names"].items()},
        "keypoint_names": {int(number): tuple(names) for number, names in content["keypoint_names"].items()},
        "flip_order": tuple(content["flip_order"]),
    }
    return Classes(**{**content, **numbered})

"""`lift.json` in an output: what `augmentai lift --json` has measured on the set, for its card and its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIFT_FILE = "lift.json"
_MOST_BYTES = 5_000_000
_MOST_RECIPES = 100
_TEXTS, _NUMBERS = ("set", "method", "split", "backbone"), ("classes", "pictures", "training", "repeats", "seed")
_VERDICTS = ("helps", "hurts", "cannot tell")


class LiftFileError(ValueError):
    """A file is not a measurement; the message names it, and says how to make one."""


@dataclass(frozen=True)
class LiftFile:
    """A measurement as a file.

    Attributes:
        data: the bytes of the file.
        content: what they say; the keys are those of `augmentai.lift.LiftReport`.
    """

    data: bytes
    content: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes, where: str = LIFT_FILE) -> LiftFile:
        """A measurement from the bytes of its file.

        Args:
            data: JSON in UTF-8.
            where: the file's name, for messages.

        Raises:
            LiftFileError: it is not a measurement.

        Example:
            >>> LiftFile.parse(b"[]")
            Traceback (most recent call last):
            augmentai.dataset.lift_file.LiftFileError: lift.json is not a measurement: it is not an object; ...
        """
        if len(data) > _MOST_BYTES:
            raise _not_one(where, f"it has {len(data):,} bytes; at most {_MOST_BYTES:,} are read")
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _not_one(where, "it is not JSON") from error
        if fault := _fault(content):
            raise _not_one(where, fault)
        return cls(data, content)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> LiftFile:
        """A measurement as a file, from `LiftReport.as_dict()`."""
        return cls.parse((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> LiftFile:
        """A measurement from a file. Raises LiftFileError."""
        from augmentai.system.regular_files import open_regular

        try:
            with open_regular(path) as file:
                return cls.parse(file.read(_MOST_BYTES + 1), str(path))
        except OSError as error:
            raise LiftFileError(f"{path} cannot be read: {error.strerror or error}") from error

    def verdicts(self) -> list[dict[str, Any]]:
        """What a report says of it: recipe, verdict, difference, interval and number of test images of each recipe."""
        keys = ("recipe", "verdict", "difference", "interval", "pictures")
        return [{key: one[key] for key in keys} for one in self.content["recipes"]]


def _not_one(where: str, fault: str) -> LiftFileError:
    return LiftFileError(f"{where} is not a measurement: {fault}; `augmentai lift SET --json > {LIFT_FILE}` makes one")


def _fault(content: Any) -> str:
    """What is wrong with it; "" if nothing."""
    if not isinstance(content, dict):
        return "it is not an object"
    recipes = content.get("recipes")
    if not isinstance(recipes, list) or not 0 < len(recipes) <= _MOST_RECIPES:
        return f"`recipes` is not a list of 1 to {_MOST_RECIPES}"
    if wrong := [key for key in _TEXTS if not isinstance(content.get(key), str)]:
        return f"`{wrong[0]}` is not text"
    if wrong := [key for key in _NUMBERS if not _is_number(content.get(key))]:
        return f"`{wrong[0]}` is not a number"
    for one in recipes:
        if not isinstance(one, dict) or not isinstance(one.get("recipe"), str):
            return "one of `recipes` has no name"
        if str(one.get("verdict")) not in _VERDICTS:
            return f"the verdict on {one['recipe'][:40]!r} is not one of {', '.join(_VERDICTS)}"
        if not (_is_difference(one) and _is_number(one.get("pictures"))):
            return f"{one['recipe'][:40]!r} has no difference with an interval"
        if one.get("shifted") is not None and not _is_difference(one["shifted"]):
            return f"`shifted` of {one['recipe'][:40]!r} is no difference with an interval"
    return ""


def _is_difference(one: Any) -> bool:
    interval = one.get("interval") if isinstance(one, dict) else None
    is_pair = isinstance(interval, list) and len(interval) == 2 and all(map(_is_number, interval))
    return is_pair and _is_number(one.get("difference"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12

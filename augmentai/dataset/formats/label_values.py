"""Values in label files that people and tools wrote: numbers, points and texts, checked before they are used.

JSON, XML and CSV may hold NaN, numbers written as text, or an integer of a thousand digits. What plainly is a number
counts as one; anything else is a ValueError that says what was found and what was expected.
"""

from __future__ import annotations

import json
import math
import re
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError, Point
from augmentai.dataset.file_tree import Entry

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_MOST = 1e7  # of a coordinate: the largest images have a hundred thousand pixels a side
_MOST_DIGITS = 18  # of a whole number: SQLite and NumPy have no larger ones
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def number(value: object, what: str) -> float:
    """A finite number.

    Args:
        value: a number, or the text of one.
        what: what it is, for the message ("xmin").

    Raises:
        ValueError: it is none, or none that a label could have.

    Example:
        >>> number("12.5", "xmin"), number(3, "xmax")
        (12.5, 3.0)
        >>> number("²", "xmin")
        Traceback (most recent call last):
        ValueError: xmin is '²'; expected a number
    """
    found = math.nan
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = float(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST:
        found = float(value)
    if not abs(found) <= _MOST:
        raise ValueError(f"{what} is {short(value)}; expected a number")
    return found


def is_number(value: object) -> bool:
    """Whether a value is a finite number, or the text of one.

    Example:
        >>> is_number("1e3"), is_number(float("nan")), is_number("cat")
        (True, False, False)
    """
    try:
        number(value, "")
    except ValueError:
        return False
    return True


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that `int` reads: "²" is a digit and none, and neither are thousands of digits.

    Example:
        >>> is_whole("007"), is_whole("²"), is_whole("-1"), is_whole("9" * 5000)
        (True, False, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def point(value: object, what: str) -> Point:
    """A point of two numbers. Raises ValueError.

    Example:
        >>> point([1, "2"], "a point")
        (1.0, 2.0)
    """
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise ValueError(f"{what} is {short(value)}; expected [x, y] in pixels")
    return number(value[0], f"x of {what}"), number(value[1], f"y of {what}")


def category(value: object, what: str = "its label") -> str:
    """The name of a class, without control characters. Raises ValueError if there is none.

    Example:
        >>> category(" cat\\n"), category(7)
        ('cat', '7')
    """
    name = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    name = clean(name)
    if not name:
        raise ValueError(f"{what} is {short(value)}; expected the name of a class")
    return name


def clean(text: str) -> str:
    """A text that every format can hold: UTF-8, on one line, without control characters."""
    return _CONTROLS.sub(" ", text.encode("utf-8", "backslashreplace").decode()).strip()


def whole(value: object) -> int:
    """A number of pixels that a file may state; 0 if it states none."""
    try:
        return int(number(value, ""))
    except ValueError:
        return 0


def plain_fields(**values: object) -> dict[str, str | int | float]:
    """What a format says of an object beside its place, as other formats can carry it: texts and numbers, none empty.

    Example:
        >>> plain_fields(score=None, difficult=True, note="dark", parts=["a"], group_id=3)
        {'difficult': 1, 'note': 'dark', 'parts': '["a"]', 'group_id': 3}
    """
    found: dict[str, str | int | float] = {}
    for name, value in values.items():
        if value in (None, "", [], {}, False):
            continue
        if isinstance(value, bool):
            found[name] = int(value)
        elif isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            found[name] = value
        else:
            found[name] = json.dumps(value, ensure_ascii=False, default=str)
    return found


def load_json(entry: Entry, limit_bytes: int = 32 << 20) -> Any:
    """The content of a JSON file. Raises LabelError, which names the line, also if it is larger than `limit_bytes`."""
    return parse_json(entry.text(limit_bytes), entry.path)


def parse_json(text: str, file: str) -> Any:
    """The content of the text of a JSON file.

    Args:
        text: the text.
        file: its path, for messages.

    Raises:
        LabelError: it is not JSON, or nested too deeply; the message names the line.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}: {error.msg} (column {error.colno})"
        raise LabelError(f"{file}, {where}; expected valid JSON, correct it") from error
    except (RecursionError, ValueError) as error:  # brackets in brackets, or a number of thousands of digits
        what = "nested too deeply" if isinstance(error, RecursionError) else "has a number of too many digits"
        raise LabelError(f"{file}: {what} for a label file; save it again") from error


def json_fault(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that `json.loads` refuses.

    Example:
        >>> json_fault(RecursionError("maximum recursion depth exceeded"))
        'it is nested too deeply'
    """
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


def rounded(value: float, decimals: int = 3) -> float | int:
    """A coordinate as it is written: to a thousandth of a pixel, and whole where it is.

    Example:
        >>> rounded(12.0000001), rounded(1 / 3)
        (12, 0.333)
    """
    result = round(float(value), decimals)
    return int(result) if result.is_integer() else result

"""Ids as COCO's own tools compare them: 2, 2.0 and "2" are one."""

from __future__ import annotations

import json
import re

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0+)?", re.ASCII)


def id_key(value: object) -> str | None:
    """What two ids are compared by.

    Args:
        value: an id as a JSON file has it.

    Returns:
        A text; None if it is no id: null, a truth value, a list.

    Example:
        >>> [id_key(value) for value in (2, 2.0, "2", "002", "two", None, [2])]
        ['2', '2', '2', '2', '"two"', None, None]
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else json.dumps(value)
    text = value.strip()
    return str(int(text.partition(".")[0])) if _WHOLE.fullmatch(text) else json.dumps(text)

"""VIA's list of attributes with their options, among which are the classes: in a project, or in a file of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.label_values import clean, load_json
from augmentai.dataset.formats.via.annotation import class_key

ATTRIBUTES_FILE = "via_attributes.json"
_LARGEST_BYTES = 8 << 20


def is_attributes(content: object) -> bool:
    """Whether a JSON file has nothing but attributes of regions and files."""
    return isinstance(content, dict) and bool(content) and content.keys() <= {"region", "file"}


def classes_in_attributes(content: object) -> list[str]:
    """The options of the attribute that is the class.

    Example:
        >>> classes_in_attributes({"region": {"class": {"type": "dropdown", "options": {"cat": "", "dog": "a dog"}}}})
        ['cat', 'dog']
    """
    regions = content.get("region") if isinstance(content, dict) else None
    if not isinstance(regions, dict):
        return []
    attribute = regions.get(class_key(regions))
    options = attribute.get("options") if isinstance(attribute, dict) else None
    names = (clean(str(name)) for name in options) if isinstance(options, dict) else ()
    return [name for name in dict.fromkeys(names) if name]


def attributes_in(entry: Entry) -> Any:
    """The content of a file of attributes; None if it is something else."""
    try:
        content = load_json(entry, _LARGEST_BYTES)
    except LabelError:
        return None
    return content if is_attributes(content) else None


def attributes_of(class_names: Iterable[str]) -> dict[str, Any]:
    """The attributes of a set whose regions have a class, as VIA imports them."""
    options = dict.fromkeys(class_names, "")
    dropdown = {"type": "dropdown", "description": "", "options": options, "default_options": {}}
    return {"region": {"class": dropdown}, "file": {}}

"""YAML from users: read by one safe loader, whose work is bounded before it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Keys, values and brackets after aliases are expanded. A data.yaml with 50,000 classes has fewer.
_MAX_PARTS = 200_000
_MAX_DEPTH = 50
_MAX_DIGITS = 300
_NUMBER = re.compile(r"[-+0-9a-fx_.:]+", re.IGNORECASE)


class YamlError(ValueError):
    """A text that is not YAML, or that would take too much work to read; the message says which."""


def load_yaml(text: str, as_text: bool = False) -> Any:
    """Read YAML as plain Python values.

    Merge keys (`<<: [*a, *a]`) and aliases let 500 bytes stand for billions of values. These are counted first,
    from the parser's events, before any is built.

    Args:
        text: the content of a YAML file.
        as_text: leave every value and key as it is written: "no" is no boolean then, and 007 no number.

    Returns:
        The values: dictionaries, lists, strings, numbers, dates, None.

    Raises:
        YamlError: the text is not valid YAML, or it has too many values, levels or digits.

    Example:
        >>> load_yaml("names: [cat, dog]")
        {'names': ['cat', 'dog']}
        >>> load_yaml("names: [no, 007]", as_text=True)
        {'names': ['no', '007']}
    """
    with _composed(text) as (node, reader):
        return _as_text(node) if as_text else _as_values(node, reader)


def load_yaml_twice(text: str) -> tuple[Any, Any]:
    """Read YAML as plain Python values, and as text, parsed once; see `load_yaml`.

    Example:
        >>> load_yaml_twice("names: [no]")
        ({'names': [False]}, {'names': ['no']})
    """
    with _composed(text) as (node, reader):
        texts = _as_text(node)  # before merge keys are resolved in the node
        return _as_values(node, reader), texts


@contextmanager
def _composed(text: str) -> Iterator[tuple[Any, Any]]:
    """The nodes of a text, and what makes values of them. Raises YamlError, also for what the caller does with them."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
    try:
        _check(yaml.parse(text, Loader=loader))
        reader = loader(text)
        try:
            yield reader.get_single_node(), reader
        finally:
            reader.dispose()
    except YamlError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlError(str(error)) from error


def _as_text(node: Any) -> Any:
    from yaml.constructor import BaseConstructor

    return BaseConstructor().construct_document(node) if node is not None else None


def _as_values(node: Any, reader: Any) -> Any:
    return reader.construct_document(node) if node is not None else None


def _check(events: Iterator[Any]) -> None:
    """Refuse what would take too much work to build."""
    import yaml

    sizes: dict[str, int] = {}  # of what an anchor names, aliases in it expanded
    opened: list[tuple[str | None, int]] = []  # anchor of each open collection, and the count where it began
    count = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise YamlError(f"the alias *{event.anchor} names nothing that was defined before it")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if len(event.value) > _MAX_DIGITS and event.implicit[0] and _NUMBER.fullmatch(event.value):
                raise YamlError(f"a number has more than {_MAX_DIGITS} digits")
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, count))
            count += 1
            if len(opened) > _MAX_DEPTH:
                raise YamlError(f"it is nested more than {_MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, began = opened.pop()
            if anchor:
                sizes[anchor] = count - began
        if count > _MAX_PARTS:
            raise YamlError(f"it has more than {_MAX_PARTS:,} values, aliases included")

"""The definition of a recipe field, for the command line, the API, the page and the docs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from augmentai.recipe.kinds import Kind

Group = Literal["what to make", "dataset", "filters", "engines", "output"]
Place = Literal["", "main", "dataset", "more"]

GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True)
class Setting:
    """The definition of one recipe field.

    Attributes:
        kind: the values it takes.
        group: the heading it is listed under.
        help: what it does, in one line.
        flags: how the command line spells it; a switch that is on by default has its opposite after a slash.
        common: its place in its group in the short help of the command line; 0 if that does not list it.
        api: whether the API has it as a keyword.
        page: which part of the page shows it; "" for none.
        label: what the page calls it; its name, if empty.
        info: the line below its control; none, if empty.
        placeholder: an example that an empty text box shows.
        page_default: what the page starts with, if that is not the recipe's default.
    """

    kind: Kind
    group: Group
    help: str
    flags: tuple[str, ...]
    common: int = 0
    api: bool = True
    page: Place = "more"
    label: str = ""
    info: str = ""
    placeholder: str = ""
    page_default: Any = None


def setting(default: Any, kind: Kind, group: Group, help: str, *flags: str, **more: Any) -> Any:
    """A field of the recipe with its default and its definition; the parameters are those of `Setting`.

    A callable default is called for each recipe.
    """
    metadata = {"setting": Setting(kind, group, help, flags, **more)}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)

"""The table of recipe fields, from which the command line, the API, the page and the docs are generated.

`python -m augmentai.recipe.fields` prints it as Markdown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augmentai.recipe.kinds import Kind, Switch
from augmentai.recipe.recipe import Recipe
from augmentai.recipe.setting import GROUPS, Setting

_LAST = 1000  # the place of fields that are not common


@dataclass(frozen=True)
class RecipeField:
    """One row of the table: a field of the recipe, its default and its definition."""

    name: str
    default: Any
    setting: Setting

    @property
    def kind(self) -> Kind:
        return self.setting.kind

    @property
    def page_default(self) -> Any:
        """What its control on the page starts with."""
        return self.default if self.setting.page_default is None else self.setting.page_default

    def from_form(self, value: Any) -> Any:
        """What a form or an API call sent, as the recipe takes it: None is the default, text is parsed.

        Example:
            >>> by_name("strength").from_form("0.4")
            0.4
        """
        if value is None:
            return self.default
        return self.kind.parse(value) if isinstance(value, str) else value

    def words(self, value: Any) -> list[str]:
        """The flag and value that ask for `value` on the command line; none if typing has no effect.

        Example:
            >>> by_name("mirror").words(False), by_name("seed").words(7)
            (['--no-flip'], ['--seed', '7'])
        """
        long = self.setting.flags[0]
        if isinstance(self.kind, Switch):
            on, _, off = long.partition("/")
            return [flag for flag in (on if value else off,) if flag]
        return [word for text in self.kind.typed(value) for word in (long, text)]


def fields_of(recipe: type[Recipe]) -> tuple[RecipeField, ...]:
    """The rows of a recipe class, in the order of its keywords."""
    usual = recipe()
    return tuple(
        RecipeField(one.name, getattr(usual, one.name), one.metadata["setting"]) for one in dataclasses.fields(recipe)
    )


FIELDS = fields_of(Recipe)


def by_name(name: str) -> RecipeField:
    """The row of one field. Raises KeyError if there is none."""
    return {field.name: field for field in FIELDS}[name]


def by_group(table: Iterable[RecipeField]) -> dict[str, list[RecipeField]]:
    """The rows under their headings, in the order in which these are shown; the common ones come first."""
    rows = sorted(table, key=lambda field: field.setting.common or _LAST)
    return {group: [field for field in rows if field.setting.group == group] for group in GROUPS}


def api_fields(table: Iterable[RecipeField] = FIELDS) -> list[RecipeField]:
    """The rows that are keywords of the API."""
    return [field for field in table if field.setting.api]


def recipe_from_form(form: Mapping[str, Any], table: Sequence[RecipeField] = FIELDS) -> Recipe:
    """The recipe that a form or an API call asks for; what is missing or None has its default.

    Args:
        form: {field name: value}, with numbers perhaps as text.

    Raises:
        RecipeError: a value is not allowed.
    """
    rows = {field.name: field for field in table}
    return Recipe(**{name: rows[name].from_form(value) for name, value in form.items()})


def markdown(table: Iterable[RecipeField] = FIELDS) -> str:
    """The table for the documentation, one section per group."""
    return "\n".join(_section(group, rows) for group, rows in by_group(table).items() if rows)


def _section(group: str, rows: Iterable[RecipeField]) -> str:
    head = "| Field | Values | Default | Command line | API, page | Meaning |\n| --- | --- | --- | --- | --- | --- |"
    return "\n".join((f"### {group[:1].upper()}{group[1:]}", "", head, *map(_row, rows), ""))


def _row(field: RecipeField) -> str:
    setting = field.setting
    flags = ", ".join(f"`{flag}`" for flag in setting.flags)
    shown_in = ", ".join(where for where, there in (("API", setting.api), ("page", bool(setting.page))) if there)
    values = ", ".join(map(_code, field.kind.values().split("|")))  # not every Markdown reads an escaped | in code
    cells = (_code(field.name), values, _default(field), flags, shown_in, setting.help)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: RecipeField) -> str:
    value = field.default
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return ", ".join(f"`{name}={number:g}`" for name, number in dataclasses.asdict(value).items())
    if isinstance(field.kind, Switch):
        return _code(str(value).lower())
    return _code(str(value)) if value not in ("", ()) else "none"


def _code(words: str) -> str:
    return f"`{words}`"


if __name__ == "__main__":
    print(markdown(), end="")

"""The settings as a table for docs/settings.md; `python -m augmentai.settings` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo


def table(fields: Mapping[str, FieldInfo], data: Path) -> str:
    """Every variable as a Markdown table.

    Args:
        fields: those of `Settings`.
        data: the folder that default paths are relative to.
    """
    rows = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for field in fields.values():
        if field.exclude:
            continue
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias]
        variables = " or ".join(f"`{name}`" for name in names)
        rows.append(
            f"| {variables} | {_cell(field.get_default(call_default_factory=True), data)} | {field.description} |"
        )
    return "\n".join(rows)


def _cell(default: object, data: Path) -> str:
    """A default value as it is written in the table; a path as in a checkout, a secret or nothing as an empty cell."""
    if isinstance(default, Path):
        return str(default.relative_to(data) if default.is_relative_to(data) else default)
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, SecretStr) or default is None or default in ("", {}, ()):
        return ""
    return str(default)

"""The keywords of the API, each with its type, its default and what it does, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from augmentai.recipe.fields import RecipeField
from augmentai.web.api_docs import field_docs

_FILES = ("files", "list of files", "", "Images and archives (ZIP, TAR); a dataset keeps its layout and labels.")


def keyword_table(fields: Sequence[RecipeField]) -> str:
    """A table that is folded away. fields: those that are keywords.

    Example:
        >>> from augmentai.recipe.fields import FIELDS, api_fields
        >>> "<code>variations</code>" in keyword_table(api_fields(FIELDS))
        True
    """
    rows = "".join(_row(*cells) for cells in (_FILES, *map(_cells, fields)))
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Keyword", "Values", "Default", "What it does"))
    summary = f"<summary>Every keyword explained ({len(fields) + 1})</summary>"
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<details class="aug-keywords">{summary}<div class="aug-table">{table}</div></details>'


def _cells(field: RecipeField) -> tuple[str, str, str, str]:
    docs = field_docs(field)
    default = "" if field.default in ((), {}, "") else str(field.default)
    return field.name, field.kind.values(), default, docs.help


def _row(name: str, values: str, default: str, words: str) -> str:
    return (
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(values)}</td>'
        f"<td>{escape(default)}</td><td>{escape(words)}</td></tr>"
    )

"""`augmentai inspect`: what is in a set, as tables or as JSON, before anything is made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from augmentai.cli.console import print_error, progress_bar, quit_with
from augmentai.cli.run import recipe_of
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.inspection import Inspection, inspect_set
from augmentai.inspection.findings import TITLES
from augmentai.inspection.inspection import UNREADABLE
from augmentai.pipeline.job import limits
from augmentai.plurals import counted
from augmentai.recipe import RecipeError
from augmentai.settings import SettingsError, load_settings
from augmentai.storage import Place

_CLASSES_SHOWN = 40
_EXAMPLES_SHOWN = 5
# Each of these is named among the findings.
_FINDINGS = re.compile(
    r"label files? (is|are|that are) (not understood|also there)|^[\d,]+ box(es)? in |without labels; "
)


def inspect(
    inputs: Sequence[Place],
    fields: Mapping[str, Any],
    saved: Path | None = None,
    as_json: bool = False,
    similarity: bool = False,
) -> int:
    """Inspect a set.

    Args:
        inputs: images, folders, ZIPs, by path or URL.
        fields: {field of the recipe: what was typed}; a run with the same would do what is printed.
        saved: a file of settings that `fields` override.
        as_json: print one JSON object.
        similarity: compare images by a pretrained network as well.

    Returns:
        The exit status: that of the inspection.
    """
    try:
        settings = load_settings()
        recipe = recipe_of(fields, saved)
    except (SettingsError, RecipeError) as error:
        quit_with(str(error))
    gathered = gather(list(inputs), limits(settings), layout=recipe.layout)
    total = len(gathered.sources) + len(gathered.holdout)
    with progress_bar() as bar:
        task = bar.add_task("inspecting", total=total)

        def on_examined(done: int, _: int) -> None:
            bar.update(task, completed=done)

        found = inspect_set(gathered, recipe, settings, available(settings), on_examined, similarity)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print_inspection(found, Console(highlight=False))
    return found.status


def print_inspection(found: Inspection, console: Console) -> None:
    """The tables of an inspection.

    Args:
        found: what was found.
        console: where they are printed.
    """
    for heading, text in _lines(found) if found.images["count"] else ():
        console.print(Text.assemble((f"{heading}: ", "bold"), _plain(text)), soft_wrap=True)
    _print_classes(found, console)
    for finding in found.findings:
        style = "bold red" if finding.is_problem else "bold"
        console.print(Text(f"\n{TITLES[finding.kind]} ({finding.count:,})", style))
        for example in finding.examples[:_EXAMPLES_SHOWN]:
            console.print(Text(f"- {_plain(str(example))}"), soft_wrap=True)
        if finding.count > _EXAMPLES_SHOWN:
            console.print(Text(f"  and {finding.count - _EXAMPLES_SHOWN:,} more"))
    if found.status == UNREADABLE:
        print_error("there is no image that can be read")
    elif not any(finding.is_problem for finding in found.findings):
        console.print(Text("\nNo problems found.", "bold"))


def _lines(found: Inspection) -> list[tuple[str, str]]:
    layout, images, plan = found.layout, found.images, found.plan
    rows = [("Layout", f"{layout['title'] or 'not recognised'} ({layout['why']})")]
    rows.append(("Images", _counts(found)))
    if sizes := images["sizes"]:
        words = ", ".join(f"{name} {w}x{h}" for name, (w, h) in sizes.items())
        kinds = ", ".join(f"{count:,} {name}" for name, count in {**images["modes"], **images["formats"]}.items())
        rows.append(("Sizes", f"{words} ({kinds})"))
    made = f"{counted(plan['variations'], 'variation')} by {plan['engine']}, geometry {plan['geometry']}"
    rows.append(("A run", made if plan["engine"] and plan["variations"] else plan["reason"] or "nothing to augment"))
    rows += [("Cost", plan["cost"])] if plan["cost"] else []
    return rows + [("Note", notice) for notice in found.notices if not _FINDINGS.search(notice)]


def _counts(found: Inspection) -> str:
    if [one["split"] for one in found.splits] == ["none"]:
        return f"{found.images['count']:,}, without splits; all are augmented"
    parts = (f"{one['images']:,} {one['split']}" for one in found.splits)
    return f"{found.images['count']:,} ({', '.join(parts)}); {found.images['augmented']:,} are augmented"


def _print_classes(found: Inspection, console: Console) -> None:
    if not found.classes:
        return
    splits = [one["split"] for one in found.splits if one["split"] != "none"]
    has_objects = any(one["objects"] is not None for one in found.classes)
    columns = ["Images", *(["Objects"] if has_objects else []), *(split.capitalize() for split in splits)]
    table = Table("Class", title=f"Classes ({len(found.classes)})", title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    for one in found.classes[:_CLASSES_SHOWN]:
        cells = [f"{one['images']:,}"]
        cells += [f"{one['objects']:,}" if one["objects"] is not None else ""] if has_objects else []
        cells += [_split_cell(one["splits"].get(split)) for split in splits]
        table.add_row(Text(_plain(one["name"])), *cells)
    if len(found.classes) > _CLASSES_SHOWN:
        table.add_row(f"and {len(found.classes) - _CLASSES_SHOWN} more (--json has all)")
    console.print(table)


def _split_cell(counts: Mapping[str, Any] | None) -> str:
    """Images of a class in a split, and its objects after a slash."""
    if counts is None:
        return "0"
    return f"{counts['images']:,}" + (f" / {counts['objects']:,}" if counts["objects"] is not None else "")


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()

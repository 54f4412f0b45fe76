"""`augmentai lift`: what recipes are worth on a set, as a table, a plot or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from threading import Event
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from augmentai.cli.console import ALL_DONE, NOTHING_DONE, SOME_FAILED, console, print_error, print_line, quit_with
from augmentai.cli.run import recipe_of
from augmentai.lift import LiftError, LiftReport, LiftStoppedError, measure
from augmentai.lift.measure import DEFAULT_SEED, DEFAULT_VARIATIONS
from augmentai.lift.sentences import heading, metric, points
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import SettingsError
from augmentai.storage import Place
from augmentai.system.ending import on_first_signal

_STYLES = {"helps": "bold green", "hurts": "bold red", "cannot tell": ""}


def lift(
    inputs: Sequence[Place],
    test: Path | None,
    saved: Sequence[Path],
    fields: Mapping[str, Any],
    as_json: bool = False,
    plot: Path | None = None,
    paid: bool = False,
    deep: bool = False,
) -> int:
    """Measure recipes on a set.

    Args:
        inputs: the set: images, folders, ZIPs.
        test: images to test on in place of the set's own.
        saved: files of recipes; none: one recipe from `fields`.
        fields: {field of the recipe: what was typed}; with files they override each. The seed is the measurement's too.
        as_json: print one JSON object instead of a table.
        plot: a file for the plot.
        paid: credits may be spent.
        deep: train all layers.

    Returns:
        The exit status.
    """
    if plot is not None and plot.suffix.lower() != ".svg":
        quit_with(f"{plot}: the plot is an SVG image; name a file that ends with .svg")
    try:
        recipes = _recipes(saved, fields)
        report = _measured(inputs, test, recipes, fields.get("seed", DEFAULT_SEED), paid, deep)
    except LiftStoppedError:
        print_error("stopped; nothing was measured")
        return NOTHING_DONE
    except (LiftError, RecipeError, SettingsError) as error:
        quit_with(str(error))
    if plot is not None and not _written(plot, report):
        return SOME_FAILED
    if as_json:
        print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        print_report(report)
    return SOME_FAILED if any(one.failed for one in report.recipes) else ALL_DONE


def _recipes(saved: Sequence[Path], fields: Mapping[str, Any]) -> dict[str, Recipe]:
    """Recipes by the names of their files, which are made unique; without a file the default one."""
    if not saved:
        recipe = recipe_of({"variations": DEFAULT_VARIATIONS, **fields}, None)
        return {"these flags" if fields else "default": recipe}
    named: dict[str, Recipe] = {}
    for file in saved:
        name, number = file.stem, 1
        while name in named:
            number += 1
            name = f"{file.stem} {number}"
        named[name] = recipe_of(fields, file)
    return named


def _measured(
    inputs: Sequence[Place], test: Path | None, recipes: dict[str, Recipe], seed: int, paid: bool, deep: bool
) -> LiftReport:
    stop = Event()
    on_first_signal(stop.set)
    # Whatever an engine or a library prints must not get between the results on standard output.
    with redirect_stdout(sys.stderr), _bar() as bar:
        task = bar.add_task("reading the set", total=1.0)
        return measure(
            list(inputs),
            recipes,
            test=test,
            seed=seed,
            on_progress=lambda words, share: bar.update(task, description=words, completed=share),
            should_stop=stop.is_set,
            paid=paid,
            deep=deep,
            on_cost=print_line,
        )


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def _written(plot: Path, report: LiftReport) -> bool:
    from augmentai.lift.plot import svg

    try:
        plot.write_text(svg(report) + "\n", encoding="utf-8")
    except OSError as error:
        print_error(f"{plot}: the plot cannot be written ({error.strerror}); name another file")
        return False
    return True


def print_report(report: LiftReport) -> None:
    """What was measured, a row for each recipe in the order asked, and notes."""
    out = Console()
    out.print(Text(heading(report)), soft_wrap=True)
    table = Table("Recipe", "Verdict", box=box.SIMPLE)
    for column in ("Points (95 %)", "Shifted images", "Would do"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in report.recipes:
        shifted = points(one.shifted) if one.shifted else ""
        needs = f"{one.needs:,}" if one.needs is not None else ""
        table.add_row(Text(one.recipe), Text(one.verdict, _STYLES[one.verdict]), points(one), shifted, needs)
    out.print(table)
    baseline = report.recipes[0].baseline
    words = f"Points of {metric(report)} against flips and crops alone, which reach {baseline:.1f} %."
    out.print(Text(words), soft_wrap=True)
    if any(one.needs is not None for one in report.recipes):
        words = "Would do: test images that would show an effect of this size, or of 2 points, in four of five cases."
        out.print(Text(words), soft_wrap=True)
    notes = [f"{one.recipe}: {note}" for one in report.recipes for note in one.notes] + list(report.notes)
    if notes:
        out.print(Text("\n".join((f"Notes ({len(notes)})", *(f"- {note}" for note in notes)))), soft_wrap=True)
